//! Guided backprop (J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR workshop 2015).
//!
//! At a rectifier `p' = p⁺ [x > 0]` (with a ceiling, where `x` lies below it too); elsewhere the gradient. What the gate drops
//! counts as the stabiliser's.
//!
//! - bias: not in it.
//! - zero denominators: there are none; a rectifier's input of zero lets nothing through.

use gradex_engine::{Result, Site, Tensor};

use super::{Gradient, Propagated, Rule, check_upstream, total};

/// The gradient, with negative values dropped at rectifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guided;

impl Rule for Guided {
    fn name(&self) -> String {
        "guided".to_owned()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        if !site.op.is_activation() {
            return Gradient.propagate(site, upstream);
        }
        check_upstream(site, upstream)?;
        let mut propagated = Gradient.propagate(site, &upstream.mapv(|p| p.max(0.0)))?;
        propagated.absorbed.stabiliser = total(upstream) - propagated.inputs.iter().map(total).sum::<f64>();
        Ok(propagated)
    }
}
