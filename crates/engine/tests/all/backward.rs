//! The backward walk: sums over readers, what is visited, and what a rule may return.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::common::{every_layer, find, graph, message, network, noise, tensor};
use gradex_engine::layers::{AdaptiveAvgPool2d, Add, Concat, Conv2d, Flatten, Linear, Relu};
use gradex_engine::{Error, Layer, Network, NodeId, Retain, Tape, Tensor};

/// One channel of two pixels: `p = 2 x`, `q = relu(-p / 2)`, `r = 3 p`, `s = q + r + p`, `logit = Σ w [s, q]`,
/// with a branch `dead` that no logit reads.
fn diamond() -> Network {
    let scale = || Conv2d::new(1, 1, 1).no_bias();
    let graph = graph(1, |graph| {
        let p = graph.add("p", scale(), NodeId::INPUT);
        let minus = graph.add("minus", scale(), p);
        let q = graph.add("q", Relu, minus);
        let r = graph.add("r", scale(), p);
        graph.add("dead", Relu, r);
        let s = graph.join("s", Add, &[q, r, p]);
        let both = graph.join("both", Concat { axis: 1 }, &[s, q]);
        let flat = graph.add("flat", Flatten, both);
        graph.add("fc", Linear::new(4, 1), flat);
    });
    let scale = |(name, value)| (format!("{name}.weight"), tensor(&[1, 1, 1, 1], &[value]));
    let mut state: BTreeMap<String, Tensor> = [("p", 2.0), ("minus", -0.5), ("r", 3.0)].map(scale).into();
    state.insert("fc.weight".to_owned(), tensor(&[1, 4], &WEIGHT));
    state.insert("fc.bias".to_owned(), tensor(&[1], &[0.0]));
    graph.bind(state).unwrap()
}

/// Of both pixels of `s`, then of both pixels of `q`.
const WEIGHT: [f32; 4] = [5.0, 7.0, 11.0, 13.0];
const PIXELS: [f32; 2] = [-1.0, 4.0];

fn diamond_tape(network: &Network, retain: &Retain) -> Tape {
    network.forward(&tensor(&[1, 1, 1, 2], &PIXELS), retain).unwrap()
}

fn one() -> Tensor {
    tensor(&[1, 1], &[1.0])
}

/// Every number below is a small integer or half: the sums are exact.
#[test]
fn what_several_readers_send_back_is_summed() {
    let network = diamond();
    let tape = diamond_tape(&network, &Retain::all());
    let names = ["input", "p", "minus", "q", "r", "s", "both", "dead", "fc"];
    let keep = names.map(|name| find(&network, name));
    let arrived = network.gradient(&tape, one(), &keep).unwrap();

    let mut expected: BTreeMap<&str, Vec<f64>> = BTreeMap::from([("fc", vec![1.0]), ("dead", vec![0.0; 2])]);
    for (pixel, x) in PIXELS.map(f64::from).into_iter().enumerate() {
        let [to_s, to_q] = [WEIGHT[pixel], WEIGHT[2 + pixel]].map(f64::from);
        let q = to_s + to_q;
        let minus = if -0.5 * 2.0 * x > 0.0 { q } else { 0.0 };
        let p = -0.5 * minus + 3.0 * to_s + to_s;
        for (name, value) in [("s", to_s), ("q", q), ("minus", minus), ("r", to_s), ("p", p), ("input", 2.0 * p)] {
            expected.entry(name).or_default().push(value);
        }
    }
    expected.insert("both", WEIGHT.map(f64::from).to_vec());
    for (name, id) in names.iter().zip(keep) {
        let actual: Vec<f64> = arrived[&id].iter().map(|value| f64::from(*value)).collect();
        assert_eq!(actual, expected[name], "{name}");
        assert_eq!(arrived[&id].shape(), tape.shape(id), "{name}");
    }
    assert_eq!(arrived.len(), names.len());
}

