//! All but the first axis made one.
//!
//! - forward: `[n, a, b, ...]` to `[n, a b ...]`, row-major.
//! - backward: the way back.
//! - cache: nothing.

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only, tensor, values};

const KIND: &str = "flatten";

/// `[n, ...]` to `[n, features]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flatten;

impl Affine for Flatten {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let input = only(KIND, inputs)?;
        let shape = self.output_shape(&[input.shape()])?;
        tensor(&shape, values(input).into_owned())
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        Ok(vec![tensor(only(KIND, inputs)?, values(upstream).into_owned())?])
    }
}

impl Layer for Flatten {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        match only(KIND, inputs)? {
            [batch, rest @ ..] => Ok(vec![*batch, rest.iter().product()]),
            [] => Err(Error::shape(KIND, "an input with a first axis", &[])),
        }
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
