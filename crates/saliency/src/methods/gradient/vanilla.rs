//! Gradient (K. Simonyan et al., ICLR workshop 2014, section 3.1): `map = max_c |g_c|`, with `g` the gradient of the
//! score at the point.

use gradex_engine::{Graph, NodeId, Retain};

use super::{largest_magnitude, map_of};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::{About, Method};
use crate::run::Run;

/// The largest derivative by a pixel's colours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gradient;

impl Method for Gradient {
    fn about(&self) -> About {
        About {
            name: "gradient",
            summary: "largest derivative of the score by a pixel's colours",
            cost: "1 backward",
            paper: "Simonyan et al., ICLR workshop 2014",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, graph: &Graph, point: NodeId) -> Retain {
        Retain::gradient(graph, point)
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let gradients = run.gradient(point)?;
        gradients.outer_iter().map(|g| map_of("gradient", point, largest_magnitude(g), g)).collect()
    }
}
