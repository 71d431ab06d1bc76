//! Dropout, which acts in training only: here the identity.
//!
//! - forward: `output = input`
//! - backward: `input = upstream`
//! - cache: nothing.

use crate::error::Result;
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only};

const KIND: &str = "dropout";

/// The identity, of any shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropout;

impl Layer for Dropout {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        Ok(only(KIND, inputs)?.to_vec())
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((only(KIND, inputs)?.clone(), Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        Ok(vec![upstream.clone()])
    }
}
