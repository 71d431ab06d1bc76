//! Sum of several tensors: the residual connection.
//!
//! - forward: `output = Σ inputs`, in order.
//! - backward: every input gets `upstream`.
//! - cache: nothing.

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::Tensor;

const KIND: &str = "add";

/// Two tensors or more, all of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add;

impl Affine for Add {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let shapes: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
        self.output_shape(&shapes)?;
        let mut output = inputs[0].clone();
        inputs[1..].iter().for_each(|input| output += *input);
        Ok(output)
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        Ok(vec![upstream.clone(); inputs.len()])
    }
}

impl Layer for Add {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let [first, rest @ ..] = inputs else {
            return Err(Error::Inputs { op: KIND, expected: "one input or more", actual: 0 });
        };
        match rest.iter().find(|shape| *shape != first) {
            None => Ok(first.to_vec()),
            Some(other) => Err(Error::shape(KIND, format!("inputs of one shape, the first's {first:?}"), other)),
        }
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
