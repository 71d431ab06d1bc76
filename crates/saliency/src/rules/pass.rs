//! What arrives goes on unchanged: for activations, and for batch norms that were folded.
//!
//! `R' = R`
//!
//! - bias: ignored.
//! - zero denominators: there are none.

use gradex_engine::{Error, Layer, Result, Site, Tensor};

use super::{Propagated, Rule, check_upstream};

/// `R' = R`, for layers with one input of as many values as the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass;

impl Rule for Pass {
    fn name(&self) -> String {
        "pass".to_owned()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        check_upstream(site, upstream)?;
        let refused = || Error::Rule {
            rule: self.name(),
            op: site.op.kind(),
            why: "it is for layers with one input of as many values as the output".to_owned(),
        };
        let [input] = &site.inputs[..] else { return Err(refused()) };
        let reshaped = upstream.to_shape(input.shape).map_err(|_| refused())?;
        Ok(Propagated::whole(vec![reshaped.into_owned()]))
    }
}
