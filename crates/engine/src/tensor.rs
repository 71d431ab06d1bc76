//! The one kind of number array: `f32`, dense, row-major; images are `[n, c, h, w]`.

use std::borrow::Cow;
use std::ops::Sub;

use ndarray::{ArrayD, ArrayView, Dimension, IxDyn};

use crate::error::{Error, Result};

/// A dense array of `f32`.
pub type Tensor = ArrayD<f32>;

/// The values in row-major order: borrowed where the tensor is laid out so, copied where it is a view of another layout.
#[must_use]
pub fn values(tensor: &Tensor) -> Cow<'_, [f32]> {
    tensor.as_slice().map_or_else(|| tensor.iter().copied().collect(), Cow::Borrowed)
}

/// Whether no value is NaN or infinite.
#[must_use]
#[expect(clippy::eq_op, reason = "what is taken from itself is zero, but for NaN and infinities")]
pub fn is_finite<T: Copy + Sub<Output = T> + PartialEq + Default, D: Dimension>(values: ArrayView<'_, T, D>) -> bool {
    let finite = |value: &T| *value - *value == T::default();
    match values.as_slice_memory_order() {
        // Without a way out within a chunk, so that it is compiled to vectors.
        Some(values) => values.chunks(1024).all(|chunk| chunk.iter().fold(true, |all, value| all & finite(value))),
        None => values.iter().all(finite),
    }
}

/// A tensor of `shape` from its row-major values.
pub(crate) fn tensor(shape: &[usize], values: Vec<f32>) -> Result<Tensor> {
    let actual = values.len();
    Tensor::from_shape_vec(IxDyn(shape), values).map_err(|_| Error::Values { shape: shape.to_vec(), actual })
}

/// Zeros of `shape`.
pub(crate) fn zeros(shape: &[usize]) -> Vec<f32> {
    vec![0.0; shape.iter().product()]
}

/// The shape of so many instead of as many as it says.
pub(crate) fn of_batch(shape: &[usize], count: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape.iter_mut().take(1).for_each(|images| *images = count);
    shape
}

/// The shape as `[n, c, h, w]`, or an error of `op`.
pub(crate) fn nchw(op: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    <[usize; 4]>::try_from(shape).map_err(|_| Error::shape(op, "an input of shape [n, c, h, w]", shape))
}

/// The only one of a layer's inputs, or an error of `op`.
pub(crate) fn only<T: Clone>(op: &'static str, inputs: &[T]) -> Result<T> {
    match inputs {
        [input] => Ok(input.clone()),
        _ => Err(Error::Inputs { op, expected: "one input", actual: inputs.len() }),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use super::*;

    #[test]
    fn one_value_that_is_not_finite_is_found_wherever_it_is() {
        for (rows, columns) in [(0, 3), (1, 1), (3, 5), (4, 4), (7, 9)] {
            let mut values = Array2::from_shape_fn((rows, columns), |(row, column)| (row * columns + column) as f32);
            assert!(is_finite(values.view()) && is_finite(values.index_axis(Axis(1), 0)));
            for place in 0..rows * columns {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let good = std::mem::replace(&mut values[[place / columns, place % columns]], bad);
                    assert!(!is_finite(values.view()), "{place}");
                    assert!(!is_finite(values.index_axis(Axis(1), place % columns)), "{place}");
                    values[[place / columns, place % columns]] = good;
                }
            }
        }
        assert!(is_finite(Array2::from_elem((4, 8), f32::MAX).view()));
    }
}
