//! Building graphs, finding nodes by name, and inferring shapes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{graph, message};
use gradex_engine::layers::{Add, Concat, Conv2d, Flatten, Input, Linear, MaxPool2d, Relu};
use gradex_engine::{Error, Graph, GraphBuilder, NodeId};

const INPUT: NodeId = NodeId::INPUT;

type AddNodes = fn(&mut GraphBuilder) -> NodeId;

/// The id that node number `index` of any graph has.
fn id(index: usize) -> NodeId {
    let mut other = GraphBuilder::new(1);
    (0..index).map(|_| other.add("", Relu, INPUT)).last().unwrap_or(INPUT)
}

#[test]
fn a_graph_that_contradicts_itself_is_refused_by_the_name_of_the_node() {
    let cases: [(AddNodes, &str); 7] = [
        (|graph| [graph.add("a", Relu, INPUT), graph.add("a", Relu, INPUT)][0], "two nodes are called `a`"),
        (|graph| graph.add("input", Relu, INPUT), "two nodes are called `input`"),
        (|graph| graph.add("other", Input { channels: 3 }, INPUT), "`other` is a second input"),
        (|graph| graph.join("other", Input { channels: 3 }, &[]), "`other` is a second input"),
        (|graph| graph.join("sum", Add, &[]), "`sum` must read one earlier node or more"),
        (|graph| graph.add("itself", Relu, id(1)), "`itself` must read one earlier node or more"),
        (|graph| graph.join("later", Add, &[INPUT, id(2)]), "`later` must read one earlier node or more"),
    ];
    for (add_nodes, expected) in cases {
        let mut builder = GraphBuilder::new(3);
        add_nodes(&mut builder);
        assert_eq!(builder.finish().unwrap_err(), Error::Graph(expected.to_owned()));
    }
    assert_eq!(GraphBuilder::new(3).finish().unwrap().nodes().len(), 1);
}

/// A graph of rectifiers with these names.
fn named(names: &[&str]) -> Graph {
    graph(3, |graph| names.iter().map(|name| graph.add(*name, Relu, INPUT)).last())
}

const NAMES: [&str; 8] =
    ["conv1", "layer4.1.relu", "layer4.2.conv", "layer4.2.relu", "layer4.20.relu", "layer40.relu", "head", "head.relu"];

#[test]
fn a_name_is_a_node_or_the_last_node_below_it() {
    let graph = named(&NAMES);
    let cases = [
        ("input", "input"),
        ("layer4.2.conv", "layer4.2.conv"),
        ("layer4.1", "layer4.1.relu"),
        ("layer4.2", "layer4.2.relu"),
        ("layer4", "layer4.20.relu"),
        ("layer40", "layer40.relu"),
        ("head", "head"),
    ];
    for (name, expected) in cases {
        assert_eq!(graph.node(graph.find(name).unwrap()).name, expected, "{name}");
    }
}

#[test]
fn a_part_of_a_name_that_ends_between_dots_is_no_node() {
    let graph = named(&NAMES);
    for name in ["", ".", "layer", "layer4.", "layer4.2.con", "conv", "conv1.weight", "head.relu.", "Head"] {
        let error = graph.find(name).unwrap_err();
        assert!(matches!(&error, Error::UnknownNode { name: asked, .. } if asked == name), "{error}");
    }
    assert_eq!(
        message(graph.find("layer4.2.conf")),
        "there is no node `layer4.2.conf`; nearest: `layer4.2.conv`, `layer4.2.relu`, `layer4.1.relu`"
    );
}

#[test]
fn shapes_by_hand() {
    let graph = graph(3, |graph| {
        let conv = graph.add("conv", Conv2d::new(3, 4, 3).stride(2), INPUT);
        let pool = graph.add("pool", MaxPool2d::new(2, 2), conv);
        let both = graph.join("both", Concat { axis: 1 }, &[pool, pool]);
        graph.add("flat", Flatten, both);
    });
    let expected: [&[usize]; 5] = [&[2, 3, 13, 9], &[2, 4, 6, 4], &[2, 4, 3, 2], &[2, 8, 3, 2], &[2, 48]];
    assert_eq!(graph.shapes(&[2, 3, 13, 9]).unwrap(), expected);
}

