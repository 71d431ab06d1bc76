//! A map and the mask of an object, both `[h, w]`.

use ndarray::ArrayView2;

use crate::error::{Error, Result};

/// Checks that they fit, that the mask shows something and that the map is finite.
pub(crate) fn check(map: ArrayView2<'_, f32>, mask: ArrayView2<'_, bool>) -> Result<()> {
    if map.dim() != mask.dim() {
        let (expected, actual) = (map.shape().to_vec(), mask.shape().to_vec());
        return Err(Error::Size { what: "mask", expected, actual });
    }
    if !mask.iter().any(|inside| *inside) {
        return Err(Error::EmptyMask);
    }
    if map.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(Error::NonFinite { what: "map" }) }
}
