//! Grad-CAM (R. Selvaraju et al., ICCV 2017, equations 1 and 2).
//!
//! `w_c = mean over pixels of g_c`, `map = max(0, Σ_c w_c x_c)`.

use gradex_engine::{Graph, NodeId};
use ndarray::{ArrayView1, ArrayView3};

use super::{explained, rectified, weighted_sum};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
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

    fn gradients(&self, graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![graph.pooled_by(point).unwrap_or(point)]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let (activations, sums) = (run.activation(point)?, run.channel_gradient(point)?);
        let one_image = |(x, sums): (ArrayView3<'_, f32>, ArrayView1<'_, f64>)| {
            let pixels = (x.len() / x.dim().0.max(1)) as f64;
            let weights: Vec<f64> = sums.iter().map(|sum| sum / pixels).collect();
            let is_zero = weights.iter().all(|weight| *weight == 0.0);
            explained("Grad-CAM", point, x, is_zero, rectified(weighted_sum(x, &weights)))
        };
        activations.outer_iter().zip(sums.outer_iter()).map(one_image).collect()
    }
}
