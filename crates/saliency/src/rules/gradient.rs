//! The layer's own backward pass: `R' = Jᵀ R`.
//!
//! It conserves where each output is one of the inputs: max-pool (to the first maximum), flatten, concatenation, dropout.
//! A rectifier drops what stands over a closed gate, an average what it counts of the padding. Elsewhere it does not
//! conserve, and says nothing about the rest.
//!
//! - bias: not in it.
//! - zero denominators: there are none.

use gradex_engine::{Layer, Op, Result, Site, Tensor};

use super::{Absorbed, Propagated, Rule, check_finite, check_upstream, total};

/// `R' = Jᵀ R`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gradient;

impl Rule for Gradient {
    fn name(&self) -> String {
        "gradient".to_owned()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        check_upstream(site, upstream)?;
        let inputs = site.op.backward(site, upstream)?;
        check_finite("gradient sent back by", site, &inputs)?;
        let mut absorbed = Absorbed::default();
        if site.op.is_activation() {
            absorbed.stabiliser = total(upstream) - inputs.iter().map(total).sum::<f64>();
        }
        if let Op::AvgPool2d(_) = site.op {
            absorbed.padding = on_padding(site, upstream)?;
        }
        Ok(Propagated { inputs, absorbed })
    }
}

/// What an average pool counts of its padding: each output's weights sum to 1 but for that.
fn on_padding(site: &Site<'_>, upstream: &Tensor) -> Result<f64> {
    let (reached, _) = site.op.forward(site.params, &[&Tensor::ones(site.input_shape()?)])?;
    let lost = |(r, reached): (&f32, &f32)| f64::from(*r) * (1.0 - f64::from(*reached));
    Ok(upstream.iter().zip(&reached).map(lost).sum())
}
