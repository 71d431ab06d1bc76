//! Batch norm with the statistics of training: one scale and one shift a channel.
//!
//! - parameters: `weight = γ / √(running_var + ε)`, `bias = β - running_mean weight`, computed in `f64` when bound.
//! - forward: `output[n, c, h, w] = weight[c] input[n, c, h, w] + bias[c]`
//! - backward: `input = weight[c] upstream`
//! - cache: nothing.

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, nchw, only, tensor, values};
use crate::weight::Weight;

const KIND: &str = "batch_norm2d";

/// Input `[n, features, h, w]`.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm2d {
    /// Channels.
    pub features: usize,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNorm2d {
    /// With PyTorch's epsilon, 1e-5.
    #[must_use]
    pub fn new(features: usize) -> Self {
        Self { features, epsilon: 1e-5 }
    }

    fn check(&self, input: &[usize]) -> Result<()> {
        if nchw(KIND, input)?[1] == self.features {
            return Ok(());
        }
        Err(Error::shape(KIND, format!("{} channels", self.features), input))
    }

    /// Every value times its channel's scale, plus its channel's shift.
    fn map(&self, params: &Params, input: &Tensor, shift: Option<&[f32]>) -> Result<Tensor> {
        self.check(input.shape())?;
        let scale = params.weight(KIND)?;
        let scale = values(&scale);
        let pixels = (input.shape()[2] * input.shape()[3]).max(1);
        let mut output = values(input).into_owned();
        for (plane, values) in output.chunks_exact_mut(pixels).enumerate() {
            let channel = plane % self.features;
            let (scale, shift) = (scale[channel], shift.map_or(0.0, |shift| shift[channel]));
            values.iter_mut().for_each(|value| *value = *value * scale + shift);
        }
        tensor(input.shape(), output)
    }
}

impl Affine for BatchNorm2d {
    fn apply(&self, params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        let shift = params.bias.as_ref().map(values);
        self.map(params, input, shift.as_deref())
    }

    fn transpose(&self, params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        only(KIND, inputs)?;
        Ok(vec![self.map(params, upstream, None)?])
    }
}

impl Layer for BatchNorm2d {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        ["weight", "bias", "running_mean", "running_var"].map(|name| (name, vec![self.features])).to_vec()
    }

    fn bind(&self, tensors: Vec<Weight>) -> Params {
        let tensors: Vec<Tensor> = tensors.into_iter().map(Weight::into_tensor).collect();
        let [gamma, beta, mean, variance] = &tensors[..] else { return Params::default() };
        let scale = |index: usize| f64::from(gamma[index]) / (f64::from(variance[index]) + self.epsilon).sqrt();
        let weight = (0..self.features).map(|index| scale(index) as f32).collect();
        let bias = (0..self.features).map(|i| (f64::from(beta[i]) - f64::from(mean[i]) * scale(i)) as f32).collect();
        Params {
            weight: tensor(&[self.features], weight).ok().map(Weight::from),
            bias: tensor(&[self.features], bias).ok(),
        }
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        self.check(input)?;
        Ok(input.to_vec())
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
