//! What a planned run would do, told without a weight.

use gradex_kernels::Level;
use gradex_kernels::blocked::BLOCK;

use super::choice::Choice;
use super::fuse::Demand;
use super::step::Kind;
use crate::error::Result;
use crate::graph::{Graph, NodeId};

/// The steps of a run that keeps the logits alone, and its memory.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The steps in order.
    pub steps: Vec<PlannedStep>,
    /// Bytes of the network's own parameters.
    pub parameters: usize,
    /// Most bytes of activations that are there at once, without the zeros around images.
    pub activations: usize,
}

/// Nodes that are computed at once.
#[derive(Debug, Clone)]
pub struct PlannedStep {
    /// The nodes; the output is the last one's.
    pub nodes: Vec<NodeId>,
    /// The output's shape.
    pub output: Vec<usize>,
    /// What computes it: an algorithm for convolutions, else `map`, `max-pool`, `average-pool`, `nothing` or `layer`.
    pub by: &'static str,
    /// What speaks for an algorithm.
    pub reason: &'static str,
    /// Products of the convolution.
    pub products: usize,
    /// Bytes of packed weights.
    pub packed: usize,
}

impl Outline {
    /// Bytes of all packed weights.
    #[must_use]
    pub fn packed(&self) -> usize {
        self.steps.iter().map(|step| step.packed).sum()
    }
}

impl Graph {
    /// How a network of this architecture runs on an input of shape `[n, c, h, w]`.
    ///
    /// # Errors
    /// As [`Graph::shapes`]; [`Error::Kernel`](crate::Error::Kernel) where `GRADEX_LEVEL` names no level.
    pub fn outline(&self, input: &[usize], choice: Choice) -> Result<Outline> {
        let level = Level::current()?;
        let shapes = self.shapes(input)?;
        let wanted: Vec<bool> = self.ids().map(|id| id == self.logits()).collect();
        let demand = Demand::new(self, &shapes, &[NodeId::INPUT], &wanted);
        let describe = |(nodes, kind): (Vec<NodeId>, Kind)| {
            let output = nodes.last().map_or_else(Vec::new, |last| shapes[last.0].clone());
            planned(nodes, output, &kind, level, choice)
        };
        let steps: Vec<PlannedStep> = demand.steps(choice)?.into_iter().map(describe).collect();
        let parameters =
            self.parameters().iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>();
        let activations = self.most_alive(&steps, &shapes);
        Ok(Outline { steps, parameters: parameters * size_of::<f32>(), activations })
    }

    /// For each node the last of the steps, which compute these nodes, that reads it.
    pub(super) fn last_steps<'s>(&self, steps: impl Iterator<Item = &'s [NodeId]>) -> Vec<usize> {
        let mut last_step = vec![0; self.nodes().len()];
        for (index, nodes) in steps.enumerate() {
            nodes.iter().flat_map(|node| &self.node(*node).inputs).for_each(|read| last_step[read.0] = index);
        }
        last_step
    }

    /// Most bytes of step outputs that are there at once.
    fn most_alive(&self, steps: &[PlannedStep], shapes: &[Vec<usize>]) -> usize {
        let last_step = self.last_steps(steps.iter().map(|step| &step.nodes[..]));
        let mut alive = vec![NodeId::INPUT];
        let mut most = 0;
        for (index, step) in steps.iter().enumerate() {
            alive.extend(step.nodes.last());
            most = most.max(alive.iter().map(|id| bytes(&shapes[id.0])).sum());
            alive.retain(|id| last_step[id.0] > index);
        }
        most
    }
}

fn planned(nodes: Vec<NodeId>, output: Vec<usize>, kind: &Kind, level: Level, choice: Choice) -> PlannedStep {
    let step = |by| PlannedStep { nodes, output, by, reason: "", products: 0, packed: 0 };
    match kind {
        Kind::Convolution(shape, algorithm, _) => PlannedStep {
            reason: choice.reason(*algorithm, shape),
            products: algorithm.products(shape),
            packed: algorithm.packed_bytes(level, shape, false),
            ..step(algorithm.name())
        },
        Kind::Map(_) => step("map"),
        Kind::MaxPool(_) => step("max-pool"),
        Kind::AveragePool(_) => step("average-pool"),
        Kind::Same => step("nothing"),
        Kind::Layer => step("layer"),
    }
}

/// Bytes of a tensor; of an image in whole blocks of channels.
pub(super) fn bytes(shape: &[usize]) -> usize {
    let values: usize = match shape {
        [batch, channels, height, width] => batch * channels.next_multiple_of(BLOCK) * height * width,
        _ => shape.iter().product(),
    };
    values * size_of::<f32>()
}
