//! Rectifier.
//!
//! - forward: `output = max(input, 0)`; NaN stays NaN.
//! - backward: `input = upstream` where `output > 0`, else 0. The derivative at 0 is 0.
//! - cache: nothing; the output tells.

use crate::error::Result;
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only};

const KIND: &str = "relu";

/// Rectifier, of any shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relu;

impl Layer for Relu {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        Ok(only(KIND, inputs)?.to_vec())
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        let output = only(KIND, inputs)?.mapv(|value| if value <= 0.0 { 0.0 } else { value });
        Ok((output, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        let mut input = upstream.clone();
        input.zip_mut_with(site.output.tensor("output of a relu")?, |value, output| {
            if *output <= 0.0 {
                *value = 0.0;
            }
        });
        Ok(vec![input])
    }
}
