//! Mean over windows that tile the input to a fixed output size.
//!
//! - forward: output `i` of `m` is the mean of the inputs `floor(i n / m) .. ceil((i + 1) n / m)` of `n`, along both axes.
//! - backward: each upstream value over its window's size, added to every input of the window.
//! - cache: nothing.

use gradex_kernels::{PoolShape, Span};

use super::avg_pool2d::{average, average_transpose};
use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, nchw, only};

const KIND: &str = "adaptive_avg_pool2d";

/// `[n, c, h, w]` to `[n, c, output]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdaptiveAvgPool2d {
    /// Rows and columns of the output, at least one each.
    pub output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// To a square output.
    #[must_use]
    pub fn new(output: usize) -> Self {
        Self { output: [output; 2] }
    }

    pub(crate) fn shape(&self, input: &[usize]) -> Result<PoolShape> {
        let [batch, channels, height, width] = nchw(KIND, input)?;
        if self.output.contains(&0) || height == 0 || width == 0 {
            return Err(Error::shape(KIND, "an input and an output with at least one pixel", input));
        }
        let spans = |size: usize, count: usize| {
            let span = |index: usize| {
                let (start, end) = (index * size / count, ((index + 1) * size).div_ceil(count));
                Span { start, end, divisor: end - start }
            };
            (0..count).map(span).collect()
        };
        let (rows, columns) = (spans(height, self.output[0]), spans(width, self.output[1]));
        Ok(PoolShape { planes: batch * channels, input: [height, width], rows, columns })
    }
}

impl Affine for AdaptiveAvgPool2d {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        average(&self.shape(input.shape())?, input)
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        let input = only(KIND, inputs)?;
        Ok(vec![average_transpose(&self.shape(input)?, upstream, input)?])
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        self.shape(input)?;
        Ok(vec![input[0], input[1], self.output[0], self.output[1]])
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
