//! Pixels in the order of their heat.

use gradex_saliency::Random;
use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};

/// The row-major places of a map's pixels, hottest first. Of equally hot ones the order is random and always the same, so
/// that a map with large flat parts is not read from top to bottom.
///
/// # Errors
/// [`Error::NonFinite`] where the map holds NaN or an infinity.
pub fn hottest_first(map: ArrayView2<'_, f32>) -> Result<Vec<usize>> {
    let heat: Vec<f32> = map.iter().copied().collect();
    if !heat.iter().all(|value| value.is_finite()) {
        return Err(Error::NonFinite { what: "map" });
    }
    let ties = Random::stream(0, 0);
    // Adding zero makes one zero of both.
    let key = |place: &usize| (heat[*place] + 0.0, ties.bits(*place as u64));
    let mut places: Vec<usize> = (0..heat.len()).collect();
    places.sort_by(|a, b| {
        let ((a, a_tie), (b, b_tie)) = (key(a), key(b));
        b.total_cmp(&a).then(a_tie.cmp(&b_tie))
    });
    Ok(places)
}

/// Checks that the map has the image's size.
pub(crate) fn check_size(image: ArrayView3<'_, f32>, map: ArrayView2<'_, f32>) -> Result<()> {
    let expected = image.shape()[1..].to_vec();
    if map.shape() == expected {
        return Ok(());
    }
    Err(Error::Size { what: "map", expected, actual: map.shape().to_vec() })
}
