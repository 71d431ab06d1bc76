//! The gradient summed over pixels, against the gradient at each of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{find, network, noise};
use gradex_engine::layers::{AdaptiveAvgPool2d, AvgPool2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu, Softmax};
use gradex_engine::{Error, GraphBuilder, Network, NodeId, Params, Retain};

/// Three linear layers behind poolings, as VGG has them.
fn deep(graph: &mut GraphBuilder) {
    let x = graph.add("conv", Conv2d::new(3, 19, 3).padding(1), NodeId::INPUT);
    let x = graph.add("relu", Relu, x);
    let x = graph.add("pool", MaxPool2d::new(3, 2).padding(1), x);
    let x = graph.add("avgpool", AdaptiveAvgPool2d { output: [5, 4] }, x);
    let x = graph.add("flat", Flatten, x);
    let x = graph.add("drop", Dropout, x);
    let x = graph.add("fc1", Linear::new(19 * 5 * 4, 37), x);
    let x = graph.add("relu1", Relu, x);
    graph.add("fc2", Linear::new(37, 6), x);
}

/// Global averages and one linear layer, as ResNet has them.
fn averaged(graph: &mut GraphBuilder) {
    let x = graph.add("conv", Conv2d::new(3, 19, 3).padding(1), NodeId::INPUT);
    let x = graph.add("relu", Relu, x);
    let x = graph.add("avgpool", AdaptiveAvgPool2d::new(1), x);
    let x = graph.add("flat", Flatten, x);
    graph.add("fc", Linear::new(19, 6), x);
}

/// The sums at `point` by the linear layer that pools it, and those of the gradient at its pixels in `f64`.
fn sums(network: &Network, point: NodeId) -> (Vec<f32>, Vec<f64>) {
    let linear = network.graph().pooled_by(point).expect("a linear layer");
    let tape = network.forward(&noise(9, &[2, 3, 11, 8]), &Retain::all()).unwrap();
    let seed = noise(5, tape.logits().unwrap().shape());
    let upstream = network.gradient(&tape, seed.clone(), &[linear]).unwrap().remove(&linear).unwrap();
    let found = network.channel_gradient(linear, tape.shape(point)[1], &upstream).unwrap();
    let whole = network.gradient_layerwise(&tape, seed, &[point]).unwrap().remove(&point).unwrap();
    assert_eq!(found.shape(), &whole.shape()[..2]);
    let pixels: usize = whole.shape()[2..].iter().product();
    let whole = whole.as_slice().unwrap().chunks_exact(pixels);
    (found.iter().copied().collect(), whole.map(|one| one.iter().map(|value| f64::from(*value)).sum()).collect())
}

fn assert_same(network: &Network, point: NodeId) {
    let (found, expected) = sums(network, point);
    let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    assert!(largest > 0.0);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((f64::from(*found) - expected).abs() <= 1e-5 * largest, "{found} {expected}");
    }
}

#[test]
fn sums_by_the_linear_layer_are_those_of_the_gradient() {
    for (network, points) in
        [(network(3, deep), &["relu", "pool", "avgpool"][..]), (network(3, averaged), &["relu", "avgpool"])]
    {
        points.iter().for_each(|point| assert_same(&network, find(&network, point)));
    }
}

#[test]
fn sums_follow_the_weight() {
    let network = network(3, deep);
    let (point, linear) = (find(&network, "relu"), find(&network, "fc1"));
    let before = sums(&network, point).0;
    let doubled = noise(77, &[37, 19 * 5 * 4]);
    let bias = network.params(linear).bias.clone();
    let changed = network.with_params(linear, Params { weight: Some(doubled.into()), bias }).unwrap();
    assert_same(&changed, point);
    assert_ne!(sums(&changed, point).0, before);
    assert_eq!(sums(&network, point).0, before);
}

#[test]
fn only_layers_that_hand_on_all_they_get_are_passed() {
    let deep = network(3, deep);
    let pooled_by = |network: &Network, name: &str| network.graph().pooled_by(find(network, name));
    assert_eq!(pooled_by(&deep, "relu"), Some(find(&deep, "fc1")));
    for name in ["input", "conv", "fc1", "relu1", "fc2", "flat"] {
        assert_eq!(pooled_by(&deep, name), None, "{name}");
    }
    // A second reader, padding that takes its share, a layer that is not linear, and no layer at all.
    let other = network(3, |graph: &mut GraphBuilder| {
        let padded =
            AvgPool2d { kernel: [2, 2], stride: [1, 1], padding: [1, 1], ceil_mode: false, count_include_pad: true };
        let a = graph.add("a", Relu, NodeId::INPUT);
        let means = graph.add("means", padded, a);
        let b = graph.add("b", Relu, means);
        let soft = graph.add("soft", Softmax, b);
        let tiles = graph.add("tiles", AdaptiveAvgPool2d::new(2), soft);
        graph.add("aux", Relu, tiles);
        let flat = graph.add("flat", Flatten, tiles);
        graph.add("fc", Linear::new(12, 4), flat);
    });
    for name in ["a", "means", "b", "soft", "tiles", "aux", "fc"] {
        assert_eq!(pooled_by(&other, name), None, "{name}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let network = network(3, deep);
    let (linear, relu) = (find(&network, "fc1"), find(&network, "relu"));
    let upstream = noise(3, &[2, 37]);
    for (node, channels, upstream) in [
        (relu, 19, &upstream),
        (linear, 18, &upstream),
        (linear, 0, &upstream),
        (linear, 19, &noise(3, &[2, 36])),
        (linear, 19, &noise(3, &[37])),
    ] {
        assert!(matches!(
            network.channel_gradient(node, channels, upstream),
            Err(Error::Shape { .. } | Error::Kernel(_))
        ));
    }
}
