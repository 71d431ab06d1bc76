//! HiResCAM (R. Draelos, L. Carin, arXiv 2011.08891, equation 4).
//!
//! `map = Σ_c g_c x_c`, signed: where everything behind the point is linear, its sum is the score less what biases add.

use gradex_engine::{Graph, NodeId};

use super::{by_pixel, of_gradients};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::{About, Method};
use crate::run::Run;

/// Gradient times activation, summed over channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct HiResCam;

impl Method for HiResCam {
    fn about(&self) -> About {
        About {
            name: "hires-cam",
            summary: "gradient times activation at each pixel, signed",
            cost: "1 backward to the point",
            paper: "Draelos and Carin, 2020",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("HiResCAM", run, point, |x, g| by_pixel(x, g, |x, g| g * x))
    }
}
