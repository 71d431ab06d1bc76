//! Named points of graphs made for the purpose; those of real networks are tested with the models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{every_layer, graph, message};
use gradex_engine::layers::{AdaptiveAvgPool2d, Add, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Activation, Graph, NodeId};

const INPUT: NodeId = NodeId::INPUT;

fn default_point(graph: &Graph) -> &str {
    &graph.node(graph.default_point()).name
}

#[test]
fn the_default_is_the_last_rectifier_of_an_image() {
    let conv = || Conv2d::new(3, 3, 1);
    let after_flattening = graph(3, |graph| {
        let relu = graph.add("relu", Relu, INPUT);
        let conv = graph.add("conv", conv(), relu);
        let flat = graph.add("flat", Flatten, conv);
        let fc = graph.add("fc", Linear::new(3, 3), flat);
        graph.add("fc_relu", Relu, fc);
    });
    assert_eq!(default_point(&after_flattening), "relu");

    let without = graph(3, |graph| {
        let conv = graph.add("conv", conv(), INPUT);
        graph.add("flat", Flatten, conv);
    });
    assert_eq!(default_point(&without), "input");

    let all_flat = graph(3, |graph| {
        let flat = graph.add("flat", Flatten, INPUT);
        graph.add("fc_relu", Relu, flat);
    });
    assert_eq!(default_point(&all_flat), "input");
}

#[test]
fn the_default_is_a_point_that_the_logits_depend_on() {
    let graph = graph(3, |graph| {
        let relu = graph.add("relu", Relu, INPUT);
        graph.add("aux", Relu, relu);
        graph.add("flat", Flatten, relu);
    });
    assert_eq!(default_point(&graph), "relu");
}

#[test]
fn points_of_every_kind_of_layer() {
    use Activation::{After, Before, Neither};
    let graph = graph(3, every_layer);
    let points = graph.points(&[2, 3, 32, 48]).unwrap();
    let actual: Vec<_> = points
        .iter()
        .map(|point| (&*point.name, point.kind, point.stride.map(|[rows, _]| rows), point.activation))
        .collect();
    let expected = [
        ("input", "input", Some(1), Neither),
        ("stem", "conv2d", Some(2), Before),
        ("bn", "batch_norm2d", Some(2), Before),
        ("relu", "relu", Some(2), After),
        ("pool", "max_pool2d", Some(4), After),
        ("depthwise", "conv2d", Some(4), Before),
        ("relu6", "relu6", Some(4), After),
        ("sum", "add", Some(4), After),
        ("both", "concat", Some(4), After),
        ("means", "avg_pool2d", Some(4), After),
        ("aux", "relu", Some(4), After),
        ("tiles", "adaptive_avg_pool2d", None, After),
        ("flat", "flatten", None, After),
        ("drop", "dropout", None, After),
        ("fc", "linear", None, Neither),
        ("probabilities", "softmax", None, After),
    ];
    assert_eq!(actual, expected);
    let shapes: Vec<_> = points.iter().map(|point| point.shape.clone()).collect();
    assert_eq!(shapes, graph.shapes(&[2, 3, 32, 48]).unwrap());
    assert!(points.iter().zip(graph.ids()).all(|(point, id)| point.id == id));
    assert!(message(graph.points(&[2, 4, 32, 48])).starts_with("node `input`"));
}

#[test]
fn a_sum_is_non_negative_only_where_all_its_terms_are() {
    let graph = graph(3, |graph| {
        let relu = graph.add("relu", Relu, INPUT);
        let pool = graph.add("pool", MaxPool2d::new(1, 1), INPUT);
        let clean = graph.join("clean", Add, &[relu, relu]);
        let mixed = graph.join("mixed", Add, &[relu, pool]);
        graph.join("both", Add, &[clean, mixed]);
    });
    assert_eq!(graph.non_negative(), [false, true, false, true, false, false]);
}

#[test]
fn strides_multiply_along_each_axis() {
    let graph = graph(3, |graph| {
        let conv = graph.add("conv", Conv2d { stride: [2, 1], ..Conv2d::new(3, 3, 3) }, INPUT);
        let pool = graph.add("pool", MaxPool2d { stride: [3, 2], ..MaxPool2d::new(2, 2) }, conv);
        let tiles = graph.add("tiles", AdaptiveAvgPool2d::new(2), pool);
        graph.add("after", Conv2d::new(3, 3, 1).stride(2), tiles);
    });
    let points = graph.points(&[1, 3, 20, 20]).unwrap();
    let strides: Vec<_> = points.iter().map(|point| point.stride).collect();
    assert_eq!(strides, [Some([1, 1]), Some([2, 1]), Some([6, 2]), None, None]);
}

/// Two ways to the same size: a step is four input pixels on one and one on the other.
#[test]
fn a_sum_over_different_strides_has_none() {
    let graph = graph(3, |graph| {
        let strided = graph.add("strided", Conv2d::new(3, 3, 3).stride(4), INPUT);
        let wide = graph.add("wide", Conv2d::new(3, 3, 8), INPUT);
        graph.join("sum", Add, &[strided, wide]);
    });
    let points = graph.points(&[1, 3, 9, 9]).unwrap();
    assert_eq!(points.last().unwrap().stride, None);
}
