//! Planned runs of every kind of layer against the run layer by layer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{every_layer, find, network, noise};
use gradex_engine::layers::{Add, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Choice, GraphBuilder, Network, NodeId, Params, Retain, Tensor};

fn logits(network: &Network, input: &Tensor) -> Tensor {
    network.forward(input, &Retain::logits()).unwrap().logits().unwrap().clone()
}

fn logits_layerwise(network: &Network, input: &Tensor) -> Tensor {
    network.forward_layerwise(input, &Retain::logits()).unwrap().logits().unwrap().clone()
}

#[test]
fn a_planned_run_gives_the_values_of_every_layer_whichever_are_kept() {
    let network = network(3, every_layer).with_choice(Choice::Exact);
    for size in [[9, 7], [1, 1], [32, 40]] {
        let input = noise(1, &[2, 3, size[0], size[1]]);
        let layerwise = network.forward_layerwise(&input, &Retain::all()).unwrap();
        for id in network.graph().ids() {
            let planned = network.forward(&input, &Retain::logits().nodes(&[id])).unwrap();
            let name = &network.graph().node(id).name;
            assert_eq!(planned.output(id), layerwise.output(id), "{name} {size:?}");
            assert_eq!(planned.logits(), layerwise.logits(), "{name} {size:?}");
        }
    }
}

#[test]
fn other_parameters_are_packed_anew() {
    let input = noise(1, &[1, 3, 9, 7]);
    let network = network(3, every_layer).with_choice(Choice::Exact);
    let before = logits(&network, &input);
    for name in ["stem", "bn", "depthwise", "fc"] {
        let node = find(&network, name);
        let old = network.params(node);
        let params = Params {
            weight: old.weight.as_ref().map(|weight| (&*weight.tensor() * 2.0).into()),
            bias: old.bias.clone(),
        };
        let changed = network.with_params(node, params).unwrap();
        let after = logits(&changed, &input);
        assert_ne!(after, before, "{name}");
        assert_eq!(after, logits_layerwise(&changed, &input), "{name}");
        assert_eq!(logits(&network, &input), before, "{name}: the old network stays as it was");
    }
}

/// Seeds that are not one class, tapes of all kinds, ends in the midst and at the input.
#[test]
fn a_planned_walk_back_gives_the_gradients_of_every_layer() {
    let network = network(3, every_layer).with_choice(Choice::Exact);
    for size in [[9, 7], [1, 1], [32, 40]] {
        let input = noise(1, &[2, 3, size[0], size[1]]);
        let planned = network.forward(&input, &Retain::all()).unwrap();
        let layerwise = network.forward_layerwise(&input, &Retain::all()).unwrap();
        let seed = noise(2, planned.logits().unwrap().shape());
        let nodes: Vec<_> = network.graph().ids().collect();
        let expected = network.gradient_layerwise(&layerwise, seed.clone(), &nodes).unwrap();
        let slopes = network.forward(&input, &Retain::gradient(network.graph(), NodeId::INPUT)).unwrap();
        assert!(slopes.output(find(&network, "relu6")).is_err(), "a bit for each number is kept, and no number");
        for tape in [&planned, &layerwise, &slopes] {
            assert_eq!(network.gradient(tape, seed.clone(), &nodes).unwrap(), expected, "{size:?}");
            for id in &nodes {
                let found = network.gradient(tape, seed.clone(), &[*id]).unwrap();
                assert_eq!(found.get(id), expected.get(id), "{} {size:?}", network.graph().node(*id).name);
            }
        }
    }
}

/// Of a small window marks are kept, of a large one what it read; the first one's maxima lie at a rectifier's bound, too.
#[test]
fn max_pools_of_any_window_send_back_what_the_layers_do() {
    let network = network(3, |graph| {
        let conv = graph.add("conv", Conv2d::new(3, 20, 1), NodeId::INPUT);
        let norm = graph.add("norm", BatchNorm2d::new(20), conv);
        let relu = graph.add("relu", Relu, norm);
        let small = graph.add("small", MaxPool2d::new(3, 2).padding(1), relu);
        let conv = graph.add("conv2", Conv2d::new(20, 8, 1), small);
        let large = graph.add("large", MaxPool2d::new(7, 1).padding(3), conv);
        let flat = graph.add("flat", Flatten, large);
        graph.add("fc", Linear::new(8 * 5 * 6, 4), flat);
    })
    .with_choice(Choice::Exact);
    let input = noise(1, &[2, 3, 10, 11]);
    let tape = network.forward(&input, &Retain::gradient(network.graph(), NodeId::INPUT)).unwrap();
    let kept = ["relu", "small", "conv2", "large"].map(|name| tape.output(find(&network, name)).is_ok());
    assert_eq!(kept, [false, false, false, true]);
    let seed = noise(2, &[2, 4]);
    let whole = network.forward_layerwise(&input, &Retain::all()).unwrap();
    for keep in [NodeId::INPUT, find(&network, "conv"), find(&network, "relu"), find(&network, "conv2")] {
        let expected = network.gradient_layerwise(&whole, seed.clone(), &[keep]).unwrap();
        assert_eq!(network.gradient(&tape, seed.clone(), &[keep]).unwrap(), expected, "{keep:?}");
    }
}

