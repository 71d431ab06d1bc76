//! What is to be thought of a map, in the plain words of a report.

use gradex::Heatmap;
use gradex::saliency::{Influence, rank_correlation};

use crate::influence::{Influenced, Other};
use crate::page::Verdict;

/// From this rank correlation on more than half of the order of pixels is explained: its square is a half.
const MOSTLY: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// How much of the picture is the class, and whether another class has the same.
pub fn by_influence(influence: &Influenced) -> Vec<Verdict> {
    let activations = match influence.activations {
        None => Verdict { about: CLASS, words: "no activation shaped this picture.".to_owned(), doubt: false },
        Some(found) => by_activations(found),
    };
    [activations].into_iter().chain(influence.other.as_ref().map(by_other)).collect()
}

const CLASS: &str = "Class or activations?";

fn by_activations(found: f64) -> Verdict {
    let doubt = found >= Influence::ACTIVATIONS;
    let mostly = match found {
        _ if doubt => "activations, whatever the class",
        _ if found >= MOSTLY => "mostly activations",
        _ => "mostly the class",
    };
    let part = 100.0 * found * found;
    let words =
        format!("{mostly}; activations alone explain {part:.0} % of the order of pixels (correlation {found:.2}).");
    Verdict { about: CLASS, words, doubt }
}

fn by_other(Other { label, correlation, .. }: &Other) -> Verdict {
    let doubt = *correlation >= Influence::OTHER;
    let words = match *correlation {
        _ if doubt => format!("the picture of {label} is the same (correlation {correlation:.2})."),
        found if found >= MOSTLY => format!("the picture of {label} is much like it (correlation {correlation:.2})."),
        _ => format!("the picture of {label} differs (correlation {correlation:.2})."),
    };
    Verdict { about: "Another class:", words, doubt }
}

/// Whether the picture depends on what the network learnt: `unlearnt` is the same with random weights.
pub fn by_weights(learnt: &Heatmap, unlearnt: &Heatmap) -> Verdict {
    let about = "Other weights:";
    let Some(found) = rank_correlation(&learnt.values, &unlearnt.values) else {
        let words = "with random ones there is no picture, so it depends on what was learnt.".to_owned();
        return Verdict { about, words, doubt: false };
    };
    let doubt = found >= MOSTLY;
    let words = if doubt {
        format!("with random ones it is much the same (correlation {found:.2}): it tells little of what was learnt.")
    } else {
        format!("with random ones it is another picture (correlation {found:.2}), as it should be.")
    };
    Verdict { about, words, doubt }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(activations: Option<f64>, other: Option<f64>) -> Vec<Verdict> {
        by_influence(&Influenced::new(Influence { activations, other }, Some(281)))
    }

    #[test]
    fn words_follow_the_numbers() {
        for (activations, words, doubt) in [
            (None, "no activation", false),
            (Some(-0.2), "mostly the class", false),
            (Some(0.5), "explain 25 %", false),
            (Some(0.8), "mostly activations", false),
            (Some(0.99), "whatever the class", true),
        ] {
            let found = &verdicts(activations, None)[0];
            assert!(found.words.contains(words) && found.doubt == doubt, "{found:?}");
        }
        assert_eq!(verdicts(None, None).len(), 1);
        for (other, words, doubt) in
            [(0.1, "tabby differs", false), (0.9, "much like", false), (1.0, "is the same", true)]
        {
            let found = &verdicts(None, Some(other))[1];
            assert!(found.words.contains(words) && found.doubt == doubt, "{found:?}");
        }
    }

    #[test]
    fn random_weights_should_change_the_picture() {
        let map = |values: [f32; 4]| Heatmap {
            values: ndarray::Array3::from_shape_vec((1, 2, 2), values.to_vec()).unwrap(),
            reason: None,
        };
        let learnt = map([0.0, 0.2, 0.5, 1.0]);
        assert!(by_weights(&learnt, &map([0.0, 0.1, 0.2, 1.0])).doubt);
        assert!(by_weights(&learnt, &map([1.0, 0.1, 0.2, 0.0])).words.contains("another picture"));
        assert!(by_weights(&learnt, &map([0.0; 4])).words.contains("no picture"));
    }
}
