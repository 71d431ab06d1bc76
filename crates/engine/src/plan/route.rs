//! The way of a gradient: how it lies at each image, and the transposed weights that it meets. It depends on shapes alone.

use std::sync::Arc;

use gradex_kernels::blocked::{Direction, Layout, PackedConv};
use gradex_kernels::{Level, Padding};

use super::{Choice, Tail, layouts, norm_before_sum};
use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::network::Network;
use crate::op::Op;

/// The way back to some nodes.
#[derive(Debug)]
pub(crate) struct Route {
    /// Of all nodes' outputs.
    pub(crate) shapes: Vec<Vec<usize>>,
    /// How the gradient at each image lies in memory; `None` for what is no image.
    pub(super) layouts: Vec<Option<Layout>>,
    pub(super) convs: Vec<Option<(Arc<PackedConv>, Tail)>>,
    /// Which nodes gradients go on to.
    wanted: Vec<bool>,
}

impl Route {
    /// The way to the nodes `keep`, for tensors of these shapes.
    pub(crate) fn new(network: &Network, shapes: Vec<Vec<usize>>, keep: &[NodeId]) -> Result<Self> {
        let graph = network.graph();
        let (layouts, convs) = (layouts(&shapes), vec![None; shapes.len()]);
        let mut route = Self { shapes, layouts, convs, wanted: graph.depend_on(keep) };
        for id in graph.ids() {
            if route.goes_on(graph, id) {
                route.prepare(network, keep, id).map_err(|error| error.at(&graph.node(id).name))?;
            }
        }
        Ok(route)
    }

    /// Whether the gradient that a node is sent stays as it is: nobody adds to it, and nobody reads it in blocks.
    pub(super) fn is_end(&self, graph: &Graph, id: NodeId) -> bool {
        !self.goes_on(graph, id) && graph.readers(id).len() == 1
    }

    /// Whether a node sends anything.
    fn goes_on(&self, graph: &Graph, id: NodeId) -> bool {
        graph.node(id).inputs.iter().any(|input| self.wanted[input.0])
    }

    /// The transposed weights of a node, and the zeros around the gradient that it reads.
    fn prepare(&mut self, network: &Network, keep: &[NodeId], id: NodeId) -> Result<()> {
        let node = network.graph().node(id);
        let halo = match &node.op {
            Op::Conv2d(conv) => {
                let shape = conv.shape(node.inputs.first().map_or(&[][..], |input| &self.shapes[input.0]))?;
                let algorithm = network.choice().of(Level::current()?, &shape);
                let norm = taken_in(network, id).map(|norm| (norm, network.params(norm)));
                let conv = (id, network.params(id));
                let packed = network.packs().conv(conv, &shape, Direction::Transposed, algorithm, norm)?;
                let halo = packed.halo(shape.output, shape.input);
                let input = node.inputs.first().copied().unwrap_or(NodeId::INPUT);
                self.convs[id.0] = Some((packed, Tail::of_convolution(network.graph(), id, input, keep)));
                halo
            }
            Op::BatchNorm2d(_) | Op::Relu(_) | Op::Relu6(_) | Op::Add(_) | Op::Dropout(_) => {
                let inputs = node.inputs.iter().filter_map(|input| self.layouts[input.0]);
                inputs.fold(Padding::default(), |all, input| all.and(input.halo))
            }
            Op::MaxPool2d(_)
            | Op::AvgPool2d(_)
            | Op::AdaptiveAvgPool2d(_)
            | Op::Input(_)
            | Op::Linear(_)
            | Op::Concat(_)
            | Op::Flatten(_)
            | Op::Softmax(_) => Padding::default(),
        };
        self.layouts[id.0] = self.layouts[id.0].map(|layout| Layout { halo, ..layout });
        Ok(())
    }
}

/// The norm whose scale the transposed weights of a convolution take in. Exact walks round as the layers do.
pub(super) fn taken_in(network: &Network, convolution: NodeId) -> Option<NodeId> {
    let is_exact = network.choice() == Choice::Exact;
    norm_before_sum(network.graph(), convolution).filter(|_| !is_exact)
}
