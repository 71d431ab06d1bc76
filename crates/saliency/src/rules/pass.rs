//! What arrives goes on unchanged: for activations, and for batch norms that were folded.
//!
//! `R' = R`
//!
//! - bias: ignored.
//! - zero denominators: there are none.

use gradex_engine::{Error, Layer, Op, Result, Site, Tensor};

use super::{Propagated, Rule, check_upstream};

/// `R' = R`, for layers of which each output value is about one input value, the one in the same place.
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
            why: "it is for activations, batch norms, flatten and dropout, where each output is about one input"
                .to_owned(),
        };
        if !is_place_by_place(site.op) {
            return Err(refused());
        }
        let reshaped = upstream.to_shape(site.input_shape()?).map_err(|_| refused())?;
        Ok(Propagated::whole(vec![reshaped.into_owned()]))
    }
}

fn is_place_by_place(op: &Op) -> bool {
    match op {
        Op::Relu(_) | Op::Relu6(_) | Op::BatchNorm2d(_) | Op::Flatten(_) | Op::Dropout(_) => true,
        Op::Input(_)
        | Op::Conv2d(_)
        | Op::Linear(_)
        | Op::MaxPool2d(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Add(_)
        | Op::Concat(_)
        | Op::Softmax(_) => false,
    }
}
