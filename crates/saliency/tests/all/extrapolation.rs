//! Gradual Extrapolation against its definition in float64, and its blank maps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{
    INPUT, check_heatmap, classify, constants, explain, find, network, noise, noise_for, one_channel, pooled, tensor,
};
use gradex_engine::layers::{BatchNorm2d, Conv2d, MaxPool2d, Relu, Relu6};
use gradex_engine::{GraphBuilder, Network, Parameter, Retain, Tensor};
use gradex_saliency::extrapolate::extrapolate;
use gradex_saliency::{CoarseMap, Error, Explainer, Extrapolation, Heatmap, Reason};
use ndarray::{Array2, ArrayD, ArrayView2, Axis, array};

const ACTIVATED: Extrapolation = Extrapolation::ACTIVATED;
const PUBLISHED: Extrapolation = Extrapolation::PUBLISHED;
const PLAIN: Extrapolation = Extrapolation::NONE;

/// Bilinear, `align_corners = false`, no antialiasing: each pixel by itself.
fn resize(map: &Array2<f64>, (height, width): (usize, usize)) -> Array2<f64> {
    let (rows, columns) = map.dim();
    let source = |index: usize, from: usize, to: usize| ((index as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (v, u) = (source(y, rows, height), source(x, columns, width));
        let at = |row: f64, column: f64| map[[(row as usize).min(rows - 1), (column as usize).min(columns - 1)]];
        let (b, a) = (v.fract(), u.fract());
        (1.0 - b) * ((1.0 - a) * at(v, u) + a * at(v, u + 1.0))
            + b * ((1.0 - a) * at(v + 1.0, u) + a * at(v + 1.0, u + 1.0))
    })
}

/// The rule as the paper's code has it, over `excitations` `[c, h, w]`; for `activated` with the maximum of the sums
/// for that of the tensor. No care for ranges.
fn oracle(
    mode: Extrapolation,
    coarse: ArrayView2<'_, f32>,
    excitations: &[ArrayD<f32>],
    size: (usize, usize),
) -> Array2<f64> {
    let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut map = coarse.mapv(f64::from);
    for excitation in excitations.iter().rev().map(|excitation| excitation.mapv(f64::from)) {
        let sums: Array2<f64> = excitation.sum_axis(Axis(0)).into_dimensionality().unwrap();
        let scale =
            if mode == PUBLISHED { excitation.fold(max, |a, b| a.max(*b)) } else { sums.fold(max, |a, b| a.max(*b)) };
        map = resize(&map, sums.dim()) * sums / scale;
    }
    map = resize(&map, size);
    if mode == PUBLISHED {
        let (mean, deviation) = (map.mean().unwrap(), map.std(1.0));
        map.mapv_inplace(|value| ((value - mean) / deviation).clamp(-1.0, 1.0));
    }
    let (min, max) = (map.fold(min, |a, b| a.min(*b)), map.fold(max, |a, b| a.max(*b)));
    (map - min) / (max - min)
}

/// Strided convolutions straight into batch norms, each strided along one axis alone.
fn strided(graph: &mut GraphBuilder) {
    let x = graph.add("stem", Conv2d { stride: [1, 2], ..Conv2d::new(3, 4, 3).padding(1) }, INPUT);
    let x = graph.add("bn1", BatchNorm2d::new(4), x);
    let x = graph.add("relu1", Relu, x);
    let x = graph.add("same", Conv2d::new(4, 4, 3).padding(1), x);
    let x = graph.add("down", Conv2d { stride: [2, 1], ..Conv2d::new(4, 6, 3).padding(1) }, x);
    let x = graph.add("bn2", BatchNorm2d::new(6), x);
    let x = graph.add("relu2", Relu, x);
    classify(graph, 6, 5, x);
}

/// Noise, less 40 for these parameters.
fn sunk(names: &'static [&'static str]) -> impl Fn(u32, &Parameter) -> Tensor {
    move |index, parameter| noise_for(index, parameter) - if names.contains(&&*parameter.name) { 40.0 } else { 0.0 }
}

