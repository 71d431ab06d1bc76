//! How a step is computed, before any weight is packed.

use gradex_kernels::blocked::{Activation, Algorithm};
use gradex_kernels::{ConvShape, Level, PoolShape};

use super::choice::Choice;
use super::fuse::{Demand, Fused};
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// What a step does.
pub(crate) enum Kind {
    Convolution(ConvShape, Algorithm, Fused),
    /// What was fused, by itself.
    Map(Fused),
    MaxPool(PoolShape),
    AveragePool(PoolShape),
    /// The output is the input.
    Same,
    /// The layer's own forward pass.
    Layer,
}

impl Graph {
    /// For each node, whether a run for the logits holds its image in rows beside its blocks: a layer without a form for
    /// blocks reads or writes it.
    pub(crate) fn in_rows(&self, shapes: &[Vec<usize>], choice: Choice) -> Result<Vec<bool>> {
        let wanted: Vec<bool> = self.ids().map(|id| id == self.logits()).collect();
        let demand = Demand::new(self, shapes, &[NodeId::INPUT], &wanted);
        let mut in_rows = vec![false; shapes.len()];
        for (nodes, kind) in demand.steps(choice)? {
            if let (Kind::Layer, [node]) = (kind, &nodes[..]) {
                let beside = self.node(*node).inputs.iter().chain([node]).filter(|id| demand.is_image(**id));
                beside.for_each(|id| in_rows[id.0] = true);
            }
        }
        Ok(in_rows)
    }
}

impl Demand<'_> {
    /// The steps in order: the nodes that each computes, and how.
    pub(crate) fn steps(&self, choice: Choice) -> Result<Vec<(Vec<NodeId>, Kind)>> {
        let level = Level::current()?;
        let mut done = vec![false; self.shapes.len()];
        let mut steps = Vec::new();
        for head in self.computed() {
            if !done[head.0] {
                let (nodes, kind) =
                    self.step(head, level, choice).map_err(|error| error.at(&self.graph.node(head).name))?;
                nodes.iter().for_each(|node| done[node.0] = true);
                steps.push((nodes, kind));
            }
        }
        Ok(steps)
    }

    fn step(&self, head: NodeId, level: Level, choice: Choice) -> Result<(Vec<NodeId>, Kind)> {
        let node = self.graph.node(head);
        let input = || {
            let input = node.inputs.first().ok_or(Error::Inputs { op: "a layer", expected: "an input", actual: 0 });
            input.map(|id| &self.shapes[id.0][..])
        };
        let map = |fused: Fused| {
            let (nodes, fused) = self.chain(head, fused);
            Ok((nodes, Kind::Map(fused)))
        };
        let alone = |kind: Kind| Ok((vec![head], kind));
        let image = self.is_image(head);
        match &node.op {
            Op::Conv2d(conv) => {
                let shape = conv.shape(input()?)?;
                let (nodes, fused) = self.chain(head, Fused::default());
                Ok((nodes, Kind::Convolution(shape, choice.of(level, &shape), fused)))
            }
            Op::BatchNorm2d(_) => map(Fused { norm: Some(head), ..Fused::default() }),
            Op::Relu(_) if image => map(Fused { activation: Activation::Relu, ..Fused::default() }),
            Op::Relu6(_) if image => map(Fused { activation: Activation::Relu6, ..Fused::default() }),
            Op::Add(_) => match node.inputs[..] {
                [_, other] if image => map(Fused { residual: Some(other), ..Fused::default() }),
                _ => alone(Kind::Layer),
            },
            Op::MaxPool2d(pool) => alone(Kind::MaxPool(pool.shape(input()?)?)),
            Op::AvgPool2d(pool) => alone(Kind::AveragePool(pool.shape(input()?)?)),
            Op::AdaptiveAvgPool2d(pool) => alone(Kind::AveragePool(pool.shape(input()?)?)),
            Op::Dropout(_) => alone(Kind::Same),
            Op::Relu(_)
            | Op::Relu6(_)
            | Op::Input(_)
            | Op::Linear(_)
            | Op::Concat(_)
            | Op::Flatten(_)
            | Op::Softmax(_) => alone(Kind::Layer),
        }
    }
}
