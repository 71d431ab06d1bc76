//! Convolution (cross-correlation), grouped, dilated, with any padding.
//!
//! - forward: `output[n, o, y, x] = bias[o] + Σ weight[o, c, v, u] input[n, c', y s + v d - p, x s + u d - p]`
//!   over the channels `c` of the group (`c'` in the input) and the taps `v, u`; zero outside the input.
//! - backward: `weightᵀ upstream`, the same sum read from the other end.
//! - cache: nothing.

use gradex_kernels::{ConvShape, Padding, Window, conv2d, conv2d_transpose};

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, nchw, only, tensor, values, zeros};

const KIND: &str = "conv2d";

/// Zeros around a convolution's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvPadding {
    /// The same for every input.
    Fixed(Padding),
    /// TensorFlow's `SAME`: `ceil(size / stride)` outputs; of an odd number of zeros the last row and column get one more.
    Same,
}

/// A grouped convolution: input `[n, in_channels, h, w]`, weight `[out_channels, in_channels / groups, kernel]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv2d {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Taps, `[rows, columns]`.
    pub kernel: [usize; 2],
    /// Pixels from window to window.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: ConvPadding,
    /// Pixels from tap to tap.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Conv2d {
    /// A convolution with a square kernel, stride 1, no padding, one group and a bias.
    #[must_use]
    pub fn new(in_channels: usize, out_channels: usize, kernel: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel: [kernel; 2],
            stride: [1, 1],
            padding: ConvPadding::Fixed(Padding::default()),
            dilation: [1, 1],
            groups: 1,
            bias: true,
        }
    }

    /// With this stride along both axes.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; 2], ..self }
    }

    /// With this many zeros on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: ConvPadding::Fixed(Padding::symmetric(padding, padding)), ..self }
    }

    /// With TensorFlow's `SAME` padding.
    #[must_use]
    pub fn same(self) -> Self {
        Self { padding: ConvPadding::Same, ..self }
    }

    /// With this many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Without bias.
    #[must_use]
    pub fn no_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    fn window(&self, input: [usize; 2]) -> Window {
        let padding = match self.padding {
            ConvPadding::Fixed(padding) => padding,
            ConvPadding::Same => {
                let total = |axis: usize| {
                    let steps = input[axis].div_ceil(self.stride[axis].max(1)).saturating_sub(1);
                    let reach =
                        steps * self.stride[axis] + self.kernel[axis].saturating_sub(1) * self.dilation[axis] + 1;
                    reach.saturating_sub(input[axis])
                };
                let (rows, columns) = (total(0), total(1));
                Padding { top: rows / 2, bottom: rows - rows / 2, left: columns / 2, right: columns - columns / 2 }
            }
        };
        Window { kernel: self.kernel, stride: self.stride, dilation: self.dilation, padding }
    }

    /// The convolution as kernels see it, for inputs of this shape.
    pub(crate) fn shape(&self, input: &[usize]) -> Result<ConvShape> {
        let [batch, channels, height, width] = nchw(KIND, input)?;
        if channels != self.in_channels {
            return Err(Error::shape(KIND, format!("{} channels", self.in_channels), input));
        }
        let window = self.window([height, width]);
        let output = window.output([height, width]).ok_or_else(|| {
            Error::shape(KIND, format!("an image that its {:?} window fits into", self.kernel), input)
        })?;
        Ok(ConvShape {
            batch,
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            groups: self.groups,
            input: [height, width],
            output,
            window,
        })
    }
}

impl Affine for Conv2d {
    fn apply(&self, params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        let shape = self.shape(input.shape())?;
        let output_shape = [shape.batch, shape.out_channels, shape.output[0], shape.output[1]];
        let mut output = zeros(&output_shape);
        let bias = params.bias.as_ref().map(values);
        conv2d(&shape, &values(input), &values(&*params.weight(KIND)?), bias.as_deref(), &mut output)?;
        tensor(&output_shape, output)
    }

    fn transpose(&self, params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        let input = only(KIND, inputs)?;
        let shape = self.shape(input)?;
        let mut gradient = zeros(input);
        conv2d_transpose(&shape, &values(upstream), &values(&*params.weight(KIND)?), &mut gradient)?;
        Ok(vec![tensor(input, gradient)?])
    }
}

impl Layer for Conv2d {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        let group_in = self.in_channels / self.groups.max(1);
        let mut parameters = vec![("weight", vec![self.out_channels, group_in, self.kernel[0], self.kernel[1]])];
        if self.bias {
            parameters.push(("bias", vec![self.out_channels]));
        }
        parameters
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let shape = self.shape(only(KIND, inputs)?)?;
        Ok(vec![shape.batch, shape.out_channels, shape.output[0], shape.output[1]])
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
