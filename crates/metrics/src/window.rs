//! A rectangle of an array `[h, w]`.

use ndarray::{AxisDescription, Slice};

/// For `slice_each_axis`: `height` rows from `top`, `width` columns from `left`.
pub(crate) fn window([top, left]: [usize; 2], [height, width]: [usize; 2]) -> impl Fn(AxisDescription) -> Slice + Copy {
    move |AxisDescription { axis, .. }| match axis.index() {
        0 => Slice::from(top..top + height),
        _ => Slice::from(left..left + width),
    }
}
