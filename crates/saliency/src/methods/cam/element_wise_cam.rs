//! Element-wise Grad-CAM: `GradCAMElementWise` of pytorch-grad-cam (J. Gildenblat et al.), which names no paper.
//!
//! `map = Σ_c max(g_c x_c, 0)`: what speaks against the score at a pixel takes nothing from what speaks for it.

use gradex_engine::{Graph, NodeId};

use super::{by_pixel, of_gradients};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::{About, Method};
use crate::run::Run;

/// The positive part of gradient times activation, summed over channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct ElementWiseCam;

impl Method for ElementWiseCam {
    fn about(&self) -> About {
        About {
            name: "element-wise-cam",
            summary: "the positive part of gradient times activation, summed over channels",
            cost: "1 backward to the point",
            paper: "pytorch-grad-cam's GradCAMElementWise, no paper",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("element-wise Grad-CAM", run, point, |x, g| by_pixel(x, g, |x, g| (g * x).max(0.0)))
    }
}
