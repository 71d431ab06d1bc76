//! The one kind of number array: `f32`, dense, row-major; images are `[n, c, h, w]`.

use std::borrow::Cow;

use ndarray::{ArrayD, IxDyn};

use crate::error::{Error, Result};

/// A dense array of `f32`.
pub type Tensor = ArrayD<f32>;

/// The values in row-major order: borrowed where the tensor is laid out so, copied where it is a view of another layout.
#[must_use]
pub fn values(tensor: &Tensor) -> Cow<'_, [f32]> {
    tensor.as_slice().map_or_else(|| tensor.iter().copied().collect(), Cow::Borrowed)
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
