//! Attribution methods: each gives a [`CoarseMap`] for every image of a tape.

mod baseline;
mod batches;
mod cam;
mod contrastive_excitation_backprop;
mod excitation_backprop;
mod fused;
mod gradient;
mod lrp;
mod passes;
mod perturbation;
mod principal;
mod prism;
mod rectified_backprop;
mod registry;

use std::fmt;
use std::ops::Range;

use gradex_engine::{Graph, NodeId, Retain, Tensor};
use ndarray::{Array2, ArrayView3};

pub use baseline::Baseline;
pub use cam::{
    AblationCam, Cam, EigenCam, ElementWiseCam, GradCam, GradCamPlusPlus, HiResCam, LayerCam, ScoreCam, XGradCam,
};
pub use contrastive_excitation_backprop::ContrastiveExcitationBackprop;
pub use excitation_backprop::ExcitationBackprop;
pub use fused::{Fused, Fusion};
pub use gradient::{
    FullGrad, FullGradient, Gradient, GradientXInput, GuidedGradCam, Integrated, IntegratedGradients, Moments, Noise,
    SmoothGrad, VarGrad, channel_sum, full_gradient, guided_grad_cam, integrated_gradients, largest_magnitude,
    noisy_gradients,
};
pub use lrp::Lrp;
pub use passes::DEFAULT_BATCH;
pub use perturbation::{Occlusion, Rise};
pub use prism::Prism;
pub use rectified_backprop::RectifiedBackprop;
pub use registry::{Settings, all, find};

use gradient::map_of;

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::run::{Run, image};

/// A method as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it costs for one image and target beyond the first forward pass.
    pub cost: &'static str,
    /// Where it comes from.
    pub paper: &'static str,
}

/// An attribution method. The set is open: whatever implements this can be explained with and extrapolated.
pub trait Method: fmt::Debug + Send + Sync {
    /// Name, summary, cost and source.
    fn about(&self) -> About;

    /// The point where it is taken unless another is asked for: the end of the last convolutional stage.
    fn default_point(&self, graph: &Graph) -> NodeId {
        graph.default_point()
    }

    /// The nodes that its maps may lie on when it is taken at `point`.
    fn maps_at(&self, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    /// What the tape must keep for it.
    fn retain(&self, graph: &Graph, point: NodeId) -> Retain {
        Retain::from(point).nodes(&graph.beside(point))
    }

    /// The nodes whose gradients it will ask the run for.
    fn gradients(&self, _graph: &Graph, _point: NodeId) -> Vec<NodeId> {
        Vec::new()
    }

    /// What it runs beyond the forward pass that all methods share: plans of memory need it.
    fn work(&self) -> Work {
        Work::Walk
    }

    /// What it was told, by name, defaults included, and batches aside: whoever tells it the same again gets the same map.
    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The map of every image for its target.
    ///
    /// # Errors
    /// [`Error`] where the method cannot be applied at the point or to this network, where a pass fails,
    /// or where a map is not finite.
    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>>;
}

/// The images of a run, for a method that is taken at the input only.
fn input_only(method: &dyn Method, run: &Run<'_>, point: NodeId) -> Result<Range<usize>> {
    if point == NodeId::INPUT {
        return Ok(0..run.targets().len());
    }
    let why = format!("it is taken at `input`, not at `{}`; name no other point", run.graph().node(point).name);
    Err(Error::Inapplicable { method: method.about().name, why })
}

/// The map at `point` of each image of what arrived there, made by `of`.
fn maps(
    run: &Run<'_>,
    what: &str,
    point: NodeId,
    arrived: &Tensor,
    of: fn(ArrayView3<'_, f32>) -> Array2<f32>,
) -> Result<Vec<CoarseMap>> {
    let one = |arrived: ArrayView3<'_, f32>| map_of(what, point, of(arrived), arrived);
    image(run.graph(), point, arrived)?.outer_iter().map(one).collect()
}
