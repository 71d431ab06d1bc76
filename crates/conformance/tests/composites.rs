//! Composites on a residual network, against a dense network in float64: its forward pass, its folding, and each node's
//! formula on its matrix.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use gradex_conformance::replica::{self, Dense};
use gradex_conformance::{Jacobian, Scene, Shares};
use gradex_engine::layers::{AdaptiveAvgPool2d, Add, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{GraphBuilder, Layer, Network, NodeId, Op, Params, Retain, Site, Tensor};
use gradex_models::{generated_input, generated_parameters};
use gradex_saliency::Composite;
use gradex_saliency::rules::{
    Bounds, EPSILON, Ratio, alpha_beta, epsilon, excitation, flat, gamma, norm, w_square, z_box, z_plus,
};
use ndarray::{Array1, Array2, ArrayView1};

const CLASS: usize = 1;

/// A stem with a max-pool, and a residual block with a strided convolution on its shortcut, as ResNets have them.
fn residual() -> Network {
    let mut graph = GraphBuilder::new(3);
    let x = graph.add("conv1", Conv2d::new(3, 4, 3).padding(1).no_bias(), NodeId::INPUT);
    let x = graph.add("bn1", BatchNorm2d::new(4), x);
    let x = graph.add("relu", Relu, x);
    let stem = graph.add("maxpool", MaxPool2d::new(3, 2).padding(1), x);
    let x = graph.add("block.conv1", Conv2d::new(4, 6, 3).stride(2).padding(1).no_bias(), stem);
    let x = graph.add("block.bn1", BatchNorm2d::new(6), x);
    let x = graph.add("block.relu", Relu, x);
    let x = graph.add("block.conv2", Conv2d::new(6, 6, 3).padding(1), x);
    let x = graph.add("block.bn2", BatchNorm2d::new(6), x);
    let shortcut = graph.add("shortcut.conv", Conv2d::new(4, 6, 1).stride(2).no_bias(), stem);
    let shortcut = graph.add("shortcut.bn", BatchNorm2d::new(6), shortcut);
    let x = graph.join("block.add", Add, &[x, shortcut]);
    let x = graph.add("block.relu_1", Relu, x);
    let x = graph.add("avgpool", AdaptiveAvgPool2d::new(1), x);
    let x = graph.add("flatten", Flatten, x);
    graph.add("fc", Linear::new(6, 3), x);
    let graph = graph.finish().expect("a graph");
    let parameters = generated_parameters(&graph, 11);
    graph.bind(parameters).expect("a network")
}

/// What becomes of relevance at a node.
enum How {
    Value(Ratio),
    Pass,
    Gradient,
    Guided,
    Deconvnet,
}

/// A node in float64.
struct Node {
    matrix: Array2<f64>,
    bias: Option<Vec<f64>>,
    inputs: Vec<f64>,
    output: Vec<f64>,
}

impl Node {
    fn transpose(&self, upstream: &[f64]) -> Vec<f64> {
        self.matrix.t().dot(&ArrayView1::from(upstream)).to_vec()
    }

    fn back(&self, how: &How, channels: &[usize], is_implicit: bool, upstream: &[f64]) -> Vec<f64> {
        let positive = || upstream.iter().map(|r| r.max(0.0)).collect::<Vec<_>>();
        match how {
            How::Value(ratio) => {
                let bias = self.bias.as_deref();
                let Self { matrix, inputs, output: outputs, .. } = self;
                replica::evaluate(
                    &Shares::of_ratio(ratio),
                    &Dense { matrix, bias, inputs, channels, outputs, is_implicit },
                    upstream,
                )
                .sent
            }
            How::Pass => upstream.to_vec(),
            How::Gradient => self.transpose(upstream),
            How::Guided => self.transpose(&positive()),
            How::Deconvnet => positive(),
        }
    }
}

/// Every node of the network in float64; with batch norms folded, they are identities.
fn dense(network: &Network, input: &Tensor, fold: bool) -> Vec<Node> {
    let graph = network.graph();
    let shapes = graph.shapes(input.shape()).expect("shapes");
    let mut nodes: Vec<Node> = Vec::new();
    for id in graph.ids() {
        let node = graph.node(id);
        let inputs: Vec<f64> = node.inputs.iter().flat_map(|read| nodes[read.index()].output.clone()).collect();
        let read = |read: &NodeId| {
            let values = nodes[read.index()].output.iter().map(|x| *x as f32).collect();
            Tensor::from_shape_vec(&shapes[read.index()][..], values).expect("values")
        };
        let rounded: Vec<Tensor> = node.inputs.iter().map(read).collect();
        let (matrix, bias) = linear(&node.op, network.params(id), rounded, &inputs);
        let product = matrix.dot(&ArrayView1::from(&inputs));
        let bias_of = |index: usize| bias.as_ref().map_or(0.0, |bias| bias[index]);
        let output = match id {
            NodeId::INPUT => input.iter().map(|x| f64::from(*x)).collect(),
            _ => product.iter().enumerate().map(|(index, value)| value + bias_of(index)).collect(),
        };
        let mut new = Node { matrix, bias, inputs, output };
        if fold && matches!(node.op, Op::BatchNorm2d(_)) {
            let conv = &mut nodes[node.inputs[0].index()];
            let scales = new.matrix.diag().to_owned();
            for (mut row, scale) in conv.matrix.outer_iter_mut().zip(&scales) {
                row *= *scale;
            }
            let old = conv.bias.take().unwrap_or_else(|| vec![0.0; scales.len()]);
            let shift = new.bias.take().expect("a shift");
            conv.bias =
                Some(old.iter().zip(&scales).zip(&shift).map(|((b, scale), shift)| b * scale + shift).collect());
            conv.output.clone_from(&new.output);
            new.inputs.clone_from(&new.output);
            new.matrix = Array2::eye(scales.len());
        }
        nodes.push(new);
    }
    nodes
}

/// A layer's matrix, and its bias where it has one; of layers that are not linear, the matrix that they are at their inputs.
fn linear(op: &Op, params: &Params, rounded: Vec<Tensor>, exact: &[f64]) -> (Array2<f64>, Option<Vec<f64>>) {
    if op.is_activation() {
        let gates: Array1<f64> = exact.iter().map(|x| f64::from(u8::from(*x > 0.0))).collect();
        return (Array2::from_diag(&gates), None);
    }
    if rounded.is_empty() {
        return (Array2::zeros((0, 0)), None);
    }
    let scene = Scene::new(op.clone(), params.clone(), rounded).expect("a layer");
    if matches!(op, Op::MaxPool2d(_)) {
        return (routes(&scene), None);
    }
    let Jacobian { matrix, bias, .. } = Jacobian::of(&scene).expect("a layer").expect("no kink");
    (matrix, params.bias.is_some().then_some(bias))
}

/// Which input each output of a max-pool is.
fn routes(pool: &Scene) -> Array2<f64> {
    let mut matrix = Array2::zeros((pool.output.len(), pool.inputs[0].len()));
    for (output, mut row) in matrix.outer_iter_mut().enumerate() {
        let mut upstream = Tensor::zeros(pool.output.shape());
        *upstream.iter_mut().nth(output).expect("an output") = 1.0;
        let back = pool.op.backward(&pool.site(), &upstream).expect("a gradient");
        row.iter_mut().zip(&back[0]).for_each(|(entry, value)| *entry = f64::from(*value));
    }
    matrix
}

/// The relevance at the input, from 1 at the class.
fn reference(network: &Network, input: &Tensor, fold: bool, how: impl Fn(&str, &Op) -> How) -> Vec<f64> {
    let graph = network.graph();
    let shapes = graph.shapes(input.shape()).expect("shapes");
    let nodes = dense(network, input, fold);
    let mut arrived: Vec<Vec<f64>> = nodes.iter().map(|node| vec![0.0; node.output.len()]).collect();
    arrived[graph.logits().index()][CLASS] = 1.0;
    for id in graph.ids().rev().filter(|id| *id != NodeId::INPUT) {
        let node = graph.node(id);
        let channels: Vec<usize> =
            node.inputs.iter().flat_map(|read| replica::channels(&shapes[read.index()])).collect();
        let implicit = node.op.parameters().is_empty();
        let sent = nodes[id.index()].back(&how(&node.name, &node.op), &channels, implicit, &arrived[id.index()]);
        let mut rest = sent.into_iter();
        for read in &node.inputs {
            arrived[read.index()].iter_mut().for_each(|sum| *sum += rest.next().expect("a value for each input"));
        }
    }
    arrived.swap_remove(0)
}

/// The relevance at the input, as the library computes it.
fn actual(network: &Network, input: &Tensor, composite: &Composite, fold: bool) -> Vec<f64> {
    let folded = network.fold_batch_norms().expect("a folded network");
    let tape = network.forward(input, &Retain::all()).expect("a tape");
    let plan = composite.explain(if fold { &folded } else { network });
    let mut seed = Tensor::zeros(tape.logits().expect("logits").shape());
    seed[[0, CLASS]] = 1.0;
    let propagate = |id, site: &Site<'_>, upstream: &Tensor| Ok(plan.of(id).rule.propagate(site, upstream)?.inputs);
    let found: BTreeMap<NodeId, Tensor> =
        plan.network.backward(&tape, seed, &[NodeId::INPUT], propagate).expect("relevance");
    found[&NodeId::INPUT].iter().map(|r| f64::from(*r)).collect()
}

fn compare(composite: &Composite, fold: bool, how: impl Fn(&str, &Op) -> How) {
    let (network, input) = (residual(), generated_input(&[1, 3, 9, 10], 4));
    let expected = reference(&network, &input, fold, how);
    let found = actual(&network, &input, composite, fold);
    let range = expected.iter().fold(0.0, |range: f64, r| range.max(r.abs()));
    let largest = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert_eq!(expected.len(), found.len());
    assert!(range > 0.0 && largest <= 1e-5 * range, "{}: {largest} of {range}", composite.name());
}

/// What every LRP composite does at layers that are not weighted.
fn lrp(op: &Op, conv: Ratio) -> How {
    match op {
        Op::Conv2d(_) => How::Value(conv),
        Op::Linear(_) => How::Value(epsilon(EPSILON)),
        Op::Add(_) | Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) => How::Value(norm()),
        Op::Relu(_) | Op::Relu6(_) | Op::BatchNorm2d(_) => How::Pass,
        Op::MaxPool2d(_) | Op::Concat(_) | Op::Flatten(_) | Op::Dropout(_) | Op::Softmax(_) | Op::Input(_) => {
            How::Gradient
        }
    }
}

