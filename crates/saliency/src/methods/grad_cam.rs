//! Grad-CAM (R. Selvaraju et al., ICCV 2017, equations 1 and 2).
//!
//! With `x` the point's output and `g` the gradient of the score there:
//! `w_c = mean over pixels of g_c`, `map = max(0, Σ_c w_c x_c)`.
//! Activation and gradient are taken at the same point, the output of one named node.

use gradex_engine::{Graph, NodeId};
use ndarray::{Array2, ArrayView3, Axis};

use super::{About, Method};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::reason::Reason;
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
        let (activations, gradients) = (run.activation(point)?, run.gradient(point)?);
        let images = activations.outer_iter().zip(gradients.outer_iter());
        images.map(|(x, g)| one_image(point, x, g)).collect()
    }
}

fn one_image(point: NodeId, activations: ArrayView3<'_, f32>, gradients: ArrayView3<'_, f32>) -> Result<CoarseMap> {
    let (_, height, width) = activations.dim();
    let mut values = Array2::zeros((height, width));
    for (x, g) in activations.axis_iter(Axis(0)).zip(gradients.axis_iter(Axis(0))) {
        values.scaled_add(g.mean().unwrap_or(0.0), &x);
    }
    let silent = gradients.iter().all(|value| *value == 0.0);
    let reason = if silent { Reason::ZeroGradient } else { Reason::NoPositiveEvidence };
    let mut map = CoarseMap::new("Grad-CAM", point, values)?.because(reason);
    map.values.mapv_inplace(|value| value.max(0.0));
    Ok(map)
}
