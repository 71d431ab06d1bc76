//! Fully connected layer.
//!
//! - forward: `output[n, o] = bias[o] + Σ_i weight[o, i] input[n, i]`
//! - backward: `input[n, i] = Σ_o weight[o, i] upstream[n, o]`
//! - cache: nothing.

use gradex_kernels::{Weights, group_sums, linear, linear_transpose};

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only, tensor, values, zeros};
use crate::weight::Form;

const KIND: &str = "linear";

/// Input `[n, in_features]`, weight `[out_features, in_features]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    /// Length of an input.
    pub in_features: usize,
    /// Length of an output.
    pub out_features: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Linear {
    /// A fully connected layer with a bias.
    #[must_use]
    pub fn new(in_features: usize, out_features: usize) -> Self {
        Self { in_features, out_features, bias: true }
    }

    fn sizes(&self, input: &[usize]) -> Result<[usize; 3]> {
        match input {
            [batch, features] if *features == self.in_features => Ok([*batch, self.in_features, self.out_features]),
            _ => Err(Error::shape(KIND, format!("an input of shape [n, {}]", self.in_features), input)),
        }
    }

    /// Its parameters, without the bias, summed over each group of `length` inputs.
    pub(crate) fn pooled(&self, params: &Params, length: usize) -> Result<Params> {
        let shape = [self.out_features, self.in_features.checked_div(length).unwrap_or(0)];
        let mut sums = zeros(&shape);
        with_weights(params, |weight| group_sums(length, weight, &mut sums))?;
        Ok(Params { weight: Some(tensor(&shape, sums)?.into()), bias: None })
    }
}

/// Runs a kernel on the weight as it lies in memory.
fn with_weights(params: &Params, run: impl FnOnce(Weights<'_>) -> gradex_kernels::Result<()>) -> Result<()> {
    let missing = Error::NoParameter { op: KIND, parameter: "weight" };
    let weight = params.weight.as_ref().ok_or(missing)?;
    Ok(match weight.form() {
        Form::Part(whole, part) => whole.read(|weights| run(weights.part(part))),
        Form::Half(_) | Form::Whole(_) | Form::Packed(_) => weight.read(run),
    }?)
}

impl Affine for Linear {
    fn apply(&self, params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        let sizes = self.sizes(input.shape())?;
        let shape = [sizes[0], self.out_features];
        let mut output = zeros(&shape);
        let bias = params.bias.as_ref().map(values);
        with_weights(params, |weight| linear(sizes, &values(input), weight, bias.as_deref(), &mut output))?;
        tensor(&shape, output)
    }

    fn transpose(&self, params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        let input = only(KIND, inputs)?;
        let mut gradient = zeros(input);
        let sizes = self.sizes(input)?;
        with_weights(params, |weight| linear_transpose(sizes, &values(upstream), weight, &mut gradient))?;
        Ok(vec![tensor(input, gradient)?])
    }
}

impl Layer for Linear {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        let mut parameters = vec![("weight", vec![self.out_features, self.in_features])];
        if self.bias {
            parameters.push(("bias", vec![self.out_features]));
        }
        parameters
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let [batch, _, outputs] = self.sizes(only(KIND, inputs)?)?;
        Ok(vec![batch, outputs])
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
