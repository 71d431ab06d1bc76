//! What is to be thought of a map, in the plain words of a report.

use gradex::Heatmap;
use gradex::saliency::{Influence, rank_correlation};

use crate::influence::{Influenced, MOSTLY, Other, Unlike};
use crate::page::{Depth, Order, Verdict};

/// How much of the picture is the class, and whether other classes have the same.
pub fn by_influence(influence: &Influenced) -> Vec<Verdict> {
    let mostly = Verdict {
        about: "Class or activations?".into(),
        words: format!("{}; {}.", influence.mostly(), influence.by_activations()),
        doubt: influence.same_for_any_class,
    };
    let other = influence.other.as_ref().map(|Other { label, correlation, .. }| {
        by_other("Related class:", label, Some(*correlation), Influence::OTHER)
    });
    let unlike = influence
        .unlike
        .as_ref()
        .map(|Unlike { label, correlation, .. }| by_other("Unlike class:", label, *correlation, Influence::UNLIKE));
    [mostly].into_iter().chain(other).chain(unlike).collect()
}

/// `same` is the correlation from which on two pictures are the same.
fn by_other(about: &'static str, label: &str, correlation: Option<f64>, same: f64) -> Verdict {
    let doubt = correlation.is_some_and(|found| found >= same);
    let how = match correlation {
        None => "is blank, so it differs".to_owned(),
        Some(found) if doubt => format!("is the same (correlation {found:.3}, {same} or more)"),
        Some(found) if found >= MOSTLY => format!("is much like it (correlation {found:.3})"),
        Some(found) => format!("differs (correlation {found:.3})"),
    };
    Verdict { about: about.into(), words: format!("the picture of {label} {how}."), doubt }
}

/// Below this rank correlation two pictures are different: less than a quarter of the order of pixels is the same.
const ANOTHER: f64 = 0.5;

/// How much of the picture is left where everything down to this layer is forgotten.
pub fn by_depth(layer: &str, learnt: &Heatmap, forgetful: &Heatmap) -> Depth {
    let correlation = rank_correlation(&learnt.values, &forgetful.values);
    let words = match correlation {
        None => "no picture",
        Some(found) if found >= MOSTLY => "much the same",
        Some(found) if found >= ANOTHER => "partly the same",
        Some(found) if found > -ANOTHER => "another picture",
        Some(_) => "another, and opposite",
    };
    Depth { layer: layer.to_owned(), correlation, words }
}

/// Whether the picture depends on what the network learnt; none where no depth was tried. The last depth is that at which all
/// is forgotten.
pub fn by_weights(depths: &[Depth]) -> Option<Verdict> {
    let (Depth { correlation, words, .. }, shallower) = depths.split_last()?;
    let survived: Vec<String> = shallower
        .iter()
        .filter_map(|depth| depth.correlation.filter(|found| *found >= MOSTLY).map(|found| (&depth.layer, found)))
        .map(|(layer, found)| format!("{layer} ({found:.3})"))
        .collect();
    let mut words = match *correlation {
        None => "where all are random there is no picture, so it depends on what was learnt.".to_owned(),
        Some(found) => {
            let so = match found {
                _ if found >= MOSTLY => ": it tells little of what was learnt",
                _ if found >= ANOTHER => ": not all of it was learnt",
                _ if survived.is_empty() => ": as it should be",
                _ => "",
            };
            format!("where all are random it is {words} (correlation {found:.3}){so}.")
        }
    };
    if !survived.is_empty() {
        words += &format!(
            " It is much the same where only the layers from the logits down to {} are random: what those learnt hardly \
             shows in it.",
            survived.join(", or to ")
        );
    }
    let doubt = !survived.is_empty() || correlation.is_some_and(|found| found >= MOSTLY);
    Some(Verdict { about: "Random weights:".into(), words, doubt })
}

/// Differences of insertion and deletion smaller than this are not worth a word.
const LITTLE: f64 = 0.005;

