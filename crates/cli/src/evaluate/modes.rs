//! Several extrapolations in one word.

use std::str::FromStr;

use gradex::Extrapolation;
use gradex::saliency::Error;

/// Modes with commas between them; commas within brackets separate the settings of one.
#[derive(Debug, Clone)]
pub struct Modes(pub Vec<Extrapolation>);

impl FromStr for Modes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut depth = 0_i32;
        let separates = |letter: char| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            letter == ',' && depth == 0
        };
        Ok(Self(text.split(separates).map(str::parse).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_separate_settings() {
        let Modes(modes) = "none,activated(power=0.5, skip=never),published".parse().unwrap();
        let shown: Vec<String> = modes.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["none", "activated(skip=never,power=0.5)", "published"]);
        for wrong in ["none,", "none,activated(power=0.5", "activated(power=0.5)),none"] {
            assert!(wrong.parse::<Modes>().is_err(), "{wrong}");
        }
    }
}
