//! XGrad-CAM (R. Fu et al., BMVC 2020, equation 7).
//!
//! `w_c = Σ g_c x_c / (Σ x_c + 1e-7)` over pixels, `map = max(0, Σ_c w_c x_c)`: after a rectifier the mean gradient of
//! each channel, every pixel counted by its share of the activation. The constant keeps a silent channel's weight zero.

use gradex_engine::{Graph, NodeId};
use ndarray::ArrayView2;

use super::{by_channel, of_gradients, rectified};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::fold::sum;
use crate::methods::{About, Method};
use crate::run::Run;

/// Channels weighted by the gradient where they are active.
#[derive(Debug, Clone, Copy, Default)]
pub struct XGradCam;

impl Method for XGradCam {
    fn about(&self) -> About {
        About {
            name: "xgrad-cam",
            summary: "channels weighted by the gradient where they are active",
            cost: "1 backward to the point",
            paper: "Fu et al., BMVC 2020",
        }
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        of_gradients("XGrad-CAM", run, point, |x, g| rectified(by_channel(x, g, weight)))
    }
}

fn weight(x: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>) -> f64 {
    let product: f64 = x.iter().zip(g).map(|(x, g)| f64::from(*x) * f64::from(*g)).sum();
    product / (sum(x) + 1e-7)
}