#[test]
fn a_node_that_reads_another_twice_sends_back_twice() {
    let graph = graph(1, |graph| {
        let twice = graph.join("twice", Add, &[NodeId::INPUT, NodeId::INPUT]);
        let again = graph.join("again", Concat { axis: 1 }, &[twice, twice]);
        graph.add("flat", Flatten, again);
    });
    let network = graph.bind(BTreeMap::<String, Tensor>::new()).unwrap();
    let tape = network.forward(&noise(1, &[1, 1, 1, 1]), &Retain::all()).unwrap();
    let arrived = network.gradient(&tape, tensor(&[1, 2], &[3.0, 5.0]), &[NodeId::INPUT]).unwrap();
    assert_eq!(arrived[&NodeId::INPUT], tensor(&[1, 1, 1, 1], &[16.0]));
}

#[test]
fn keeping_more_nodes_changes_no_other() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(1, &[2, 3, 9, 7]), &Retain::all()).unwrap();
    let seed = noise(2, &[2, 5]);
    let all: Vec<NodeId> = network.graph().ids().collect();
    let together = network.gradient(&tape, seed.clone(), &all).unwrap();
    for id in all {
        let alone = network.gradient(&tape, seed.clone(), &[id, id]).unwrap();
        assert_eq!(alone, BTreeMap::from([(id, together[&id].clone())]), "{}", network.graph().node(id).name);
    }
    assert_eq!(network.gradient(&tape, seed, &[]).unwrap(), BTreeMap::new());
}

#[test]
fn nodes_that_the_logits_do_not_depend_on_get_zeros() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(1, &[2, 3, 9, 7]), &Retain::all()).unwrap();
    let ids = ["aux", "probabilities"].map(|name| find(&network, name));
    let arrived = network.gradient(&tape, noise(2, &[2, 5]), &ids).unwrap();
    for id in ids {
        assert_eq!(arrived[&id], Tensor::zeros(tape.shape(id)));
    }
}

#[test]
fn the_logits_are_what_a_final_softmax_reads() {
    let network = network(3, every_layer);
    let (graph, tape) = (network.graph(), network.forward(&noise(1, &[2, 3, 9, 7]), &Retain::all()).unwrap());
    let [fc, probabilities] = ["fc", "probabilities"].map(|name| find(&network, name));
    assert_eq!(graph.logits(), fc);
    assert_eq!(graph.ids().next_back(), Some(probabilities));
    assert_eq!(tape.logits().unwrap(), tape.output(fc).unwrap());
    let seed = noise(2, &[2, 5]);
    assert_eq!(network.gradient(&tape, seed.clone(), &[fc]).unwrap()[&fc], seed);
    assert_eq!(diamond().graph().logits(), find(&diamond(), "fc"));
}

#[test]
fn a_seed_that_has_not_the_shape_of_the_logits_is_refused() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(1, &[2, 3, 9, 7]), &Retain::all()).unwrap();
    for shape in [&[1, 5][..], &[2, 1], &[10], &[5, 2], &[]] {
        let error = message(network.gradient(&tape, noise(2, shape), &[NodeId::INPUT]));
        assert_eq!(error, format!("the backward pass takes a seed of the logits' shape [2, 5], not {shape:?}"));
    }
}

#[test]
fn a_rule_sees_each_node_on_the_way_once_in_reverse_order() {
    let network = diamond();
    let tape = diamond_tape(&network, &Retain::all());
    let visited = |keep: &str| {
        let mut visited = Vec::new();
        let keep = [find(&network, keep)];
        let rule = |id: NodeId, site: &gradex_engine::Site<'_>, upstream: &Tensor| {
            visited.push(network.graph().node(id).name.as_str());
            assert_eq!(upstream.shape(), tape.shape(id));
            site.op.backward(site, upstream)
        };
        network.backward(&tape, one(), &keep, rule).unwrap();
        visited
    };
    assert_eq!(visited("input"), ["fc", "flat", "both", "s", "r", "q", "minus", "p"]);
    assert_eq!(visited("q"), ["fc", "flat", "both", "s"]);
    assert_eq!(visited("fc"), [""; 0]);
    assert_eq!(visited("dead"), [""; 0]);
}