/// Whether the score follows the heat, by what knows nothing of the network, and how without the sharpening.
pub fn by_curves(orders: &[Order]) -> Vec<Verdict> {
    let baselines: Vec<&Order> = orders.iter().filter(|order| order.method.is_none()).collect();
    let mut verdicts = Vec::new();
    for maps in orders.chunk_by(|one, next| one.method.is_some() && one.method == next.method) {
        let (Some(shown), Some(plain)) = (maps.last(), maps.first()) else { continue };
        if shown.method.is_none() {
            continue;
        }
        let found = shown.difference();
        let reaches = |baseline: &&&Order| found - baseline.difference() < LITTLE;
        let unbeaten: Vec<&str> = baselines.iter().filter(reaches).map(|one| one.name.as_str()).collect();
        let beside: Vec<String> = baselines.iter().map(|one| format!("{} {:.3}", one.name, one.difference())).collect();
        let how = match unbeaten[..] {
            [] => "better than whatever knows nothing of the network".to_owned(),
            _ => format!("no better than {}", unbeaten.join(" and ")),
        };
        let mut words = format!("the score follows its heat {how} ({found:.3}; {}).", beside.join(", "));
        if maps.len() > 1 {
            words += &format!(
                " Insertion minus deletion is {found:.3} with and {:.3} without sharpening, on this one photograph; gradex \
                 evaluate decides over many.",
                plain.difference()
            );
        }
        verdicts.push(Verdict {
            about: shown.method.clone().unwrap_or_default().into(),
            words,
            doubt: !unbeaten.is_empty(),
        });
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(activations: Option<f64>, other: Option<f64>, unlike: Option<f64>) -> Vec<Verdict> {
        by_influence(&Influenced::new(Influence { activations, other, unlike }, [Some(281), unlike.map(|_| 728)]))
    }

    #[test]
    fn words_follow_the_numbers() {
        for (activations, words, doubt) in [
            (None, "no extrapolation", false),
            (Some(-0.2), "mostly the class", false),
            (Some(0.5), "explain 25 %", false),
            (Some(0.8), "mostly activations", false),
            (Some(0.99), "the same for any class", true),
        ] {
            let found = &verdicts(activations, None, Some(0.3))[0];
            assert!(found.words.contains(words) && found.doubt == doubt, "{found:?}");
        }
        assert_eq!(verdicts(None, None, None).len(), 1);
        for (other, words, doubt) in
            [(0.1, "tabby differs", false), (0.9, "much like", false), (1.0, "is the same", true)]
        {
            let found = &verdicts(None, Some(other), None)[1];
            assert!(found.words.contains(words) && found.doubt == doubt, "{found:?}");
        }
    }

    #[test]
    fn a_picture_that_an_unlike_class_has_too_is_not_the_class() {
        let found = verdicts(Some(0.26), Some(1.0), Some(1.0));
        assert!(found[0].words.contains("the same for any class") && found[0].doubt, "{found:?}");
        assert!(found[2].words.contains("plastic bag is the same") && found[2].doubt, "{found:?}");
    }

    #[test]
    fn random_weights_should_change_the_picture() {
        let map = |values: [f32; 4]| Heatmap {
            values: ndarray::Array3::from_shape_vec((1, 2, 2), values.to_vec()).unwrap(),
            reason: None,
        };
        let learnt = map([0.0, 0.2, 0.5, 1.0]);
        for (forgetful, words, said, doubt) in [
            ([0.0, 0.1, 0.2, 1.0], "much the same", "tells little", true),
            // Ranks 1 2 4 3 against 2 1 3 4 and alike: 1 - 6 Σd² / 60.
            ([0.2, 0.0, 1.0, 0.5], "partly the same", "not all of it", false),
            ([0.5, 1.0, 0.2, 0.6], "another picture", "as it should be", false),
            ([1.0, 0.5, 0.2, 0.0], "another, and opposite", "as it should be", false),
            ([0.0; 4], "no picture", "no picture", false),
        ] {
            let depth = by_depth("conv1", &learnt, &map(forgetful));
            assert_eq!((depth.words, &*depth.layer), (words, "conv1"), "{depth:?}");
            let verdict = by_weights(&[depth]).unwrap();
            assert!(verdict.words.contains(said) && verdict.doubt == doubt, "{verdict:?}");
        }
    }

    #[test]
    fn depths_that_a_picture_survives_are_named() {
        let depth = |layer: &str, correlation: f64| Depth {
            layer: layer.to_owned(),
            correlation: Some(correlation),
            words: "another picture",
        };
        let depths = [depth("fc", 0.9), depth("layer4", 0.6), depth("layer2", 0.8), depth("conv1", 0.1)];
        let verdict = by_weights(&depths).unwrap();
        assert!(verdict.words.contains("down to fc (0.900), or to layer2 (0.800) are random"), "{verdict:?}");
        assert!(verdict.doubt && !verdict.words.contains("as it should be"), "{verdict:?}");
        let verdict = by_weights(&depths[1..2]).unwrap();
        assert!(!verdict.words.contains("layer4") && !verdict.doubt, "{verdict:?}");
        assert!(by_weights(&[]).is_none());
    }

    #[test]
    fn curves_are_told_in_words() {
        let order = |name: &str, method: Option<&str>, difference: f64| Order {
            name: name.to_owned(),
            method: method.map(str::to_owned),
            stroke: crate::page::Stroke::Solid(0),
            insertion: (Vec::new(), difference),
            deletion: (Vec::new(), 0.0),
        };
        let baselines = || [order("random", None, 0.108), order("centre", None, 0.05), order("edges", None, 0.2)];
        let of = |plain, fine| {
            let maps = [order("g, plain", Some("g"), plain), order("g, extrapolated", Some("g"), fine)];
            by_curves(&maps.into_iter().chain(baselines()).collect::<Vec<_>>()).remove(0)
        };
        let good = of(0.31, 0.3);
        assert!(
            good.words.contains("better than whatever")
                && good.words.contains("0.300 with and 0.310 without")
                && !good.doubt,
            "{good:?}"
        );
        let bad = of(0.101, 0.103);
        assert!(bad.words.contains("no better than random and edges") && bad.doubt, "{bad:?}");
        for verdict in [of(0.1, 0.3), good, bad] {
            assert!(verdict.words.contains("on this one photograph"), "{verdict:?}");
            assert!(
                !["helps", "harms"].iter().any(|word| verdict.words.contains(word)),
                "one decides nothing: {verdict:?}"
            );
        }
        let single = [order("h", Some("h"), 0.3)].into_iter().chain(baselines()).collect::<Vec<_>>();
        assert_eq!(by_curves(&single).len(), 1);
        assert!(!by_curves(&single)[0].words.contains("sharpening"));
    }
}