/// Compares every class of a batch with the oracle, and returns how many maps were not blank.
fn compare(network: &Network, point: &str, mode: Extrapolation, excitations: &[&str], input: &Tensor) -> usize {
    let explainer = Explainer::new(network).point(find(network, point)).extrapolation(mode);
    let chosen = explainer.excitations(input.shape(), find(network, point)).unwrap();
    let names: Vec<&str> = chosen.iter().map(|id| &*network.graph().node(*id).name).collect();
    assert_eq!(names, excitations, "{point} {mode}");
    let everything = network.forward(input, &Retain::all()).unwrap();
    let mut compared = 0;
    for class in 0..5 {
        for (image, explanation) in explain(&explainer, input, &[class, class]).into_iter().enumerate() {
            let what = format!("{point} {mode} class {class} image {image}");
            check_heatmap(&explanation.fine, input, &what);
            if explanation.fine.reason.is_some() {
                continue;
            }
            compared += 1;
            let tensor =
                |name: &&str| everything.output(find(network, name)).unwrap().index_axis(Axis(0), image).to_owned();
            let tensors: Vec<ArrayD<f32>> = excitations.iter().map(tensor).collect();
            let size = (input.shape()[2], input.shape()[3]);
            let expected = oracle(mode, explanation.coarse.map(), &tensors, size);
            for (actual, expected) in explanation.fine.values.iter().zip(&expected) {
                assert!((f64::from(*actual) - expected).abs() < 1e-4, "{what}: {actual} {expected}");
            }
        }
    }
    compared
}

#[test]
fn every_mode_is_its_definition_over_the_right_tensors() {
    let pooled = network(3, pooled, noise_for);
    let strided = network(3, strided, noise_for);
    let cases: [(&Network, &str, Extrapolation, &[&str]); 12] = [
        (&pooled, "relu2", PLAIN, &[]),
        (&pooled, "relu2", PUBLISHED, &["relu1", "pool1", "aux", "pool2"]),
        (&pooled, "relu2", ACTIVATED, &["relu1"]),
        // The smaller map lets the pool of the first stage in; the second's is no larger than the map.
        (&pooled, "pool2", ACTIVATED, &["relu1", "pool1"]),
        // Where nothing is larger than the map, or it lies before everything, there is nothing to multiply by.
        (&pooled, "relu1", ACTIVATED, &[]),
        (&pooled, "input", ACTIVATED, &[]),
        (&pooled, "input", PUBLISHED, &["relu1", "pool1", "aux", "pool2"]),
        (&strided, "relu2", PLAIN, &[]),
        // (1, 2) > (1, 1) and (2, 1) > (1, 1), (1, 1) is not; the first is the image itself, the others are raw.
        (&strided, "relu2", PUBLISHED, &["input", "stem", "down"]),
        (&strided, "relu2", ACTIVATED, &["relu1"]),
        (&strided, "relu1", ACTIVATED, &[]),
        (&strided, "relu1", PUBLISHED, &["input", "stem", "down"]),
    ];
    for (network, point, mode, excitations) in cases {
        for size in [[12, 10], [13, 7]] {
            let input = noise(3, &[2, 3, size[0], size[1]]);
            let compared = compare(network, point, mode, excitations, &input);
            assert!(compared >= 3, "{point} {mode}: only {compared} of 10 maps are not blank");
        }
    }
}

#[test]
fn a_negative_maximum_turns_the_published_map_round() {
    let input = noise(3, &[2, 3, 12, 10]);
    // The raw output of a strided convolution sinks below zero; the batch norm's mean makes up for it.
    const BOTH: [&str; 4] = ["stem.bias", "bn1.running_mean", "down.bias", "bn2.running_mean"];
    for (parameters, convolutions) in [(&BOTH[..2], &["stem"][..]), (&BOTH[2..], &["down"]), (&BOTH, &["stem", "down"])]
    {
        let network = network(3, strided, sunk(parameters));
        let ids: Vec<_> = convolutions.iter().map(|name| find(&network, name)).collect();
        let tape = network.forward(&input, &Retain::logits().channel_sums(&ids)).unwrap();
        for id in ids {
            assert!(tape.channel_sums(id).unwrap().max.iter().all(|max| *max < 0.0), "{convolutions:?}");
        }
        let compared = compare(&network, "relu2", PUBLISHED, &["input", "stem", "down"], &input);
        assert!(compared >= 3, "{convolutions:?}: only {compared} of 10 maps are not blank");
    }
}

/// Class 0 counts for the one channel, and class 1 against it.
fn for_and_against(parameters: &[(&str, f32)]) -> Network {
    one_channel(&[1.0, -1.0], parameters)
}

fn spot() -> Tensor {
    let mut input = Tensor::zeros(&[1, 1, 4, 4][..]);
    input[[0, 0, 0, 0]] = 1.0;
    input
}

/// The heat map of one class of `network`, for the input `spot` or one that is 1 everywhere.
fn heatmap(network: &Network, mode: Extrapolation, input: &Tensor, class: usize) -> Heatmap {
    let map = explain(&Explainer::new(network).extrapolation(mode), input, &[class]).remove(0).fine;
    check_heatmap(&map, input, &format!("{mode}"));
    map
}

