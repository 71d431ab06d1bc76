//! Dropout, which acts in training only: here the identity.
//!
//! - forward: `output = input`
//! - backward: `input = upstream`
//! - cache: nothing.

use crate::error::Result;
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only};

const KIND: &str = "dropout";

/// The identity, of any shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropout;

impl Affine for Dropout {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        Ok(only(KIND, inputs)?.clone())
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        only(KIND, inputs)?;
        Ok(vec![upstream.clone()])
    }
}

impl Layer for Dropout {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        Ok(only(KIND, inputs)?.to_vec())
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
