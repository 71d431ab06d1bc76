//! Intersection over union of a thresholded map and a mask (B. Zhou et al., CVPR 2016, section 3.2, take 20 % of the
//! largest value).
//!
//! `iou = |{map >= t max} ∩ mask| / |{map >= t max} ∪ mask|`.

use ndarray::{ArrayView2, Zip};

use crate::error::{Error, Result};
use crate::mask::check;

/// The part of the largest value from which a pixel counts, unless another is asked for.
pub const THRESHOLD: f32 = 0.2;

/// The overlap; none where nothing of the map is positive.
///
/// # Errors
/// [`Error::Setting`] where the threshold leaves `(0, 1]`, [`Error::Size`] where map and mask differ,
/// [`Error::EmptyMask`], [`Error::NonFinite`] where the map holds NaN or an infinity.
pub fn iou(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>, threshold: f32) -> Result<Option<f64>> {
    check(map, mask)?;
    if !(threshold > 0.0 && threshold <= 1.0) {
        let why = format!("{threshold} of the largest value: take more than 0 and at most 1");
        return Err(Error::Setting { what: "threshold", why });
    }
    let largest = map.iter().copied().fold(0.0, f32::max);
    let (mut both, mut either) = (0usize, 0usize);
    Zip::from(map).and(mask).for_each(|value, inside| {
        let hot = *value >= threshold * largest;
        both += usize::from(hot && *inside);
        either += usize::from(hot || *inside);
    });
    Ok((largest > 0.0).then(|| both as f64 / either as f64))
}
