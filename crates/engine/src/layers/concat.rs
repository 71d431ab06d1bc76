//! Several tensors, one after the other along an axis.
//!
//! - forward: `output = [input_0, input_1, ...]`
//! - backward: every input gets its piece of `upstream`.
//! - cache: nothing.

use ndarray::{Axis, Slice};

use crate::error::{Error, Result};
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::tensor::Tensor;

const KIND: &str = "concat";

/// Tensors that agree in every axis but this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat {
    /// The axis; 1 for channels.
    pub axis: usize,
}

impl Affine for Concat {
    fn apply(&self, _params: &Params, inputs: &[&Tensor]) -> Result<Tensor> {
        let shapes: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
        let shape = self.output_shape(&shapes)?;
        let mut output = Tensor::zeros(shape);
        let mut start = 0;
        for input in inputs {
            let end = start + input.shape()[self.axis];
            output.slice_axis_mut(Axis(self.axis), Slice::from(start..end)).assign(input);
            start = end;
        }
        Ok(output)
    }

    fn transpose(&self, _params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>> {
        let shape = self.output_shape(inputs)?;
        if upstream.shape() != shape {
            return Err(Error::shape(KIND, format!("an upstream of its output's shape {shape:?}"), upstream.shape()));
        }
        let mut start = 0;
        let piece = |input: &&[usize]| {
            let end = start + input[self.axis];
            let piece = upstream.slice_axis(Axis(self.axis), Slice::from(start..end));
            start = end;
            piece.as_standard_layout().into_owned()
        };
        Ok(inputs.iter().map(piece).collect())
    }
}

impl Layer for Concat {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let [first, rest @ ..] = inputs else {
            return Err(Error::Inputs { op: KIND, expected: "one input or more", actual: 0 });
        };
        let mut output = first.to_vec();
        if self.axis >= output.len() {
            return Err(Error::shape(KIND, format!("inputs with an axis {}", self.axis), first));
        }
        for shape in rest {
            let agrees = |axis: usize| axis == self.axis || shape[axis] == first[axis];
            if shape.len() != first.len() || !(0..shape.len()).all(agrees) {
                let expected = format!("inputs that agree with {first:?} in all axes but {}", self.axis);
                return Err(Error::shape(KIND, expected, shape));
            }
            output[self.axis] += shape[self.axis];
        }
        Ok(output)
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        Ok((self.apply(params, inputs)?, Cache::Nothing))
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        site.transposed(self, upstream)
    }
}
