//! What a picture is made of, where the answer is known.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{find, noise, one_channel};
use gradex_engine::{Network, NodeId, Tensor};
use gradex_saliency::extrapolate::extrapolate;
use gradex_saliency::{CoarseMap, Explainer, Explanation, Extrapolation, Influence, Target, rank_correlation};
use ndarray::Array2;

/// `relu1` is the input times `scale` plus `shift`. Class 1 sees what class 0 sees, twice as much of it; class 2 nothing.
fn scaled(scale: f32, shift: f32) -> Network {
    one_channel(&[1.0, 2.0, 0.0], &[("conv1.weight", scale), ("conv1.bias", shift), ("conv2.weight", 1.0)])
}

/// What a map of one's own at `relu2` becomes over activations that vary by `scale` around 1, and what that is made of.
fn of_map(mode: Extrapolation, scale: f32, map: &Array2<f32>, other: Option<&Array2<f32>>) -> Influence {
    let network = scaled(scale, 1.0);
    let point: NodeId = find(&network, "relu2");
    let explainer = Explainer::new(&network).point(point).extrapolation(mode);
    let tape = explainer.forward(&noise(7, &[1, 1, 64, 64])).unwrap();
    let excitations = explainer.excitations(tape.input_shape(), point).unwrap();
    let explanation = |map: &Array2<f32>| {
        let coarse = CoarseMap::new("own", point, map.clone()).unwrap();
        let fine = extrapolate(mode, &coarse, &tape, 0, &excitations).unwrap();
        Explanation { image: 0, target: Target::Class(0), method: "own", coarse, fine }
    };
    let other = other.map(explanation);
    explainer.influence(&tape, &explanation(map), [other.as_ref(), other.as_ref()]).unwrap()
}

/// Positive values over six orders of magnitude: what they are multiplied by hardly changes their order.
fn steep(seed: u32) -> Array2<f32> {
    noise(seed, &[32, 32]).into_dimensionality().unwrap().mapv(|value: f32| 10f32.powf(3.0 * value))
}

#[test]
fn a_map_that_is_the_same_everywhere_is_all_activations() {
    for value in [1.0, 0.3] {
        let influence = of_map(Extrapolation::ACTIVATED, 0.5, &Array2::from_elem((32, 32), value), None);
        assert!((influence.activations.unwrap() - 1.0).abs() < 1e-3, "{influence:?}");
        assert!(influence.is_same_for_any_class() && influence.other.is_none());
    }
}

#[test]
fn a_map_that_outweighs_the_activations_is_none_of_them() {
    let influence = of_map(Extrapolation::ACTIVATED, 0.1, &steep(1), Some(&steep(2)));
    assert!(influence.activations.unwrap().abs() < 0.1, "{influence:?}");
    assert!(influence.other.unwrap().abs() < 0.1, "two maps that know nothing of each other: {influence:?}");
    assert!(!influence.is_same_for_any_class());
}

#[test]
fn the_more_the_activations_vary_the_more_the_picture_is_theirs() {
    let map = noise(1, &[32, 32]).into_dimensionality().unwrap().mapv(|value: f32| 1.0 + 0.3 * value);
    let found: Vec<f64> =
        [0.05, 0.2, 0.8].map(|scale| of_map(Extrapolation::ACTIVATED, scale, &map, None).activations.unwrap()).to_vec();
    assert!(found.is_sorted() && found[0] < 0.5 && found[2] > 0.8, "{found:?}");
}

#[test]
fn without_extrapolation_no_activation_takes_part() {
    let influence = of_map(Extrapolation::NONE, 0.5, &steep(1), Some(&steep(1)));
    assert_eq!(influence, Influence { activations: None, other: Some(1.0), unlike: Some(1.0) });
    assert!(influence.is_same_for_any_class());
}

#[test]
fn classes_that_see_the_same_have_the_same_picture_and_a_blank_one_is_compared_with_nothing() {
    let network = scaled(0.5, 1.0);
    let explainer = Explainer::new(&network);
    let tape = explainer.forward(&noise(7, &[1, 1, 64, 64])).unwrap();
    let [first, second, blank] = [0, 1, 2].map(|class| explainer.explain(&tape, &[class]).unwrap().remove(0));
    let of = |one: &Explanation, other: &Explanation| explainer.influence(&tape, one, [Some(other), None]).unwrap();
    assert!(of(&first, &second).other.unwrap() > 0.999);
    assert_eq!(of(&first, &blank).other, None);
    assert_eq!(of(&blank, &first), Influence { activations: None, other: None, unlike: None });
}

#[test]
fn a_tape_of_several_images_is_asked_about_each() {
    let network = scaled(0.5, 1.0);
    let explainer = Explainer::new(&network);
    let image = |seed| noise(seed, &[1, 1, 16, 16]);
    let both: Tensor = ndarray::concatenate![ndarray::Axis(0), image(1), image(2)];
    let tape = explainer.forward(&both).unwrap();
    for (seed, explanation) in (1..).zip(explainer.explain(&tape, &[0, 0]).unwrap()) {
        let alone = explainer.forward(&image(seed)).unwrap();
        let expected = explainer.influence(&alone, &explainer.explain(&alone, &[0]).unwrap()[0], [None; 2]).unwrap();
        assert_eq!(explainer.influence(&tape, &explanation, [None; 2]).unwrap(), expected);
    }
}

#[test]
fn a_related_class_of_the_same_picture_does_not_speak_for_all_classes() {
    let influence = |other, unlike| Influence { activations: None, other, unlike };
    assert!(!influence(Some(1.0), Some(0.5)).is_same_for_any_class());
    assert!(!influence(Some(1.0), None).is_same_for_any_class());
    assert!(influence(None, Some(Influence::UNLIKE)).is_same_for_any_class());
}

#[test]
fn independent_noise_correlates_little() {
    let (a, b) = (noise(1, &[10_000]), noise(2, &[10_000]));
    assert!(rank_correlation(&a, &b).unwrap().abs() < 0.05);
    assert!((rank_correlation(&a, &a.mapv(|value| value.powi(3))).unwrap() - 1.0).abs() < 1e-9);
}
