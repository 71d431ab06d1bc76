//! All but the first axis made one.
//!
//! - forward: `[n, a, b, ...]` to `[n, a b ...]`, row-major.
//! - backward: the way back.
//! - cache: nothing.

use crate::error::{Error, Result};
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, only, tensor, values};

const KIND: &str = "flatten";

/// `[n, ...]` to `[n, features]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flatten;

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

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        let input = only(KIND, inputs)?;
        let shape = self.output_shape(&[input.shape()])?;
        Ok((tensor(&shape, values(input).into_owned())?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.check_upstream(upstream)?;
        Ok(vec![tensor(site.input_shape()?, values(upstream).into_owned())?])
    }
}
