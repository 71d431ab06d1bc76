//! The memory of explanations, planned before anything is read: from architecture, input size, methods and batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use gradex_engine::{Choice, Footprint, Graph, Layer, NodeId, Op, Retain};

use crate::error::Result;
use crate::explainer::retain;
use crate::extrapolate::Extrapolation;
use crate::methods::Method;
use crate::shared::TOGETHER;

/// What a method runs beyond the forward pass that all share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// At most one walk back over the tape to its point.
    Walk,
    /// Walks under rules, which look at parts of parameters and inputs, over the network with folded batch norms.
    Relevance {
        /// So many side by side.
        walks: usize,
        /// Whether rules may copy the weights of linear layers: most take the parts that they need while they read.
        copies: bool,
    },
    /// Forward passes of so many images at once.
    Scores(usize),
    /// Passes of so many images at once, forward and back to the input.
    Gradients(usize),
}

/// Bytes that the explanations of one input take, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The parameters, but those of which only the copy is kept.
    pub parameters: usize,
    /// Their copies in the order in which kernels read them, and with folded batch norms.
    pub copies: usize,
    /// What the forward pass keeps for all methods.
    pub tape: usize,
    /// The most that any pass holds beyond it.
    pub passes: usize,
}

impl Memory {
    /// What explanations by these methods take of one input `[1, c, h, w]`, all at `point` or each at its own, with
    /// convolutions as `choice` says.
    ///
    /// # Errors
    /// As [`Explainer::retain`](crate::Explainer::retain).
    pub fn plan(
        graph: &Graph,
        methods: &[Arc<dyn Method>],
        point: Option<NodeId>,
        extrapolation: Extrapolation,
        input: &[usize],
        choice: Choice,
    ) -> Result<Self> {
        let point_of = |method: &Arc<dyn Method>| point.unwrap_or_else(|| method.default_point(graph));
        let retain = retain(graph, methods, point, extrapolation, input)?;
        let Footprint { parameters, packed_alone, packed, packing, tape, forward, .. } =
            graph.footprint(input, &retain, &[], choice)?;
        let parameters = parameters - packed_alone;
        let mut memory = Self { parameters, copies: packed + packing, tape, passes: forward };
        let (mut gradients, mut pools) = (vec![], BTreeMap::new());
        for method in methods {
            match method.work() {
                Work::Walk => {
                    let point = point_of(method);
                    let asked = method.gradients(graph, point);
                    for on in method.maps_at(point).into_iter().chain([point]) {
                        if let Some(linear) = graph.pooled_by(on).filter(|linear| asked.contains(linear)) {
                            pools.insert(linear, pooled(graph, input, on, linear)?);
                        }
                    }
                    gradients.extend(asked.into_iter().chain([point]));
                }
                Work::Relevance { walks, copies } => {
                    let backward = graph.footprint(input, &retain, &[point_of(method)], choice)?.backward;
                    memory.copies = memory.copies.max(2 * packed + packing + folded(graph));
                    // What the largest layer has, its positive and negative parts, and what they give.
                    let largest = graph.largest_weight(|op| copies || !matches!(op, Op::Linear(_)));
                    memory.passes = memory.passes.max(3 * walks * backward + 3 * largest);
                }
                Work::Scores(batch) => memory = memory.with_scores(graph, input, batch, choice)?,
                Work::Gradients(batch) => {
                    let (batch, retain) = (of_batch(input, batch), Retain::gradient(graph, NodeId::INPUT));
                    let batch = graph.footprint(&batch, &retain, &[NodeId::INPUT], choice)?;
                    memory.copies = memory.copies.max(2 * packed + packing);
                    memory.passes = memory.passes.max(batch.tape + with_idle(batch.forward.max(batch.backward)));
                }
            }
        }
        if !gradients.is_empty() {
            let backward = graph.footprint(input, &retain, &gradients, choice)?.backward + descents(graph, input)?;
            memory.passes = memory.passes.max(backward);
            memory.copies = memory.copies.max(2 * packed + packing);
        }
        memory.copies += pools.into_values().sum::<usize>();
        Ok(memory)
    }

    /// And forward passes of so many such images at once, of which only the logits count.
    ///
    /// # Errors
    /// As [`Explainer::retain`](crate::Explainer::retain).
    pub fn with_scores(self, graph: &Graph, input: &[usize], batch: usize, choice: Choice) -> Result<Self> {
        let alive = graph.alive_for_logits(&of_batch(input, batch), choice)?;
        // And freed memory that does not fit what comes next.
        Ok(Self { passes: self.passes.max(alive + alive / 4), ..self })
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        self.parameters + self.copies + self.tape + self.passes
    }
}

/// Bytes that are alive in a batch's pass; the images that were made for it, each thread's share of them, and freed memory that
/// does not fit what comes next.
fn with_idle(alive: usize) -> usize {
    alive + alive / 2
}

/// Bytes of the gradients that leave the classifier together: at a layer's output and input, each stacked and apart.
fn descents(graph: &Graph, input: &[usize]) -> Result<usize> {
    let shapes = graph.shapes(input)?;
    let sizes = shapes.iter().filter(|shape| shape.len() != 4).map(|shape| shape.iter().product::<usize>());
    Ok(4 * TOGETHER * size_of::<f32>() * sizes.max().unwrap_or(0))
}

/// Bytes of the weight by which the layer `linear` gives the gradient at a point summed over pixels: its own where the point
/// has none to sum.
fn pooled(graph: &Graph, input: &[usize], point: NodeId, linear: NodeId) -> Result<usize> {
    let Op::Linear(layer) = &graph.node(linear).op else { return Ok(0) };
    let channels = graph.shapes(input)?[point.index()].get(1).copied().unwrap_or(0);
    Ok(if channels == layer.in_features { 0 } else { size_of::<f32>() * channels * layer.out_features })
}

/// Bytes of the parameters that folding batch norms makes anew: those of linear layers stay shared.
fn folded(graph: &Graph) -> usize {
    let nodes = graph.nodes().iter().filter(|node| !matches!(node.op, Op::Linear(_)));
    let sizes = nodes.flat_map(|node| node.op.parameters()).map(|(_, shape)| shape.iter().product::<usize>());
    size_of::<f32>() * sizes.sum::<usize>()
}

/// The shape of `batch` such inputs.
fn of_batch(input: &[usize], batch: usize) -> Vec<usize> {
    input.iter().enumerate().map(|(axis, size)| if axis == 0 { batch } else { *size }).collect()
}
