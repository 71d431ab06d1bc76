//! Gradual Extrapolation (T. Szandala, "Enhancing Deep Neural Network Saliency Visualizations with Gradual
//! Extrapolation", IEEE Access 9, 2021, doi 10.1109/ACCESS.2021.3093824).
//!
//! A coarse map is carried from the deepest layer to the input. At each *excitation*, an earlier layer's output `e`:
//! `h = resize(h, size of e); h = h Σ_c e_c / s(e)`. So the map takes on the shape of what excited the network there.
//! [`Extrapolation`] says over which tensors, and what else becomes of the factor than `Σ_c e_c / s(e)`.
//! Then the map is stretched to `[0, 1]`; the published code stretches `(h - mean) / std` (std unbiased), clipped to
//! `[-1, 1]`, which makes a sixth of all pixels equal to the hottest one.
//!
//! Between steps `h` is divided by its largest magnitude: a positive factor, which the last step cancels, and
//! without which products of five layers leave the range of `f32`.

mod excitations;
mod gain;
mod rule;
mod text;
mod words;

use gradex_engine::{NodeId, Tape, is_finite};
use ndarray::Array3;

pub use excitations::excitations;
pub use rule::{Evidence, Extrapolation, Finish, Scale, Skip, Tensors};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::fold::largest_magnitude;
use crate::heatmap::{Heatmap, resized};
use crate::reason::Reason;

/// Carries the coarse map of image number `image` over `excitations`, in execution order, to the input's size.
///
/// Of a map of one channel the [`Evidence`] is carried; the channels of several components keep their signs, and are
/// multiplied by the same and stretched together.
///
/// The tape must hold the channel sums of the excitations. A map without positive values gives a blank heat map with
/// the reason, as does one that the product extinguishes or that is the same everywhere.
///
/// # Errors
/// [`Error::NoSuchImage`] where the batch is smaller, [`Error::NonFinite`] where the map or the product is not finite,
/// [`Error::Engine`] where the tape lacks a channel sum.
pub fn extrapolate(
    extrapolation: Extrapolation,
    coarse: &CoarseMap,
    tape: &Tape,
    image: usize,
    excitations: &[NodeId],
) -> Result<Heatmap> {
    let size = [tape.input_shape()[2], tape.input_shape()[3]];
    let mut map = coarse.values.clone();
    let channels = map.dim().0;
    if !is_finite(map.view()) {
        return Err(Error::NonFinite { what: "coarse map".to_owned() });
    }
    if !map.iter().any(|value| *value > 0.0) {
        return Ok(Heatmap::blank(channels, size, coarse.reason.unwrap_or(Reason::NoPositiveEvidence)));
    }
    if channels == 1 && extrapolation.evidence == Evidence::Positive {
        map.mapv_inplace(|value| value.max(0.0));
    }
    if image >= tape.input_shape()[0] {
        return Err(Error::NoSuchImage { image, images: tape.input_shape()[0] });
    }
    rescale(&mut map);
    for node in excitations.iter().rev() {
        let Some(gains) = extrapolation.gains(tape.channel_sums(*node)?, image)? else {
            return Ok(Heatmap::blank(channels, size, Reason::NoActivation));
        };
        map = resized(&map, gains.dim().into())?;
        for mut channel in map.outer_iter_mut() {
            channel.zip_mut_with(&gains, |value, gain| *value *= gain);
        }
        if !rescale(&mut map) {
            return Ok(Heatmap::blank(channels, size, Reason::NoActivation));
        }
    }
    let map = resized(&map, size)?;
    match extrapolation.finish {
        Finish::Stretch => Heatmap::min_max(map),
        Finish::Score => Heatmap::min_max(clipped_score(map)),
    }
}

/// `clip((map - mean) / std, -1, 1)` with the unbiased standard deviation; zeros where that is zero.
fn clipped_score(map: Array3<f32>) -> Array3<f32> {
    let count = map.len() as f64;
    let mean = map.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let squares: f64 = map.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    if deviation > 0.0 {
        map.mapv(|value| ((f64::from(value) - mean) / deviation).clamp(-1.0, 1.0) as f32)
    } else {
        Array3::zeros(map.dim())
    }
}

/// Divides the map by its largest magnitude; false where that is zero.
fn rescale(map: &mut Array3<f32>) -> bool {
    let largest = largest_magnitude(map.view());
    if largest == 0.0 {
        return false;
    }
    map.mapv_inplace(|value| value / largest);
    true
}
