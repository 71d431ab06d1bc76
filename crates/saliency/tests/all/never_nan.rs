//! Many small networks of random layers, sizes and ranges: no mode ever gives NaN, or anything outside `[0, 1]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;

use crate::common::{INPUT, check_heatmap, classify, network, noise};
use gradex_engine::layers::{Add, AvgPool2d, BatchNorm2d, Conv2d, MaxPool2d, Relu, Relu6};
use gradex_engine::{GraphBuilder, Network, NodeId, Parameter, Tensor};
use gradex_saliency::methods::{Settings, all};
use gradex_saliency::{Error, Explainer, Extrapolation};

const SIZES: [[usize; 2]; 8] = [[1, 1], [1, 13], [9, 1], [2, 2], [5, 7], [8, 8], [11, 4], [17, 16]];
/// What parameters are multiplied by.
const SCALES: [f32; 6] = [1.0, 1.0, 0.0, 1e-12, 30.0, 1e4];
const CLASSES: usize = 3;

/// Choices that a seed determines.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

/// Up to six random layers. All of them take any size.
fn layers(graph: &mut GraphBuilder, dice: &mut Dice) {
    let (mut x, mut channels) = (INPUT, 3);
    for index in 0..=dice.below(6) {
        let name = format!("layer{index}");
        x = match dice.below(8) {
            0..=2 => {
                let (before, kernel, stride) = (channels, 1 + 2 * dice.below(2), 1 + dice.below(3));
                channels = 1 + dice.below(4);
                graph.add(name, Conv2d::new(before, channels, kernel).stride(stride).same(), x)
            }
            3 => graph.add(name, Relu, x),
            4 => graph.add(name, Relu6, x),
            5 => graph.add(name, BatchNorm2d::new(channels), x),
            6 => graph.add(name, MaxPool2d::new(3, 1 + dice.below(2)).padding(1), x),
            _ => {
                let (kernel, padding) = ([3, 3], [1, 1]);
                let means = AvgPool2d { kernel, stride: [2, 1], padding, ceil_mode: true, count_include_pad: false };
                let (size_kept, scaled) = (dice.below(2) == 0, format!("{name}.scaled"));
                if size_kept {
                    let other = graph.add(scaled, Conv2d::new(channels, channels, 1), x);
                    graph.join(name, Add, &[x, other])
                } else {
                    graph.add(name, means, x)
                }
            }
        };
    }
    classify(graph, channels, CLASSES, x);
}

fn random(seed: u64) -> (Network, Tensor) {
    let mut dice = Dice(seed);
    let size = SIZES[dice.below(SIZES.len())];
    let scale = SCALES[dice.below(SCALES.len())];
    let shape = seed.wrapping_mul(31);
    let parameter = |index: u32, parameter: &Parameter| {
        let values = noise(index + 100 * seed as u32, &parameter.shape);
        if parameter.name.ends_with("running_var") { values + 1.0 } else { values * scale }
    };
    let network = network(3, |graph| layers(graph, &mut Dice(shape)), parameter);
    (network, noise(seed as u32 + 1, &[2, 3, size[0], size[1]]))
}

#[test]
fn no_mode_ever_gives_nan_at_any_point() {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for seed in 0..300 {
        let (network, input) = random(seed);
        let shapes = network.graph().shapes(input.shape()).unwrap();
        for (point, mode) in
            points(&network, &input).into_iter().flat_map(|point| Extrapolation::ALL.map(move |mode| (point, mode)))
        {
            let what = format!("network {seed}, point `{}`, {mode}", network.graph().node(point).name);
            let explainer = Explainer::new(&network).point(point).extrapolation(mode);
            let tape = explainer.forward(&input).unwrap_or_else(|error| panic!("{what}: {error}"));
            for class in 0..CLASSES {
                let classes = [class, (class + 1) % CLASSES];
                let explanations = explainer.explain(&tape, &classes).unwrap_or_else(|error| panic!("{what}: {error}"));
                for explanation in explanations {
                    assert!(
                        explanation.coarse.values.iter().all(|value| (0.0..f32::INFINITY).contains(value)),
                        "{what}"
                    );
                    assert_eq!(explanation.coarse.map().shape(), &shapes[point.index()][2..], "{what}");
                    check_heatmap(&explanation.fine, &input, &what);
                    *seen.entry(format!("{:?}", explanation.fine.reason)).or_default() += 1;
                }
            }
        }
    }
    // The networks are worth something only where they end in every way there is.
    for reason in ["None", "Some(NoPositiveEvidence)", "Some(NoActivation)", "Some(Constant)"] {
        assert!(seen.get(reason).is_some_and(|count| *count >= 20), "{reason}: {seen:?}");
    }
}

/// The images among a network's nodes, for inputs of this shape.
fn points(network: &Network, input: &Tensor) -> Vec<NodeId> {
    let shapes = network.graph().shapes(input.shape()).unwrap();
    network.graph().ids().filter(|id| shapes[id.index()].len() == 4).collect()
}

/// What a method may say instead of giving a map.
fn is_honest(error: &Error) -> bool {
    let is_overflow = |error: &gradex_engine::Error| format!("{error:?}").contains("NonFinite");
    matches!(error, Error::Inapplicable { .. } | Error::NonFinite { .. })
        || matches!(error, Error::Engine(error) if is_overflow(error))
}

#[test]
fn no_method_ever_gives_nan_at_any_point() {
    let settings = Settings { samples: Some(4), ..crate::common::complete() };
    let mut maps: HashMap<&str, usize> = HashMap::new();
    for (network, input) in (0..60).map(random) {
        for (method, point) in points(&network, &input)
            .iter()
            .flat_map(|point| all(&settings).into_iter().map(move |method| (method, *point)))
        {
            let name = method.about().name;
            let what = format!("{name} at `{}`", network.graph().node(point).name);
            let explainer = Explainer::new(&network).methods(vec![method]).point(point);
            let explained = explainer.forward(&input).and_then(|tape| explainer.explain(&tape, &[1, 2]));
            match explained {
                Ok(explanations) => {
                    for explanation in explanations {
                        assert!(explanation.coarse.values.iter().all(|value| value.is_finite()), "{what}");
                        check_heatmap(&explanation.fine, &input, &what);
                        *maps.entry(name).or_default() += 1;
                    }
                }
                Err(error) => assert!(is_honest(&error), "{what}: {error}"),
            }
        }
    }
    for method in all(&settings) {
        let name = method.about().name;
        assert!(maps.get(name).is_some_and(|count| *count >= 40), "{name} was hardly ever tried: {maps:?}");
    }
}
