//! Rectifier with a ceiling.
//!
//! - forward: `output = min(max(input, 0), 6)`; NaN stays NaN.
//! - backward: `input = upstream` where `0 < output < 6`, else 0. The derivative at 0 and at 6 is 0.
//! - cache: nothing; the output tells.

use crate::error::Result;
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only};

const KIND: &str = "relu6";

/// Rectifier with a ceiling of 6, of any shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relu6;

impl Layer for Relu6 {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        Ok(only(KIND, inputs)?.to_vec())
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((only(KIND, inputs)?.mapv(|value| value.clamp(0.0, 6.0)), Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        let mut input = upstream.clone();
        input.zip_mut_with(site.output.tensor("output of a relu6")?, |value, output| {
            if *output <= 0.0 || *output >= 6.0 {
                *value = 0.0;
            }
        });
        Ok(vec![input])
    }
}
