//! Normalised exponentials over the last axis.
//!
//! - forward: `output_i = exp(input_i - max) / Σ_j exp(input_j - max)`
//! - backward: `input_i = output_i (upstream_i - Σ_j upstream_j output_j)`
//! - cache: nothing; the output tells.

use ndarray::Axis;

use crate::error::{Error, Result};
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only};

const KIND: &str = "softmax";

/// Probabilities over the last axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softmax;

impl Layer for Softmax {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        if input.is_empty() {
            return Err(Error::shape(KIND, "an input with an axis", input));
        }
        Ok(input.to_vec())
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        let input = only(KIND, inputs)?;
        self.output_shape(&[input.shape()])?;
        let mut output = input.clone();
        for mut lane in output.lanes_mut(Axis(input.ndim() - 1)) {
            let max = lane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            lane.mapv_inplace(|value| (value - max).exp());
            let sum: f32 = lane.sum();
            lane.mapv_inplace(|value| value / sum);
        }
        Ok((output, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        let output = site.output.tensor("output of a softmax")?;
        let mut input = upstream * output;
        let axis = Axis(input.ndim() - 1);
        let sums = input.sum_axis(axis).insert_axis(axis);
        input -= &(output * &sums);
        Ok(vec![input])
    }
}
