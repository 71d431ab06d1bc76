//! The pointing game (J. Zhang et al., "Top-Down Neural Attention by Excitation Backprop", ECCV 2016, section 4.1).
//!
//! A hit is a map whose hottest pixel, the first in row-major order, lies within a tolerance of the object's mask. Over
//! many maps the share of hits is the metric.

use ndarray::ArrayView2;

use crate::error::Result;
use crate::mask::check;

/// Pixels from the mask that still count as a hit.
pub const TOLERANCE: f64 = 15.0;

/// Whether the hottest pixel lies within `tolerance` pixels of the mask, by Euclid's distance.
///
/// # Errors
/// [`Error::Size`](crate::Error::Size) where map and mask differ, [`Error::EmptyMask`](crate::Error::EmptyMask),
/// [`Error::NonFinite`](crate::Error::NonFinite) where the map holds NaN or an infinity.
pub fn pointing_game(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>, tolerance: f64) -> Result<bool> {
    check(map, mask)?;
    let hotter = |best: ((usize, usize), f32), (place, value): ((usize, usize), &f32)| {
        if *value > best.1 { (place, *value) } else { best }
    };
    let ((row, column), _) = map.indexed_iter().fold(((0, 0), f32::NEG_INFINITY), hotter);
    let near = |(y, x): (usize, usize)| (y.abs_diff(row) as f64).hypot(x.abs_diff(column) as f64) <= tolerance;
    Ok(mask.indexed_iter().any(|(place, inside)| *inside && near(place)))
}
