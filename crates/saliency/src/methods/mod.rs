//! Attribution methods: each gives a [`CoarseMap`] for every image of a tape.

mod grad_cam;
mod registry;

use std::fmt;

use gradex_engine::{Graph, NodeId, Retain};

pub use grad_cam::GradCam;
pub use registry::{Settings, all, find};

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::run::Run;

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
    fn retain(&self, _graph: &Graph, point: NodeId) -> Retain {
        Retain::from(point)
    }

    /// The nodes whose gradients it will ask the run for.
    fn gradients(&self, _graph: &Graph, _point: NodeId) -> Vec<NodeId> {
        Vec::new()
    }

    /// The map of every image for its target.
    ///
    /// # Errors
    /// [`Error`](crate::Error) where the method cannot be applied at the point or to this network, where a pass fails,
    /// or where a map is not finite.
    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>>;
}
