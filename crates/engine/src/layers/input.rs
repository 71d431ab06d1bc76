//! The network's input, a node like every other so that it too is a named point.
//!
//! - forward: `output = input`
//! - backward: nothing lies before it.
//! - cache: nothing.

use crate::error::{Error, Result};
use crate::layer::{Cache, Layer, Params, Site};
use crate::tensor::{Tensor, nchw, only};

const KIND: &str = "input";
/// More than any memory holds the activations of; sizes derived from it do not overflow.
#[cfg(target_pointer_width = "64")]
const MOST_VALUES: usize = 1 << 34;
#[cfg(not(target_pointer_width = "64"))]
const MOST_VALUES: usize = 1 << 22;

/// Images `[n, channels, h, w]`, already normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Channels of an image.
    pub channels: usize,
}

impl Layer for Input {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let input = only(KIND, inputs)?;
        let [_, channels, ..] = nchw("the network", input)?;
        let count = input.iter().try_fold(1, |product: usize, size| product.checked_mul(*size));
        if channels != self.channels || input.contains(&0) {
            let expected = format!("one image or more of shape [n, {}, h, w]", self.channels);
            return Err(Error::shape("the network", expected, input));
        }
        if count.is_none_or(|count| count > MOST_VALUES) {
            return Err(Error::shape("the network", format!("at most {MOST_VALUES} values"), input));
        }
        Ok(input.to_vec())
    }

    fn forward(&self, _params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        let input = only(KIND, inputs)?;
        self.output_shape(&[input.shape()])?;
        Ok((input.as_standard_layout().into_owned(), Cache::Nothing))
    }

    fn backward(&self, _site: &Site<'_>, _upstream: &Tensor) -> Result<Vec<Tensor>> {
        Ok(Vec::new())
    }
}