#[test]
fn lrp_composites_are_their_formulas_on_the_dense_network() {
    let first = |name: &str, first: Ratio, others: Ratio| if name == "conv1" { first } else { others };
    let bounds = Bounds::new(&[-2.0, -2.1, -2.2], &[2.0, 2.3, 2.6]);
    compare(&Composite::epsilon_plus(), true, |_, op| lrp(op, z_plus()));
    compare(&Composite::epsilon_plus_flat(), true, |name, op| lrp(op, first(name, flat(), z_plus())));
    compare(&Composite::epsilon_alpha2_beta1(), true, |_, op| lrp(op, alpha_beta(2.0)));
    compare(&Composite::epsilon_alpha2_beta1_flat(), true, |name, op| lrp(op, first(name, flat(), alpha_beta(2.0))));
    compare(&Composite::epsilon_gamma_box(&bounds), true, |name, op| lrp(op, first(name, z_box(&bounds), gamma(0.25))));
    let own: Composite = "block.conv2 = w-square; conv2d = epsilon(0.1); linear = gamma(0.5)".parse().expect("rules");
    compare(&own, true, |name, op| match name {
        "block.conv2" => How::Value(w_square()),
        "fc" => How::Value(gamma(0.5)),
        _ => lrp(op, epsilon(0.1)),
    });
}

#[test]
fn other_composites_are_their_formulas_on_the_dense_network() {
    let at_rectifiers = |op: &Op, how: How| if op.is_activation() { how } else { How::Gradient };
    compare(&Composite::guided_backprop(), false, |_, op| at_rectifiers(op, How::Guided));
    compare(&Composite::deconvnet(), false, |_, op| at_rectifiers(op, How::Deconvnet));
    compare(&Composite::new("gradient"), false, |_, _| How::Gradient);
    compare(&Composite::excitation_backprop(), false, |name, op| match name {
        "maxpool" | "flatten" => How::Gradient,
        _ if op.is_activation() => How::Gradient,
        _ if matches!(op, Op::BatchNorm2d(_)) => How::Pass,
        _ => How::Value(excitation()),
    });
}