#[test]
fn a_shape_that_does_not_fit_is_refused_at_the_first_node_that_cannot_take_it() {
    let pools: AddNodes = |graph| {
        let pool = graph.add("pool1", MaxPool2d::new(2, 2), INPUT);
        graph.add("pool2", MaxPool2d::new(2, 2), pool)
    };
    let image = [1, 3, 8, 8];
    let cases: [(AddNodes, &[usize], &str); 12] = [
        (pools, &[1, 3, 3, 8], "node `pool2`: max_pool2d takes an image that its [2, 2] window"),
        (pools, &[1, 3, 8, 1], "node `pool1`: max_pool2d takes an image that its [2, 2] window"),
        (pools, &[1, 4, 8, 8], "node `input`: the network takes one image or more of shape [n, 3, h, w], not [1, 4"),
        (pools, &[3, 8, 8], "node `input`: the network takes an input of shape [n, c, h, w], not [3, 8, 8]"),
        (pools, &[], "node `input`: the network takes an input of shape [n, c, h, w], not []"),
        (pools, &[0, 3, 8, 8], "node `input`: the network takes one image or more"),
        (pools, &[1, 3, 0, 8], "node `input`: the network takes one image or more"),
        (|graph| graph.join("relu", Relu, &[INPUT, INPUT]), &image, "node `relu`: relu takes one input, not 2"),
        (|graph| graph.add("conv", Conv2d::new(4, 4, 3), INPUT), &image, "node `conv`: conv2d takes 4 channels"),
        (|graph| graph.add("fc", Linear::new(192, 2), INPUT), &image, "node `fc`: linear takes an input of shape"),
        (
            |graph| {
                let conv = graph.add("conv", Conv2d::new(3, 3, 3), INPUT);
                graph.join("sum", Add, &[INPUT, conv])
            },
            &image,
            "node `sum`: add takes inputs of one shape, the first's [1, 3, 8, 8], not [1, 3, 6, 6]",
        ),
        (
            |graph| {
                let conv = graph.add("conv", Conv2d::new(3, 3, 3), INPUT);
                graph.join("both", Concat { axis: 1 }, &[INPUT, conv])
            },
            &image,
            "node `both`: concat takes inputs that agree with [1, 3, 8, 8] in all axes but 1, not [1, 3, 6, 6]",
        ),
    ];
    for (add_nodes, input, expected) in cases {
        let error = message(graph(3, add_nodes).shapes(input));
        assert!(error.starts_with(expected), "{input:?}: {error}");
    }
}

#[test]
fn sizes_beyond_any_memory_are_refused() {
    let graph = graph(3, |graph| {
        let conv = graph.add("conv", Conv2d::new(3, 4, 3).same(), INPUT);
        graph.add("flat", Flatten, conv);
    });
    for input in [[1, 3, usize::MAX, 8], [1, 3, usize::MAX / 8, usize::MAX / 8], [usize::MAX, 3, 2, 2]] {
        assert!(matches!(graph.shapes(&input), Err(Error::Node { .. })), "{input:?}");
    }
}

#[test]
fn what_depends_on_what() {
    let graph = graph(3, |graph| {
        let left = graph.add("left", Relu, INPUT);
        let right = graph.add("right", Relu, INPUT);
        graph.join("sum", Add, &[left, right]);
    });
    let [left, right] = ["left", "right"].map(|name| graph.find(name).unwrap());
    assert_eq!(graph.depend_on(&[left]), [false, true, false, true]);
    assert_eq!(graph.depend_on(&[left, right]), [false, true, true, true]);
    assert_eq!(graph.depend_on(&[INPUT]), [true; 4]);
    assert_eq!(graph.depend_on(&[]), [false; 4]);
}
