//! Which tensors a map is extrapolated over.

use gradex_engine::{Graph, NodeId, Op};

use super::Extrapolation;

/// The excitations of `mode` in execution order, for a map at `point`. `shapes` are those of all nodes
/// ([`Graph::shapes`]).
#[must_use]
pub fn excitations(mode: Extrapolation, graph: &Graph, shapes: &[Vec<usize>], point: NodeId) -> Vec<NodeId> {
    match mode {
        Extrapolation::Activated => activated(graph, shapes, point),
        Extrapolation::Published => published(graph),
        Extrapolation::None => Vec::new(),
    }
}

/// For each step that lowers the resolution on the way to `point`: the first non-negative tensor of its output
/// resolution. Before them the last non-negative tensor ahead of the first step. Of these the ones larger than the map.
fn activated(graph: &Graph, shapes: &[Vec<usize>], point: NodeId) -> Vec<NodeId> {
    let non_negative = graph.non_negative();
    let precedes = graph.leads_to(point);
    let resolution = |id: NodeId| match shapes[id.index()][..] {
        [_, _, height, width] => Some([height, width]),
        _ => None,
    };
    let pixels = |id: NodeId| resolution(id).map_or(0, |[height, width]| height * width);
    let usable: Vec<NodeId> = graph.ids().filter(|id| precedes[id.index()] && non_negative[id.index()]).collect();
    let steps: Vec<NodeId> = graph
        .ids()
        .filter(|id| precedes[id.index()])
        .filter(|id| graph.node(*id).inputs.iter().any(|input| pixels(*id) < pixels(*input)))
        .collect();

    let ahead = steps.first().and_then(|first| usable.iter().rfind(|id| *id < first));
    let after = steps.iter().filter_map(|step| usable.iter().find(|id| resolution(**id) == resolution(*step)));
    let mut chosen: Vec<NodeId> = ahead.into_iter().chain(after).copied().collect();
    chosen.sort();
    chosen.dedup();
    chosen.retain(|id| pixels(*id) > pixels(point));
    chosen
}

/// The input of the first hooked layer and the output of every hooked layer: max-pools, and convolutions whose stride,
/// compared as a pair, is greater than (1, 1).
fn published(graph: &Graph) -> Vec<NodeId> {
    let hooked: Vec<NodeId> = graph.ids().filter(|id| is_hooked(&graph.node(*id).op)).collect();
    let first = hooked.first().and_then(|first| graph.node(*first).inputs.first());
    first.into_iter().chain(&hooked).copied().collect()
}

fn is_hooked(op: &Op) -> bool {
    match op {
        Op::MaxPool2d(_) => true,
        Op::Conv2d(conv) => conv.stride > [1, 1],
        Op::Input(_)
        | Op::Linear(_)
        | Op::BatchNorm2d(_)
        | Op::Relu(_)
        | Op::Relu6(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Add(_)
        | Op::Concat(_)
        | Op::Flatten(_)
        | Op::Dropout(_)
        | Op::Softmax(_) => false,
    }
}
