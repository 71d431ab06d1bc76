//! Mean over sliding windows.
//!
//! - forward: the sum of each window over its size, counting the padding it covers or not.
//! - backward: each upstream value over that size, added to every input of its window.
//! - cache: nothing.

use gradex_kernels::PoolShape;

use super::spans::Sliding;
use crate::error::Result;
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only, tensor, values, zeros};

const KIND: &str = "avg_pool2d";

/// Mean over windows of `[n, c, h, w]`; each property `[rows, columns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvgPool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Pixels from window to window.
    pub stride: [usize; 2],
    /// Padding on each side, less than the window.
    pub padding: [usize; 2],
    /// Keep a last window that only partly fits.
    pub ceil_mode: bool,
    /// Whether zeros of the padding count in the mean.
    pub count_include_pad: bool,
}

impl AvgPool2d {
    pub(crate) fn shape(&self, input: &[usize]) -> Result<PoolShape> {
        let Self { kernel, stride, padding, ceil_mode, count_include_pad } = *self;
        Sliding { kernel, stride, padding, ceil_mode, count_padding: count_include_pad }.shape(KIND, input)
    }
}

impl Affine for AvgPool2d {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        average(&self.shape(input.shape())?, input)
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        let input = only(KIND, inputs)?;
        Ok(vec![average_transpose(&self.shape(input)?, upstream, input)?])
    }
}

impl Layer for AvgPool2d {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        let shape = self.shape(input)?;
        Ok(vec![input[0], input[1], shape.rows.len(), shape.columns.len()])
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}

/// The means of `input [n, c, h, w]` over the windows of `shape`.
pub(super) fn average(shape: &PoolShape, input: &Tensor) -> Result<Tensor> {
    let output_shape = [input.shape()[0], input.shape()[1], shape.rows.len(), shape.columns.len()];
    let mut output = zeros(&output_shape);
    gradex_kernels::average_pool(shape, &values(input), &mut output)?;
    tensor(&output_shape, output)
}

/// The transpose of [`average`], for an input of shape `input`.
pub(super) fn average_transpose(shape: &PoolShape, upstream: &Tensor, input: &[usize]) -> Result<Tensor> {
    let mut gradient = zeros(input);
    gradex_kernels::average_pool_transpose(shape, &values(upstream), &mut gradient)?;
    tensor(input, gradient)
}
