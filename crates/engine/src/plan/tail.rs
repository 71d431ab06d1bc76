//! What a layer's transpose does beside, to the gradient at its input, while it is still in the nearest cache.
//!
//! A gradient that no other reader adds to any more goes through the rectifier that put out the input, and through the batch
//! norm before that: so neither is a pass over memory of its own.

use gradex_kernels::blocked::Activation;

use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// The nodes that a transpose goes on through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    /// What the layer reads.
    pub input: NodeId,
    /// Whether it adds what other readers of the input sent before.
    pub sums: bool,
    /// The rectifier.
    pub rectifier: Option<(NodeId, Activation)>,
    /// The batch norm.
    pub norm: Option<NodeId>,
    /// The node at whose output the gradient arrives then.
    pub lands: NodeId,
}

impl Tail {
    /// Of a layer that sends to `input` and no further.
    fn nothing(input: NodeId) -> Self {
        Self { input, sums: false, rectifier: None, norm: None, lands: input }
    }

    /// Whether the transpose does nothing beside.
    pub(crate) fn is_bare(&self) -> bool {
        !self.sums && self.rectifier.is_none() && self.norm.is_none()
    }

    /// Of a convolution `id` that reads `input`; it ends at the nodes `keep`.
    pub(crate) fn of_convolution(graph: &Graph, id: NodeId, input: NodeId, keep: &[NodeId]) -> Self {
        // Readers are visited from the last to the first.
        if keep.contains(&input) || graph.readers(input).iter().any(|reader| *reader < id) {
            return Self::nothing(input);
        }
        let tail = Self { sums: graph.readers(input).len() > 1, ..Self::nothing(input) };
        tail.rectified(graph, id).scaled(graph, id, keep)
    }

    fn scaled(self, graph: &Graph, id: NodeId, keep: &[NodeId]) -> Self {
        let norm = self.lands;
        let is_norm = matches!(graph.node(norm).op, Op::BatchNorm2d(_));
        // All that the input's readers send is there.
        let is_whole = norm == self.input || graph.readers(norm).len() == 1;
        if is_norm && !keep.contains(&norm) && is_whole && keeps_order(graph, norm, id) {
            return Self { norm: Some(norm), lands: before(graph, norm), ..self };
        }
        self
    }

    /// Of a pooling `id` that reads `input`: it is the only reader, or ends there. A norm without a rectifier goes back by itself,
    /// with the signs of its zeros.
    pub(crate) fn of_pooling(graph: &Graph, id: NodeId, input: NodeId, keep: &[NodeId]) -> Self {
        if keep.contains(&input) || graph.readers(input).len() > 1 {
            return Self::nothing(input);
        }
        let tail = Self::nothing(input).rectified(graph, id);
        if tail.rectifier.is_some() { tail.scaled(graph, id, keep) } else { tail }
    }

    fn rectified(self, graph: &Graph, id: NodeId) -> Self {
        if !keeps_order(graph, self.input, id) {
            return self;
        }
        let activation = match &graph.node(self.input).op {
            Op::Relu(_) => Activation::Relu,
            Op::Relu6(_) => Activation::Relu6,
            Op::Input(_)
            | Op::Conv2d(_)
            | Op::Linear(_)
            | Op::BatchNorm2d(_)
            | Op::MaxPool2d(_)
            | Op::AvgPool2d(_)
            | Op::AdaptiveAvgPool2d(_)
            | Op::Add(_)
            | Op::Concat(_)
            | Op::Flatten(_)
            | Op::Dropout(_)
            | Op::Softmax(_) => return self,
        };
        Self { rectifier: Some((self.input, activation)), lands: before(graph, self.input), ..self }
    }
}

/// The batch norm that alone reads a convolution, and is read by sums: no transpose can take its scale along, since a sum sends
/// to others too. The transposed weights of the convolution can.
pub(crate) fn norm_before_sum(graph: &Graph, convolution: NodeId) -> Option<NodeId> {
    let is_norm = |reader: &NodeId| matches!(graph.node(*reader).op, Op::BatchNorm2d(_));
    let norm = graph.readers(convolution).first().copied().filter(is_norm)?;
    let is_sum = |reader: &NodeId| matches!(graph.node(*reader).op, Op::Add(_));
    (graph.foldable(norm).is_some() && graph.readers(norm).iter().all(is_sum) && norm != graph.logits()).then_some(norm)
}

/// Whether what arrives in front of a node is summed in the order of the walk, though this part of it comes when `id` is visited and
/// not when the node is. Of two terms it always is.
fn keeps_order(graph: &Graph, passed: NodeId, id: NodeId) -> bool {
    let front = before(graph, passed);
    let readers = graph.readers(front);
    let terms = readers.iter().flat_map(|reader| &graph.node(*reader).inputs).filter(|input| **input == front).count();
    terms <= 2 || !readers.iter().any(|reader| (passed.0 + 1..id.0).contains(&reader.0))
}

fn before(graph: &Graph, of: NodeId) -> NodeId {
    graph.node(of).inputs.first().copied().unwrap_or(of)
}
