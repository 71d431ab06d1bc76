//! LayerCAM (P.-T. Jiang et al., IEEE Transactions on Image Processing 30, 2021, equations 4 to 6).
//!
//! `map = max(0, Σ_c max(g_c, 0) x_c)`: made for shallow points, where one weight a channel is too coarse.

use gradex_engine::{Graph, NodeId};

use super::{by_pixel, of_gradients, rectified};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::{About, Method};
use crate::run::Run;

/// Activations weighted by the positive gradient at each pixel.
#[derive(Debug, Clone, Copy, Default)]
pub struct LayerCam;

impl Method for LayerCam {
    fn about(&self) -> About {
        About {
            name: "layer-cam",
            summary: "activations weighted by the positive gradient at each pixel",
            cost: "1 backward to the point",
            paper: "Jiang et al., TIP 2021",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("LayerCAM", run, point, |x, g| rectified(by_pixel(x, g, |x, g| g.max(0.0) * x)))
    }
}