#[test]
fn evidence_against_a_class_is_a_blank_map() {
    let network = for_and_against(&[("conv1.weight", 1.0), ("conv2.weight", 1.0)]);
    for mode in Extrapolation::ALL {
        assert_eq!(heatmap(&network, mode, &spot(), 0).reason, None, "{mode}");
        let blank = heatmap(&network, mode, &spot(), 1);
        assert_eq!(blank.reason, Some(Reason::NoPositiveEvidence), "{mode}");
        assert_eq!(blank.reason.unwrap().to_string(), "no positive evidence");
    }
}

#[test]
fn a_map_that_is_the_same_everywhere_is_blank() {
    let network = for_and_against(&[("conv1.weight", 0.1), ("conv2.weight", 0.3)]);
    for (height, width) in [(4, 4), (5, 7), (2, 2), (101, 3)] {
        let input = Tensor::from_elem(&[1, 1, height, width][..], 0.7);
        for mode in Extrapolation::ALL {
            assert_eq!(heatmap(&network, mode, &input, 0).reason, Some(Reason::Constant), "{mode} {height}x{width}");
        }
    }
}

#[test]
fn a_product_that_an_earlier_layer_extinguishes_is_blank() {
    // Silent everywhere, and excited exactly where `relu2` is not.
    let silent =
        for_and_against(&[("conv1.weight", 1.0), ("conv1.bias", -2.0), ("conv2.weight", -1.0), ("conv2.bias", 1.0)]);
    let elsewhere = for_and_against(&[("conv1.weight", 1.0), ("conv2.weight", -1.0), ("conv2.bias", 1.0)]);
    for mode in [ACTIVATED, PUBLISHED] {
        for network in [&silent, &elsewhere] {
            assert_eq!(heatmap(network, mode, &spot(), 0).reason, Some(Reason::NoActivation), "{mode}");
        }
    }
    assert_eq!(heatmap(&silent, PLAIN, &spot(), 0).reason, Some(Reason::Constant));
    let plain = heatmap(&elsewhere, PLAIN, &spot(), 0);
    assert_eq!((plain.reason, plain.map()[[0, 0]], plain.map()[[3, 3]]), (None, 0.0, 1.0));
}

/// A network without biases before its last layer is homogeneous: a factor on its input changes no heat map.
#[test]
fn the_range_of_activations_does_not_matter() {
    let without_biases = |index: u32, parameter: &Parameter| {
        let values = noise_for(index, parameter);
        if parameter.name.ends_with("bias") { values * 0.0 } else { values }
    };
    let network = network(3, pooled, without_biases);
    let input = noise(3, &[1, 3, 12, 10]);
    let mut compared = 0;
    for mode in Extrapolation::ALL {
        let explainer = Explainer::new(&network).extrapolation(mode);
        for class in 0..5 {
            let expected = explain(&explainer, &input, &[class]).remove(0).fine;
            for factor in [1e18, 1e30, 1e-18, 1e-30] {
                let actual = explain(&explainer, &(&input * factor), &[class]).remove(0).fine;
                check_heatmap(&actual, &input, &format!("{mode} {factor:e}"));
                assert_eq!(actual.reason, expected.reason, "{mode} {factor:e} class {class}");
                let apart =
                    (&actual.values - &expected.values).iter().fold(0.0, |max: f32, value| max.max(value.abs()));
                assert!(apart < 1e-4, "{mode} {factor:e} class {class}: {apart}");
                compared += usize::from(actual.reason.is_none());
            }
        }
    }
    assert!(compared >= 24, "only {compared} of 60 maps are not blank");
}

/// [`extrapolate`] by itself: a map of one's own over a tape of `one_channel` for the input `spot`.
fn extrapolated(mode: Extrapolation, values: Array2<f32>, image: usize) -> gradex_saliency::Result<Heatmap> {
    let network = for_and_against(&[("conv1.weight", 1.0), ("conv1.bias", 1.0), ("conv2.weight", 1.0)]);
    let point = find(&network, "relu2");
    let explainer = Explainer::new(&network).point(point).extrapolation(mode);
    let tape = explainer.forward(&spot()).unwrap();
    let excitations = explainer.excitations(tape.input_shape(), point).unwrap();
    let coarse = CoarseMap { point, values: values.insert_axis(Axis(0)), reason: None, note: None };
    extrapolate(mode, &coarse, &tape, image, &excitations)
}