#[test]
fn a_rule_decides_what_is_sent() {
    let network = diamond();
    let tape = diamond_tape(&network, &Retain::logits());
    // Every input gets the mean of the upstream: what arrives at `p` counts the ways there.
    let arrived = network
        .backward(&tape, one(), &[find(&network, "p")], |_, site, upstream| {
            let mean = upstream.mean().unwrap_or(0.0);
            Ok(site.inputs.iter().map(|input| Tensor::from_elem(input.shape, mean)).collect())
        })
        .unwrap();
    assert_eq!(arrived[&find(&network, "p")], tensor(&[1, 1, 1, 2], &[4.0, 4.0]));
}

#[test]
fn a_rule_must_return_one_gradient_an_input_of_its_shape() {
    let network = diamond();
    let tape = diamond_tape(&network, &Retain::all());
    let with = |node: &str, sent: &[Tensor]| {
        let node = find(&network, node);
        message(network.backward(&tape, one(), &[NodeId::INPUT], |id, site, upstream| {
            if id == node { Ok(sent.to_vec()) } else { site.op.backward(site, upstream) }
        }))
    };
    let good = Tensor::zeros(&[1, 1, 1, 2][..]);
    assert_eq!(with("s", &[]), "node `s`: add takes one gradient an input, not 0");
    assert_eq!(with("s", &[good.clone(), good.clone()]), "node `s`: add takes one gradient an input, not 2");
    assert_eq!(with("minus", &[good.clone(), good]), "node `minus`: conv2d takes one gradient an input, not 2");
    // Of shapes that a sum could not take, and of ones that it would stretch.
    for shape in [&[3][..], &[1, 1, 1, 3], &[1], &[]] {
        for node in ["minus", "r", "p"] {
            let error = with(node, &[Tensor::zeros(shape)]);
            assert!(error.starts_with(&format!("node `{node}`: ")), "{node} {shape:?}: {error}");
        }
    }
}

#[test]
fn what_a_rule_refuses_is_told_with_the_node() {
    let network = diamond();
    let tape = diamond_tape(&network, &Retain::all());
    let relu = find(&network, "q");
    let refused = network.backward(&tape, one(), &[NodeId::INPUT], |id, site, upstream| {
        if id == relu { Err(Error::Graph("not here".to_owned())) } else { site.op.backward(site, upstream) }
    });
    assert_eq!(message(refused), "node `q`: not here");
}

#[test]
fn a_tape_that_kept_too_little_is_an_error() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(1, &[1, 3, 9, 7]), &Retain::from(find(&network, "sum"))).unwrap();
    let gradient = |node: &str| network.gradient(&tape, noise(2, &[1, 5]), &[find(&network, node)]);
    assert!(gradient("sum").is_ok() && gradient("relu6").is_ok(), "neither needs what lies before it");
    let error = message(gradient("input"));
    assert!(error.contains("node `relu6`: the tape does not hold the output of a rectifier; ask for it"), "{error}");
}

#[test]
fn a_tape_of_another_network_is_an_error() {
    let (large, small) = (network(3, every_layer), diamond());
    let tape = diamond_tape(&small, &Retain::all());
    assert!(large.gradient(&tape, one(), &[NodeId::INPUT]).is_err());
    let tape = large.forward(&noise(1, &[1, 3, 9, 7]), &Retain::all()).unwrap();
    assert!(small.gradient(&tape, one(), &[NodeId::INPUT]).is_err());
}

#[test]
fn a_tape_of_a_like_network_is_an_error_and_leaves_nothing() {
    let like = |padding| {
        network(3, |graph| {
            let conv = graph.add("conv", Conv2d::new(3, 8, 3).padding(padding), NodeId::INPUT);
            let pool = graph.add("pool", AdaptiveAvgPool2d::new(1), conv);
            let flat = graph.add("flat", Flatten, pool);
            graph.add("fc", Linear::new(8, 4), flat);
        })
    };
    let [own, other] = [1, 0].map(|padding| {
        let network = like(padding);
        let tape = network.forward(&noise(1, &[1, 3, 9, 9]), &Retain::all()).unwrap();
        (network, tape)
    });
    let gradient = |tape| own.0.gradient(tape, noise(2, &[1, 4]), &[NodeId::INPUT]);
    let error = message(gradient(&other.1));
    assert!(error.contains("another network's"), "{error}");
    assert!(gradient(&own.1).is_ok());
}
