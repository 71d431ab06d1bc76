//! How convolutions are computed: flags, and their words in receipts.

use clap::Args;
use gradex::engine::{Algorithm, Choice};

/// How convolutions are computed.
#[derive(Debug, Clone, Args, Default)]
pub struct ChoiceArgs {
    /// Sum convolutions as they are defined, without Winograd's transforms, whose rounding is coarser: slower, in the least memory.
    /// Maps of CAM methods and of relevance differ by less than 1e-4 of their range, contrastive ones by less than 1e-3; gradients
    /// at the input by more, where rounding turns a rectifier over.
    #[arg(long, conflicts_with = "algorithm")]
    pub exact: bool,
    /// Compute every convolution that it can take by this algorithm: direct, depthwise, winograd or winograd-2x2.
    #[arg(long, value_name = "NAME", value_parser = parse_algorithm)]
    pub algorithm: Option<Algorithm>,
}

impl ChoiceArgs {
    /// What is asked for.
    pub fn choice(&self) -> Choice {
        match self.algorithm {
            Some(algorithm) => Choice::Forced(algorithm),
            None if self.exact => Choice::Exact,
            None => Choice::default(),
        }
    }

    /// Its word in a receipt; none for the usual.
    pub fn word(&self) -> Option<String> {
        let exact = self.exact.then_some("exact");
        self.algorithm.map(Algorithm::name).or(exact).map(str::to_owned)
    }

    /// The choice of that word.
    pub fn of_word(word: Option<&str>) -> Result<Self, String> {
        match word {
            None => Ok(Self::default()),
            Some("exact") => Ok(Self { exact: true, algorithm: None }),
            Some(name) => Ok(Self { exact: false, algorithm: Some(parse_algorithm(name)?) }),
        }
    }
}

fn parse_algorithm(text: &str) -> Result<Algorithm, String> {
    let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == text);
    found.ok_or_else(|| format!("expected one of {}", Algorithm::ALL.map(Algorithm::name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_have_words_and_come_back_from_them() {
        let choice = |word| ChoiceArgs::of_word(word).map(|args| (args.choice(), args.word()));
        assert_eq!(choice(None), Ok((Choice::default(), None)));
        assert_eq!(choice(Some("exact")), Ok((Choice::Exact, Some("exact".to_owned()))));
        assert_eq!(choice(Some("direct")), Ok((Choice::Forced(Algorithm::Direct), Some("direct".to_owned()))));
        assert!(choice(Some("fft")).is_err());
    }
}
