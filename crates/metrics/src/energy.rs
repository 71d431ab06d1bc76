//! The energy-based pointing game (H. Wang et al., "Score-CAM", CVPR workshops 2020, section 4.3).
//!
//! `energy = Σ over the mask of max(0, map) / Σ of max(0, map)`: how much of the evidence lies on the object.

use ndarray::{ArrayView2, Zip};

use crate::error::Result;
use crate::mask::check;

/// The share of the map's positive part that lies inside the mask; none where nothing is positive.
///
/// # Errors
/// [`Error::Size`](crate::Error::Size) where map and mask differ, [`Error::EmptyMask`](crate::Error::EmptyMask),
/// [`Error::NonFinite`](crate::Error::NonFinite) where the map holds NaN or an infinity.
pub fn energy(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>) -> Result<Option<f64>> {
    check(map, mask)?;
    let positive = |value: f32| f64::from(value.max(0.0));
    let inside =
        Zip::from(map).and(mask).fold(0.0, |sum, value, inside| sum + if *inside { positive(*value) } else { 0.0 });
    let all: f64 = map.iter().map(|value| positive(*value)).sum();
    Ok((all > 0.0).then(|| inside / all))
}
