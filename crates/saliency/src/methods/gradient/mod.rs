//! Methods of the gradient at the pixels.
//!
//! Each has a raw attribution `[c, h, w]`, one number a colour of a pixel, and a map `[h, w]` made of it: the signed sum
//! over colours where the attributions are parts of the score, the largest magnitude where they are sensitivities.

mod full_grad;
mod gradient_x_input;
mod guided_grad_cam;
mod integrated_gradients;
mod noisy_gradients;
mod vanilla;

use gradex_engine::NodeId;
use ndarray::{Array2, ArrayView3, Axis};

pub use full_grad::{FullGrad, FullGradient, full_gradient};
pub use gradient_x_input::GradientXInput;
pub use guided_grad_cam::{GuidedGradCam, guided_grad_cam};
pub use integrated_gradients::{Integrated, IntegratedGradients, integrated_gradients};
pub use noisy_gradients::{Moments, Noise, SmoothGrad, VarGrad, noisy_gradients};
pub use vanilla::Gradient;

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::reason::Reason;

/// `max_c |a_c|` of an attribution `[c, h, w]`: how much a pixel matters, whichever way.
#[must_use]
pub fn largest_magnitude(attribution: ArrayView3<'_, f32>) -> Array2<f32> {
    attribution.fold_axis(
        Axis(0),
        0.0,
        |largest: &f32, value| if value.abs() <= *largest { *largest } else { value.abs() },
    )
}

/// `Σ_c a_c` of an attribution `[c, h, w]`: a pixel's part of the score.
#[must_use]
pub fn channel_sum(attribution: ArrayView3<'_, f32>) -> Array2<f32> {
    attribution.sum_axis(Axis(0))
}

/// A map with the reason for its being blank, which is another where what it is made of is zero everywhere.
pub(super) fn map_of(
    what: &str,
    point: NodeId,
    values: Array2<f32>,
    made_of: ArrayView3<'_, f32>,
) -> Result<CoarseMap> {
    let silent = made_of.iter().all(|value| *value == 0.0);
    let reason = if silent { Reason::ZeroGradient } else { Reason::NoPositiveEvidence };
    Ok(CoarseMap::new(what, point, values)?.because(reason))
}
