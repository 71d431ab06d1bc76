//! Which nodes are computed in one step.
//!
//! A convolution takes along the nodes behind it that its epilogue can do (a batch norm, a sum with what is there already,
//! a rectifier), as long as nobody else reads or keeps what lies between. So do these nodes among themselves. Each operation
//! of an epilogue is rounded by itself: the fused nodes give the bits that they give one by one.

use gradex_kernels::blocked::Activation;

use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// What is done to a value before it is stored, by the nodes that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fused {
    /// The batch norm whose scale and shift come first.
    pub norm: Option<NodeId>,
    /// What is added then.
    pub residual: Option<NodeId>,
    /// The last.
    pub activation: Activation,
}

/// What a plan is made for: which nodes are computed, and which must be there in the end.
pub(crate) struct Demand<'a> {
    pub graph: &'a Graph,
    pub shapes: &'a [Vec<usize>],
    /// What is given.
    pub sources: &'a [NodeId],
    /// For each node, whether it is asked for.
    pub wanted: &'a [bool],
    /// For each node, whether anything asked for depends on it.
    needed: Vec<bool>,
    /// For each node, the needed nodes that read it.
    readers: Vec<Vec<NodeId>>,
}

impl<'a> Demand<'a> {
    pub(crate) fn new(graph: &'a Graph, shapes: &'a [Vec<usize>], sources: &'a [NodeId], wanted: &'a [bool]) -> Self {
        let (mut needed, mut readers) = (wanted.to_vec(), vec![Vec::new(); wanted.len()]);
        for id in graph.ids().rev().filter(|id| !sources.contains(id)) {
            if needed[id.0] {
                for input in &graph.node(id).inputs {
                    needed[input.0] = true;
                    readers[input.0].push(id);
                }
            }
        }
        Self { graph, shapes, sources, wanted, needed, readers }
    }

    /// The nodes to compute, in order.
    pub(crate) fn computed(&self) -> impl Iterator<Item = NodeId> {
        self.graph.ids().filter(|id| self.needed[id.0] && !self.sources.contains(id))
    }

    /// Whether a node's output is an image.
    pub(crate) fn is_image(&self, id: NodeId) -> bool {
        self.shapes[id.0].len() == 4
    }

    /// The chain of nodes from `head` on that one step computes; `fused` is what the head itself asks for.
    pub(crate) fn chain(&self, head: NodeId, mut fused: Fused) -> (Vec<NodeId>, Fused) {
        let mut chain = vec![head];
        let mut last = head;
        while let Some(next) = self.only_reader(last) {
            let Some(more) = self.fuse(head, last, next, fused) else { break };
            fused = more;
            chain.push(next);
            last = next;
        }
        (chain, fused)
    }

    /// The one node that reads this one, where nobody asks for what lies between.
    fn only_reader(&self, id: NodeId) -> Option<NodeId> {
        match self.readers[id.0][..] {
            [reader] if !self.wanted[id.0] => Some(reader),
            _ => None,
        }
    }

    /// The epilogue with `next` added, where there is still room for it.
    fn fuse(&self, head: NodeId, last: NodeId, next: NodeId, fused: Fused) -> Option<Fused> {
        let node = self.graph.node(next);
        let open = fused.activation == Activation::None;
        match &node.op {
            Op::BatchNorm2d(_) => (open && fused.norm.is_none() && fused.residual.is_none())
                .then_some(Fused { norm: Some(next), ..fused }),
            Op::Add(_) => match node.inputs[..] {
                [a, b] => {
                    let other = if a == last { b } else { a };
                    // What is added must be there when the head runs.
                    let fits = open && fused.residual.is_none() && other < head;
                    fits.then_some(Fused { residual: Some(other), ..fused })
                }
                _ => None,
            },
            Op::Relu(_) => open.then_some(Fused { activation: Activation::Relu, ..fused }),
            Op::Relu6(_) => open.then_some(Fused { activation: Activation::Relu6, ..fused }),
            Op::Dropout(_) => Some(fused),
            Op::Conv2d(_)
            | Op::Input(_)
            | Op::Linear(_)
            | Op::MaxPool2d(_)
            | Op::AvgPool2d(_)
            | Op::AdaptiveAvgPool2d(_)
            | Op::Concat(_)
            | Op::Flatten(_)
            | Op::Softmax(_) => None,
        }
    }
}
