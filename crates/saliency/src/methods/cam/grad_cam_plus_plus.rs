//! Grad-CAM++ (A. Chattopadhay et al., WACV 2018, equations 5, 6 and 19).
//!
//! `w_c = Σ a_c max(g_c, 0)` over pixels with `a = g² / (2 g² + g³ S)` and `S = Σ x_c` over pixels, `a = 0` where `g = 0`;
//! `map = max(0, Σ_c w_c x_c)`.
//!
//! Only positive gradients count, and there `a g = g / (2 + g S)`. `S` is negative only before a rectifier; a weight whose
//! denominator is zero is zero. Implementations that add a constant to the denominator lose small gradients.

use gradex_engine::{Graph, NodeId};
use ndarray::ArrayView2;

use super::{by_channel, of_gradients, rectified};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::fold::sum;
use crate::methods::{About, Method};
use crate::run::Run;

/// Channels weighted by their positive gradients, each more where the channel has fewer of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradCamPlusPlus;

impl Method for GradCamPlusPlus {
    fn about(&self) -> About {
        About {
            name: "grad-cam++",
            summary: "channels weighted by their positive gradients, so that several objects count",
            cost: "1 backward to the point",
            paper: "Chattopadhay et al., WACV 2018",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("Grad-CAM++", run, point, |x, g| rectified(by_channel(x, g, weight)))
    }
}

fn weight(x: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>) -> f64 {
    let activation = sum(x);
    let term = |g: f64| {
        let denominator = 2.0 + g * activation;
        if denominator == 0.0 { 0.0 } else { g / denominator }
    };
    g.iter().filter(|g| **g > 0.0).map(|g| term(f64::from(*g))).sum()
}
