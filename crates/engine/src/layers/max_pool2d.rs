//! Maximum over sliding windows.
//!
//! - forward: the largest input of each window; padding counts as -∞; NaN wins.
//! - backward: each upstream value goes to the first maximum of its window in row-major order; sums where windows overlap.
//! - cache: the position of each maximum in its input plane.

use gradex_kernels::{PoolShape, max_pool, max_pool_transpose};

use super::spans::Sliding;
use crate::error::{Error, Result};
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only, tensor, values, zeros};

const KIND: &str = "max_pool2d";

/// Maximum over windows of `[n, c, h, w]`; each property `[rows, columns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Pixels from window to window.
    pub stride: [usize; 2],
    /// Padding on each side, less than the window.
    pub padding: [usize; 2],
    /// Keep a last window that only partly fits.
    pub ceil_mode: bool,
}

impl MaxPool2d {
    /// A square window, without padding.
    #[must_use]
    pub fn new(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [0, 0], ceil_mode: false }
    }

    /// With this much padding on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// Taps of the window.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1])
    }

    /// Whether a bit for each tap takes no more memory than what it reads.
    pub(crate) fn is_marked(&self) -> bool {
        self.taps() <= self.stride[0].saturating_mul(self.stride[1]).saturating_mul(32)
    }

    pub(crate) fn shape(&self, input: &[usize]) -> Result<PoolShape> {
        let Self { kernel, stride, padding, ceil_mode } = *self;
        Sliding { kernel, stride, padding, ceil_mode, count_padding: false }.shape(KIND, input)
    }
}

impl Layer for MaxPool2d {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        let shape = self.shape(input)?;
        Ok(vec![input[0], input[1], shape.rows.len(), shape.columns.len()])
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        let input = only(KIND, inputs)?;
        let output_shape = self.output_shape(&[input.shape()])?;
        let mut output = zeros(&output_shape);
        let mut positions = vec![0; output.len()];
        max_pool(&self.shape(input.shape())?, &values(input), &mut output, &mut positions)?;
        Ok((tensor(&output_shape, output)?, Cache::Positions(positions)))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        let Cache::Positions(positions) = site.cache else {
            return Err(Error::NotRetained("positions of a max_pool2d"));
        };
        let input = site.input_shape()?;
        let mut gradient = zeros(input);
        max_pool_transpose(&self.shape(input)?, &values(upstream), positions, &mut gradient)?;
        Ok(vec![tensor(input, gradient)?])
    }
}