/// Batch norms before a sum: of a convolution, of one with groups, of a rectifier. The sum is read twice.
fn summed(graph: &mut GraphBuilder) {
    let conv = graph.add("conv", Conv2d::new(4, 8, 3).padding(1), NodeId::INPUT);
    let bn = graph.add("bn", BatchNorm2d::new(8), conv);
    let grouped = graph.add("grouped", Conv2d::new(4, 8, 1).groups(2), NodeId::INPUT);
    let bn2 = graph.add("bn2", BatchNorm2d::new(8), grouped);
    let pointwise = graph.add("pointwise", Conv2d::new(4, 8, 1), NodeId::INPUT);
    let rectified = graph.add("rectified", Relu, pointwise);
    let bn3 = graph.add("bn3", BatchNorm2d::new(8), rectified);
    let sum = graph.join("sum", Add, &[bn, bn2, bn3]);
    let relu = graph.add("relu", Relu, sum);
    let twice = graph.join("twice", Add, &[sum, relu]);
    let flat = graph.add("flatten", Flatten, twice);
    graph.add("fc", Linear::new(8 * 5 * 6, 3), flat);
}

/// Four readers of one convolution: what a batch norm and a rectifier send it comes from convolutions behind others of them.
#[test]
fn gradients_of_many_readers_are_summed_in_the_order_of_the_walk() {
    let network = network(16, |graph| {
        let conv = graph.add("conv", Conv2d::new(16, 16, 1), NodeId::INPUT);
        let norm = graph.add("norm", BatchNorm2d::new(16), conv);
        let relu = graph.add("relu", Relu, conv);
        let [a, b] = ["a", "b"].map(|name| graph.add(name, Conv2d::new(16, 16, 3).padding(1), conv));
        let [c, d] = ["c", "d"].map(|name| graph.add(name, Conv2d::new(16, 16, 1), norm));
        let e = graph.add("e", Conv2d::new(16, 16, 1), relu);
        let sum = graph.join("sum", Add, &[a, b, c, d, e]);
        let flat = graph.add("flat", Flatten, sum);
        graph.add("fc", Linear::new(16 * 36, 4), flat);
    })
    .with_choice(Choice::Exact);
    for seed in 1..5 {
        let tape = network.forward(&noise(seed, &[1, 16, 6, 6]), &Retain::all()).unwrap();
        let upstream = noise(seed + 5, &[1, 4]);
        for keep in [&[NodeId::INPUT][..], &[find(&network, "conv")]] {
            let planned = network.gradient(&tape, upstream.clone(), keep).unwrap();
            assert_eq!(planned, network.gradient_layerwise(&tape, upstream.clone(), keep).unwrap(), "{keep:?}");
        }
    }
}

#[test]
fn norms_before_sums_scale_the_gradient_once() {
    let old = network(4, summed);
    let bn = find(&old, "bn");
    let doubled = old.params(bn).weight.as_ref().map(|weight| (&*weight.tensor() * 2.0).into());
    let changed = old.with_params(bn, Params { weight: doubled, bias: old.params(bn).bias.clone() }).unwrap();
    let (input, seed) = (noise(1, &[2, 4, 5, 6]), noise(2, &[2, 3]));
    for network in [&old, &changed, &old] {
        let tape = network.forward(&input, &Retain::all()).unwrap();
        let nodes: Vec<NodeId> = network.graph().ids().collect();
        let expected = network.gradient_layerwise(&tape, seed.clone(), &nodes).unwrap();
        let all = network.gradient(&tape, seed.clone(), &nodes).unwrap();
        for (id, expected) in &expected {
            let name = &network.graph().node(*id).name;
            let most = expected.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
            let is_near = all[id].iter().zip(expected).all(|(found, value)| (found - value).abs() <= 1e-5 * most);
            assert!(is_near && most > 0.0, "{name}");
            let alone = network.gradient(&tape, seed.clone(), &[*id]).unwrap();
            assert_eq!(alone[id], all[id], "{name} depends on what else is kept");
        }
    }
}

#[test]
fn weights_are_the_same_after_an_exact_run() {
    let network = network(3, every_layer).with_choice(Choice::Exact);
    let weights = |network: &Network| -> Vec<Option<Tensor>> {
        let of = |id| network.params(id).weight.as_ref().map(|weight| weight.tensor().as_ref().clone());
        network.graph().ids().map(of).collect()
    };
    let before = weights(&network);
    logits(&network, &noise(1, &[2, 3, 9, 7]));
    assert_eq!(weights(&network), before);
    assert_eq!(before.iter().flatten().count(), 4);
}