#[test]
fn a_factor_on_the_coarse_map_changes_nothing() {
    let map = array![[1.0, 0.5], [0.25, 0.0]];
    for mode in Extrapolation::ALL {
        let expected = extrapolated(mode, map.clone(), 0).unwrap();
        // The last is 4 times the smallest number there is: nothing is left of it unless it is scaled up first.
        for factor in [1e38, 1e-30, f32::from_bits(4)] {
            let actual = extrapolated(mode, &map * factor, 0).unwrap();
            assert_eq!(actual.reason, None, "{mode} {factor:e}");
            let apart = (&actual.values - &expected.values).iter().fold(0.0, |max: f32, value| max.max(value.abs()));
            assert!(apart <= 1e-6, "{mode} {factor:e}: {apart}");
        }
    }
}

#[test]
fn a_signed_map_keeps_its_sign_whatever_its_range() {
    for mode in Extrapolation::ALL {
        for factor in [1.0, 3e38] {
            let map = extrapolated(mode, array![[1.0, 0.0], [0.0, -1.0]] * factor, 0).unwrap();
            assert_eq!((map.reason, map.map()[[0, 0]], map.map()[[3, 3]]), (None, 1.0, 0.0), "{mode} {factor:e}");
        }
        let negative = extrapolated(mode, array![[-1.0, 0.0], [0.0, -1.0]], 0).unwrap();
        assert_eq!(negative, extrapolated(mode, Array2::zeros((2, 2)), 0).unwrap(), "{mode}");
    }
}

#[test]
fn a_map_that_is_no_number_is_an_error() {
    for mode in Extrapolation::ALL {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = extrapolated(mode, array![[1.0, value], [0.0, 0.5]], 0).unwrap_err();
            assert!(matches!(error, Error::NonFinite { .. }), "{mode} {value}");
        }
    }
}

#[test]
fn an_image_that_is_not_on_the_tape_is_an_error() {
    for mode in Extrapolation::ALL {
        assert!(extrapolated(mode, array![[1.0, 0.0], [0.0, 0.0]], 1).is_err(), "{mode}");
    }
}

/// Two finite channels whose sum is not: an error, or the map, but never "no activation".
#[test]
fn channel_sums_that_overflow_are_not_taken_for_silence() {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("conv1", Conv2d::new(1, 2, 1).no_bias(), INPUT);
        let x = graph.add("relu1", Relu, x);
        let x = graph.add("pool", MaxPool2d::new(2, 2), x);
        let x = graph.add("conv2", Conv2d::new(2, 1, 1).no_bias(), x);
        let x = graph.add("relu2", Relu, x);
        classify(graph, 1, 1, x);
    };
    let network =
        network(1, add_nodes, constants(&[("conv1.weight", 3e38), ("conv2.weight", 1e-38), ("fc.weight", 1.0)]));
    for mode in [ACTIVATED, PUBLISHED] {
        let explainer = Explainer::new(&network).extrapolation(mode);
        let tape = explainer.forward(&spot()).unwrap();
        match explainer.explain(&tape, &[0]) {
            Ok(explanations) => assert_eq!(explanations[0].fine.reason, None, "{mode}"),
            Err(error) => assert!(matches!(error, Error::NonFinite { .. }), "{mode}: {error}"),
        }
    }
}

/// A ceiling hides the infinities of `stem` from the logits, but `published` multiplies by what it gave.
#[test]
fn an_excitation_that_overflowed_is_an_error() {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("stem", Conv2d::new(1, 2, 1).stride(2), INPUT);
        let x = graph.add("relu6", Relu6, x);
        classify(graph, 2, 1, x);
    };
    let others = constants(&[("fc.weight", 1.0)]);
    // Infinities of one sign, and of both: their sum over channels is NaN.
    for second in [1.0, -1.0] {
        let parameter = |index: u32, parameter: &Parameter| match &*parameter.name {
            "stem.weight" => tensor(&[2, 1, 1, 1], &[3e38, 3e38 * second]),
            _ => others(index, parameter),
        };
        let network = network(1, add_nodes, parameter);
        let explainer = Explainer::new(&network).extrapolation(PUBLISHED);
        for pixels in [[10.0, 10.0], [10.0, 1e-38]] {
            let input = tensor(&[1, 1, 1, 4], &[pixels[0], 0.0, pixels[1], 0.0]);
            let tape = explainer.forward(&input).unwrap();
            let error = explainer.explain(&tape, &[0]).unwrap_err();
            assert!(matches!(error, Error::NonFinite { .. }), "{second} {pixels:?}: {error}");
        }
    }
}

#[test]
fn modes_have_names() {
    for mode in Extrapolation::ALL {
        assert_eq!(mode.to_string().parse::<Extrapolation>(), Ok(mode));
    }
    let error = "smooth".parse::<Extrapolation>().unwrap_err().to_string();
    assert_eq!(error, "there is no extrapolation `smooth`; there are: activated, published, none");
    assert_eq!(Extrapolation::default(), ACTIVATED);
}
