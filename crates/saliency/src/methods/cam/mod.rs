//! Class activation maps: the activations at a point, each by what it does for the score.
//!
//! With `x` the point's output and `g` the gradient of the score there, both `[c, h, w]`, a map is `Σ_c w_c x_c` with a
//! weight a channel, or a sum over channels of something made of `x` and `g` at each pixel. Most cut off what is
//! negative; where the paper does not, the map is signed.

mod ablation_cam;
mod class_activation;
mod eigen_cam;
mod element_wise_cam;
mod grad_cam;
mod grad_cam_plus_plus;
mod hires_cam;
mod layer_cam;
mod score_cam;
mod xgrad_cam;

use gradex_engine::NodeId;
use ndarray::{Array2, ArrayView2, ArrayView3, Zip};

pub use ablation_cam::AblationCam;
pub use class_activation::Cam;
pub use eigen_cam::EigenCam;
pub use element_wise_cam::ElementWiseCam;
pub use grad_cam::GradCam;
pub use grad_cam_plus_plus::GradCamPlusPlus;
pub use hires_cam::HiResCam;
pub use layer_cam::LayerCam;
pub use score_cam::ScoreCam;
pub use xgrad_cam::XGradCam;

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::reason::Reason;
use crate::run::Run;

/// What `map` makes of every image's activations and gradients at `point`, `[c, h, w]` each.
fn of_gradients(
    name: &str,
    run: &Run<'_>,
    point: NodeId,
    map: impl Fn(ArrayView3<'_, f32>, ArrayView3<'_, f32>) -> Array2<f64>,
) -> Result<Vec<CoarseMap>> {
    let (activations, gradients) = (run.activation(point)?, run.gradient(point)?);
    let one_image =
        |(x, g): (ArrayView3<'_, f32>, ArrayView3<'_, f32>)| explained(name, point, x, is_silent(g), map(x, g));
    activations.outer_iter().zip(gradients.outer_iter()).map(one_image).collect()
}

/// The map made of activations `x` and a gradient, with why it is blank.
fn explained(
    name: &str,
    point: NodeId,
    x: ArrayView3<'_, f32>,
    gradient_is_zero: bool,
    map: Array2<f64>,
) -> Result<CoarseMap> {
    let why = if gradient_is_zero && !is_silent(x) { Reason::ZeroGradient } else { why_blank(x) };
    Ok(CoarseMap::new(name, point, map.mapv(|value| value as f32))?.because(why))
}

/// `Σ_c weight(x_c, g_c) x_c`.
fn by_channel(
    x: ArrayView3<'_, f32>,
    g: ArrayView3<'_, f32>,
    weight: impl Fn(ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> f64,
) -> Array2<f64> {
    let weights: Vec<f64> = x.outer_iter().zip(g.outer_iter()).map(|(x, g)| weight(x, g)).collect();
    weighted_sum(x, &weights)
}

/// `Σ_c term(x_c, g_c)` at each pixel.
fn by_pixel(x: ArrayView3<'_, f32>, g: ArrayView3<'_, f32>, term: impl Fn(f64, f64) -> f64) -> Array2<f64> {
    let (_, height, width) = x.dim();
    let mut sum = Array2::zeros((height, width));
    for (x, g) in x.outer_iter().zip(g.outer_iter()) {
        Zip::from(&mut sum).and(x).and(g).for_each(|sum, x, g| *sum += term(f64::from(*x), f64::from(*g)));
    }
    sum
}

/// `Σ_c w_c x_c`.
fn weighted_sum(x: ArrayView3<'_, f32>, weights: &[f64]) -> Array2<f64> {
    let (_, height, width) = x.dim();
    let mut sum = Array2::zeros((height, width));
    for (x, weight) in x.outer_iter().zip(weights) {
        sum.zip_mut_with(&x, |sum, x| *sum += weight * f64::from(*x));
    }
    sum
}

/// `max(0, map)`.
fn rectified(map: Array2<f64>) -> Array2<f64> {
    map.mapv_into(|value| value.max(0.0))
}

/// Why a map of these activations has no positive value, where the gradient is not to blame.
fn why_blank(activations: ArrayView3<'_, f32>) -> Reason {
    if is_silent(activations) { Reason::SilentPoint } else { Reason::NoPositiveEvidence }
}

fn is_silent(values: ArrayView3<'_, f32>) -> bool {
    values.iter().all(|value| *value == 0.0)
}
