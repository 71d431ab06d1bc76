//! Which tensors a map is extrapolated over.

use gradex_engine::{Graph, NodeId, Op};

use super::rule::{Extrapolation, Skip, Tensors};

/// The excitations in execution order, for a map at `point`. `shapes` are those of all nodes ([`Graph::shapes`]).
#[must_use]
pub fn excitations(extrapolation: Extrapolation, graph: &Graph, shapes: &[Vec<usize>], point: NodeId) -> Vec<NodeId> {
    let way = Way::to(graph, shapes, point);
    let mut chosen = match extrapolation.tensors {
        Tensors::None => Vec::new(),
        Tensors::First | Tensors::Finest | Tensors::Coarsest => way.first_after_steps(graph),
        Tensors::Last => way.last_of_resolutions(),
        Tensors::Every => way.usable.clone(),
        Tensors::Strided => strided(graph),
    };
    let map = way.pixels(point);
    chosen.retain(|id| match extrapolation.skip {
        Skip::NotLarger => way.pixels(*id) > map,
        Skip::Smaller => way.pixels(*id) >= map,
        Skip::Never => true,
    });
    match extrapolation.tensors {
        Tensors::Finest => chosen.truncate(1),
        Tensors::Coarsest => drop(chosen.drain(..chosen.len().saturating_sub(1))),
        Tensors::None | Tensors::First | Tensors::Last | Tensors::Every | Tensors::Strided => {}
    }
    chosen
}

/// The nodes that a point depends on.
struct Way<'s> {
    shapes: &'s [Vec<usize>],
    nodes: Vec<NodeId>,
    /// Those of them whose tensors are never negative.
    usable: Vec<NodeId>,
}

impl<'s> Way<'s> {
    fn to(graph: &Graph, shapes: &'s [Vec<usize>], point: NodeId) -> Self {
        let (precedes, non_negative) = (graph.leads_to(point), graph.non_negative());
        let nodes: Vec<NodeId> = graph.ids().filter(|id| precedes[id.index()]).collect();
        let usable = nodes.iter().copied().filter(|id| non_negative[id.index()]).collect();
        Self { shapes, nodes, usable }
    }

    fn resolution(&self, id: NodeId) -> Option<[usize; 2]> {
        match self.shapes[id.index()][..] {
            [_, _, height, width] => Some([height, width]),
            _ => None,
        }
    }

    fn pixels(&self, id: NodeId) -> usize {
        self.resolution(id).map_or(0, |[height, width]| height * width)
    }

    /// For each step that lowers the resolution: the first usable tensor of its output resolution. Before them the last
    /// usable tensor ahead of the first step.
    fn first_after_steps(&self, graph: &Graph) -> Vec<NodeId> {
        let lowers = |id: &&NodeId| graph.node(**id).inputs.iter().any(|input| self.pixels(**id) < self.pixels(*input));
        let steps: Vec<NodeId> = self.nodes.iter().filter(lowers).copied().collect();
        let ahead = steps.first().and_then(|first| self.usable.iter().rfind(|id| *id < first));
        let alike = |step: &NodeId| self.usable.iter().find(|id| self.resolution(**id) == self.resolution(*step));
        let mut chosen: Vec<NodeId> = ahead.into_iter().chain(steps.iter().filter_map(alike)).copied().collect();
        chosen.sort();
        chosen.dedup();
        chosen
    }

    fn last_of_resolutions(&self) -> Vec<NodeId> {
        let is_last = |id: &NodeId| {
            let mut later = self.usable.iter().filter(|later| *later > id);
            !later.any(|later| self.resolution(*later) == self.resolution(*id))
        };
        self.usable.iter().copied().filter(is_last).collect()
    }
}

/// The input of the first hooked layer and the output of every hooked layer: max-pools, and convolutions whose stride,
/// compared as a pair, is greater than (1, 1).
fn strided(graph: &Graph) -> Vec<NodeId> {
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
