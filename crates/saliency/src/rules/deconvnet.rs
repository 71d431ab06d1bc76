//! Deconvolutional network (M. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014).
//!
//! At a rectifier `p' = p⁺`, whatever its input; elsewhere the gradient, which through a max-pool is the paper's switches.
//! What the rectifier drops counts as the stabiliser's.
//!
//! - bias: not in it.
//! - zero denominators: there are none.

use gradex_engine::{Result, Site, Tensor};

use super::{Absorbed, Gradient, Propagated, Rule, check_upstream, total};

/// The gradient, with the rectifier applied on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deconvnet;

impl Rule for Deconvnet {
    fn name(&self) -> String {
        "deconvnet".to_owned()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        if !site.op.is_activation() {
            return Gradient.propagate(site, upstream);
        }
        check_upstream(site, upstream)?;
        let input = upstream.mapv(|p| p.max(0.0));
        let absorbed = Absorbed { stabiliser: total(upstream) - total(&input), ..Absorbed::default() };
        Ok(Propagated { inputs: vec![input], absorbed })
    }
}
