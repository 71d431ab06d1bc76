//! Reproducible numbers and a small network of every kind of layer.
#![allow(clippy::expect_used)]
#![allow(dead_code, reason = "each program uses a part")]

use std::collections::BTreeMap;

use gradex_engine::layers::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu, Relu6,
    Softmax,
};
use gradex_engine::{Graph, GraphBuilder, Network, NodeId, Result, Tensor};

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

/// A parameter for every name: noise, variances in `[1, 3)`.
pub fn state_of(graph: &Graph) -> BTreeMap<String, Tensor> {
    let generate = |(seed, parameter): (u32, gradex_engine::Parameter)| {
        let values = noise(seed, &parameter.shape);
        let is_variance = parameter.name.ends_with("running_var");
        (parameter.name, if is_variance { values + 2.0 } else { values })
    };
    (1..).zip(graph.parameters()).map(generate).collect()
}

/// The graph of these nodes.
pub fn graph<T>(channels: usize, add_nodes: impl Fn(&mut GraphBuilder) -> T) -> Graph {
    let mut builder = GraphBuilder::new(channels);
    add_nodes(&mut builder);
    builder.finish().expect("a sound graph")
}

/// The graph of these nodes with noise for parameters.
pub fn network<T>(channels: usize, add_nodes: impl Fn(&mut GraphBuilder) -> T) -> Network {
    let graph = graph(channels, add_nodes);
    let state = state_of(&graph);
    graph.bind(state).expect("parameters that fit")
}

/// A graph of every kind of layer, for images of 3 channels; `fc` are the logits, `aux` leads nowhere.
pub fn every_layer(graph: &mut GraphBuilder) {
    let stem = graph.add("stem", Conv2d::new(3, 8, 3).stride(2).same(), NodeId::INPUT);
    let bn = graph.add("bn", BatchNorm2d::new(8), stem);
    let relu = graph.add("relu", Relu, bn);
    let pool = graph.add("pool", MaxPool2d::new(3, 2).padding(1), relu);
    let depthwise = graph.add("depthwise", Conv2d::new(8, 8, 3).padding(1).groups(8), pool);
    let relu6 = graph.add("relu6", Relu6, depthwise);
    let sum = graph.join("sum", Add, &[relu6, pool]);
    let both = graph.join("both", Concat { axis: 1 }, &[sum, relu6]);
    let means =
        AvgPool2d { kernel: [2, 2], stride: [1, 1], padding: [1, 1], ceil_mode: false, count_include_pad: true };
    let means = graph.add("means", means, both);
    graph.add("aux", Relu, means);
    let tiles = graph.add("tiles", AdaptiveAvgPool2d::new(2), means);
    let flat = graph.add("flat", Flatten, tiles);
    let drop = graph.add("drop", Dropout, flat);
    let fc = graph.add("fc", Linear::new(64, 5), drop);
    graph.add("probabilities", Softmax, fc);
}

/// The node of this name.
pub fn find(network: &Network, name: &str) -> NodeId {
    network.graph().find(name).expect("a node")
}

/// The error's text.
pub fn message<T>(result: Result<T>) -> String {
    result.map(|_| ()).expect_err("an error").to_string()
}

/// The values' bits: equal even where NaN or the sign of zero would hide or fake a difference.
pub fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.iter().map(|value| value.to_bits()).collect()
}
