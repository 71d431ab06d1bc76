//! Reproducible numbers and small networks.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use gradex_engine::layers::{AdaptiveAvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{GraphBuilder, Network, NodeId, Parameter, Retain, Tape, Tensor};
use gradex_saliency::methods::Settings;
use gradex_saliency::rules::Bounds;
use gradex_saliency::{CoarseMap, Explainer, Explanation, Heatmap, Method, Result, Target};
use ndarray::Array2;

pub const INPUT: NodeId = NodeId::INPUT;

/// Reproducible values in `[-1, 1)`.
pub fn noise(seed: u32, shape: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    Tensor::from_shape_simple_fn(shape, || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / 2f32.powi(31) - 1.0
    })
}

/// A tensor of these values.
pub fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_shape_vec(shape, values.to_vec()).expect("values that fill the shape")
}

/// The network of these nodes, with parameters by name and shape.
pub fn network<T>(
    channels: usize,
    add_nodes: impl Fn(&mut GraphBuilder) -> T,
    parameter: impl Fn(u32, &Parameter) -> Tensor,
) -> Network {
    let mut builder = GraphBuilder::new(channels);
    add_nodes(&mut builder);
    let graph = builder.finish().expect("a sound graph");
    let parameters = (1..).zip(graph.parameters());
    let state: BTreeMap<String, Tensor> =
        parameters.map(|(index, wanted)| (wanted.name.clone(), parameter(index, &wanted))).collect();
    graph.bind(state).expect("parameters that fit")
}

/// Noise for every parameter; variances in `[1, 3)`.
pub fn noise_for(index: u32, parameter: &Parameter) -> Tensor {
    let values = noise(index, &parameter.shape);
    if parameter.name.ends_with("running_var") { values + 2.0 } else { values }
}

/// Every parameter one number, by the names that are listed; the others are zero.
pub fn constants(values: &[(&str, f32)]) -> impl Fn(u32, &Parameter) -> Tensor {
    let values: BTreeMap<String, f32> = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    move |_, parameter| Tensor::from_elem(&parameter.shape[..], values.get(&parameter.name).copied().unwrap_or(0.0))
}

/// Ends a network: each class is a weighted sum of the channels' means.
pub fn classify(graph: &mut GraphBuilder, channels: usize, classes: usize, x: NodeId) {
    let means = graph.add("means", AdaptiveAvgPool2d::new(1), x);
    let flat = graph.add("flat", Flatten, means);
    graph.add("fc", Linear::new(channels, classes), flat);
}

/// Two stages with a pool after each; `relu2` is the default point, a branch `aux` leads nowhere.
pub fn pooled(graph: &mut GraphBuilder) {
    let x = graph.add("conv1", Conv2d::new(3, 6, 3).padding(1), INPUT);
    let x = graph.add("relu1", Relu, x);
    let x = graph.add("pool1", MaxPool2d::new(2, 2), x);
    graph.add("aux", MaxPool2d::new(1, 1), x);
    let x = graph.add("conv2", Conv2d::new(6, 8, 3).padding(1), x);
    let x = graph.add("relu2", Relu, x);
    let x = graph.add("pool2", MaxPool2d::new(2, 2), x);
    classify(graph, 8, 5, x);
}

/// One channel: `relu1`, a pool, and `relu2`, twice as coarse, of which each class takes so many times the mean.
pub fn one_channel(classes: &[f32], parameters: &[(&str, f32)]) -> Network {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("conv1", Conv2d::new(1, 1, 1), INPUT);
        let x = graph.add("relu1", Relu, x);
        let x = graph.add("pool", MaxPool2d::new(2, 2), x);
        let x = graph.add("conv2", Conv2d::new(1, 1, 1), x);
        let x = graph.add("relu2", Relu, x);
        classify(graph, 1, classes.len(), x);
    };
    let others = constants(parameters);
    network(1, add_nodes, |index, parameter| match &*parameter.name {
        "fc.weight" => tensor(&[classes.len(), 1], classes),
        _ => others(index, parameter),
    })
}

/// The node of this name.
pub fn find(network: &Network, name: &str) -> NodeId {
    network.graph().find(name).expect("a node")
}

/// The explanations of `classes`, one an image.
pub fn explain(explainer: &Explainer<'_>, input: &Tensor, classes: &[usize]) -> Vec<Explanation> {
    let tape = explainer.forward(input).expect("a tape");
    explainer.explain(&tape, classes).expect("explanations")
}

/// Settings with all that some method cannot do without.
pub fn complete() -> Settings {
    let rules = "conv2d = gamma(0.25); linear = epsilon(1e-6)".parse().expect("rules");
    Settings { rules: Some(rules), bounds: Some(Bounds::new(&[-1.0], &[1.0])), ..Settings::default() }
}

/// Checks all that holds for every heat map: its size, its range, and that it is blank exactly where there is a reason.
pub fn check_heatmap(map: &Heatmap, input: &Tensor, what: &str) {
    assert_eq!(map.map().shape(), &input.shape()[2..], "{what}");
    let [min, max] = [f32::min, f32::max]
        .map(|choose: fn(f32, f32) -> f32| map.values.iter().copied().reduce(choose).expect("at least one pixel"));
    assert!(!map.values.is_any_nan(), "{what}");
    let expected = if map.reason.is_some() { (0.0, 0.0) } else { (0.0, 1.0) };
    assert_eq!((min, max), expected, "{what}: {:?}", map.reason);
}

/// A tape of everything.
pub fn tape(network: &Network, input: &Tensor) -> Tape {
    network.forward(input, &Retain::all()).expect("a tape")
}

/// The maps of `targets`, one an image of the tape, by `method` at `point`.
pub fn attribute(
    network: &Network,
    tape: &Tape,
    method: impl Method + Clone + 'static,
    point: NodeId,
    targets: &[Target],
) -> Result<Vec<CoarseMap>> {
    let explainer = Explainer::new(network).method(method.clone()).point(point);
    method.attribute(&explainer.run(tape, targets)?, point)
}

/// Asserts that `actual` lies within `part` of the largest magnitude of `expected`.
pub fn assert_close(actual: &CoarseMap, expected: &Array2<f64>, part: f64, what: &str) {
    assert_eq!(actual.map().shape(), expected.shape(), "{what}");
    let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    for (actual, expected) in actual.map().iter().zip(expected) {
        assert!((f64::from(*actual) - expected).abs() <= part * largest, "{what}: {actual} {expected}");
    }
}
