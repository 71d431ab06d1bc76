//! Planned runs: the same nodes as layer by layer, in fewer steps over images that stay in blocks of channels.
//!
//! A [`Plan`] is made for one network, one shape of input and what is asked for, once. It holds no values and no weights of
//! its own: packed weights are the network's, and so are the plans ([`packs`]). Layers without a form for blocks run as they
//! are, on row-major tensors.

mod choice;
mod fuse;
mod outline;
mod packs;
mod route;
mod run;
mod step;
mod tail;
mod value;
mod waist;
mod walk;

use std::sync::Arc;

use gradex_kernels::blocked::{Activation, Direction, Layout, PackedConv};
use gradex_kernels::{Padding, PoolShape};

pub use choice::Choice;
use fuse::{Demand, Fused};
pub use outline::{Outline, PlannedStep};
pub(crate) use packs::Packs;
use packs::Scales;
pub(crate) use route::Route;
use step::Kind;
use tail::Tail;
pub(crate) use tail::norm_before_sum;
pub(crate) use value::{Image, Value};
pub(crate) use waist::IS_SOUGHT;
pub(crate) use walk::Walk;

use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::network::Network;

/// The steps that compute what is asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    steps: Vec<Step>,
    /// How each image lies in memory; `None` for what is no image.
    layouts: Vec<Option<Layout>>,
}

/// Nodes that are computed at once.
#[derive(Debug)]
struct Step {
    /// The nodes; the output is the last one's.
    nodes: Vec<NodeId>,
    work: Work,
    /// What no step reads after it.
    frees: Vec<NodeId>,
}

/// How a step is computed.
#[derive(Debug)]
enum Work {
    Convolution(Arc<PackedConv>, Epilogue),
    /// An epilogue by itself.
    Map(Epilogue),
    MaxPool(PoolShape),
    AveragePool(PoolShape),
    /// The output is the input.
    Same,
    /// The layer's own forward pass.
    Layer,
}

/// What [`Fused`] names, with its parameters.
#[derive(Debug, Default)]
struct Epilogue {
    scales: Option<Arc<Scales>>,
    residual: Option<NodeId>,
    activation: Activation,
}

impl Step {
    fn head(&self) -> NodeId {
        self.nodes[0]
    }

    fn output(&self) -> NodeId {
        self.nodes[self.nodes.len() - 1]
    }

    /// What it reads.
    fn reads(&self, graph: &Graph) -> Vec<NodeId> {
        let inputs = &graph.node(self.head()).inputs;
        match &self.work {
            Work::Convolution(_, epilogue) | Work::Map(epilogue) => {
                inputs.first().copied().into_iter().chain(epilogue.residual).collect()
            }
            Work::MaxPool(_) | Work::AveragePool(_) | Work::Same | Work::Layer => inputs.clone(),
        }
    }
}

impl Plan {
    /// The plan that computes the nodes `wanted` from given values of `sources`.
    ///
    /// # Errors
    /// [`Error::Node`] where a node cannot take what reaches it.
    pub(crate) fn new(network: &Network, shapes: &[Vec<usize>], sources: &[NodeId], wanted: &[bool]) -> Result<Self> {
        let graph = network.graph();
        let demand = Demand::new(graph, shapes, sources, wanted);
        let packed = |(nodes, kind): (Vec<NodeId>, Kind)| {
            let head = nodes[0];
            let work = pack(network, head, kind).map_err(|error| error.at(&graph.node(head).name))?;
            Ok(Step { nodes, work, frees: Vec::new() })
        };
        let steps = demand.steps(network.choice())?.into_iter().map(packed).collect::<Result<_>>()?;
        let mut plan = Self { steps, layouts: layouts(shapes) };
        plan.leave_planes(graph, sources);
        plan.widen_halos(graph);
        plan.free(graph);
        Ok(plan)
    }

    /// What is given stays row-major where all that reads it are convolutions that do so.
    fn leave_planes(&mut self, graph: &Graph, sources: &[NodeId]) {
        for source in sources {
            let mut readers = self.steps.iter().filter(|step| step.reads(graph).contains(source));
            let in_planes = |step: &Step| match &step.work {
                Work::Convolution(conv, epilogue) => conv.reads_planes() && epilogue.residual != Some(*source),
                Work::Map(_) | Work::MaxPool(_) | Work::AveragePool(_) | Work::Same | Work::Layer => false,
            };
            if readers.all(in_planes) {
                self.layouts[source.0] = None;
            }
        }
    }

    /// Every image gets the zeros that the convolutions that read it need around it.
    fn widen_halos(&mut self, graph: &Graph) {
        for index in (0..self.steps.len()).rev() {
            let step = &self.steps[index];
            let Some(input) = step.reads(graph).first().copied() else { continue };
            let (Some(read), Some(written)) = (self.layouts[input.0], self.layouts[step.output().0]) else { continue };
            let needed = match &step.work {
                Work::Convolution(conv, _) => conv.halo(read.size, written.size),
                Work::Same => written.halo,
                Work::Map(_) | Work::MaxPool(_) | Work::AveragePool(_) | Work::Layer => Padding::default(),
            };
            self.layouts[input.0] = Some(Layout { halo: read.halo.and(needed), ..read });
        }
    }

    /// Every step frees what it is the last to read, and its output if nobody reads that.
    fn free(&mut self, graph: &Graph) {
        let mut read_later = vec![false; graph.nodes().len()];
        for step in self.steps.iter_mut().rev() {
            let mut frees = step.reads(graph);
            frees.push(step.output());
            frees.retain(|id| !std::mem::replace(&mut read_later[id.0], true));
            step.frees = frees;
        }
    }
}

/// The layouts of all images, without halos.
fn layouts(shapes: &[Vec<usize>]) -> Vec<Option<Layout>> {
    let layout = |shape: &Vec<usize>| match shape[..] {
        [batch, channels, height, width] => {
            Some(Layout { batch, channels, size: [height, width], halo: Padding::default() })
        }
        _ => None,
    };
    shapes.iter().map(layout).collect()
}

/// The parameters of a step, packed.
fn pack(network: &Network, head: NodeId, kind: Kind) -> Result<Work> {
    Ok(match kind {
        Kind::Convolution(shape, algorithm, fused) => {
            let params = network.params(head);
            let packed = network.packs().conv((head, params), &shape, Direction::Forward, algorithm, None)?;
            let is_kept_once = network.choice() == Choice::Exact || packed.keeps_halves();
            if let Some(weight) = params.weight.as_ref().filter(|_| is_kept_once) {
                weight.keep_packed(&packed);
            }
            Work::Convolution(packed, epilogue(network, fused)?)
        }
        Kind::Map(fused) => Work::Map(epilogue(network, fused)?),
        Kind::MaxPool(shape) => Work::MaxPool(shape),
        Kind::AveragePool(shape) => Work::AveragePool(shape),
        Kind::Same => Work::Same,
        Kind::Layer => Work::Layer,
    })
}

fn epilogue(network: &Network, fused: Fused) -> Result<Epilogue> {
    let scales = fused.norm.map(|norm| network.packs().scales(norm, network.params(norm))).transpose()?;
    Ok(Epilogue { scales, residual: fused.residual, activation: fused.activation })
}
