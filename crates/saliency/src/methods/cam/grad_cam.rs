//! Grad-CAM (R. Selvaraju et al., ICCV 2017, equations 1 and 2).
//!
//! `w_c = mean over pixels of g_c`, `map = max(0, Σ_c w_c x_c)`.

use gradex_engine::{Graph, NodeId};

use super::{by_channel, of_gradients, rectified};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::fold::sum;
use crate::methods::{About, Method};
use crate::run::Run;

/// Channels weighted by their mean gradient.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradCam;

impl Method for GradCam {
    fn about(&self) -> About {
        About {
            name: "grad-cam",
            summary: "channels weighted by their mean gradient",
            cost: "1 backward to the point",
            paper: "Selvaraju et al., ICCV 2017",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("Grad-CAM", run, point, |x, g| rectified(by_channel(x, g, |_, g| sum(g) / g.len() as f64)))
    }
}
