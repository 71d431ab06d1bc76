//! Relevance rules: what a layer sends to its inputs of what arrives at its output.
//!
//! Layers are a closed set, rules an open one. A rule sees one layer in one forward pass, a
//! [`Site`], and so is tested without a network. Most rules are values, a [`Ratio`] of parts of inputs and
//! parameters; the others are the layer's own backward pass, or a change to it.

mod alpha_beta;
mod deconvnet;
mod epsilon;
mod excitation;
mod flat;
mod gamma;
mod gradient;
mod guided;
mod norm;
mod parse;
mod parts;
mod pass;
mod ratio;
mod w_square;
mod z_box;
mod z_plus;

use std::fmt;
use std::ops::AddAssign;

use gradex_engine::{Error, Layer, Result, Site, Tensor};

use crate::fold::sum;

pub use alpha_beta::alpha_beta;
pub use deconvnet::Deconvnet;
pub use epsilon::epsilon;
pub use excitation::{excitation, inhibition};
pub use flat::flat;
pub use gamma::gamma;
pub use gradient::Gradient;
pub use guided::Guided;
pub use norm::norm;
pub use parse::{FORMS, parse};
pub use parts::{Bounds, InputPart, ParameterPart};
pub use pass::Pass;
pub use ratio::{Gate, Group, Ratio, Stabiliser, Term};
pub use w_square::w_square;
pub use z_box::z_box;
pub use z_plus::z_plus;

/// The stabiliser of the published composites.
pub const EPSILON: f32 = 1e-6;

/// A rule.
pub trait Rule: fmt::Debug + Send + Sync {
    /// Its name in the papers, with its parameters: `gamma(0.25)`.
    fn name(&self) -> String;

    /// What goes to each input of the layer for `upstream` at its output, and what stays behind.
    ///
    /// # Errors
    /// [`Error::Rule`] where the rule does not apply to such a layer, [`Error::NotRetained`] where the site lacks what it
    /// needs, [`Error::Shape`] where `upstream` has not the output's shape, [`Error::NonFinite`] where `upstream`, an
    /// input that the rule reads, or what it sends holds NaN or an infinity.
    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated>;

    /// The same of several upstreams, none of which decides about another.
    ///
    /// # Errors
    /// As [`Rule::propagate`].
    fn propagate_all(&self, site: &Site<'_>, upstreams: &[Tensor]) -> Result<Vec<Propagated>> {
        upstreams.iter().map(|upstream| self.propagate(site, upstream)).collect()
    }
}

/// What a rule makes of an upstream.
#[derive(Debug, Clone)]
pub struct Propagated {
    /// What goes to each input, of the input's shape.
    pub inputs: Vec<Tensor>,
    /// What goes to none.
    pub absorbed: Absorbed,
}

impl Propagated {
    /// With nothing absorbed.
    #[must_use]
    pub fn whole(inputs: Vec<Tensor>) -> Self {
        Self { inputs, absorbed: Absorbed::default() }
    }
}

/// The part of an upstream's sum that reaches no input, summed over the batch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Absorbed {
    /// The bias's share of the denominators.
    pub bias: f64,
    /// What the stabiliser took, what stood over a zero denominator, and what a gate dropped.
    pub stabiliser: f64,
    /// What fell on padding.
    pub padding: f64,
}

impl Absorbed {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias + self.stabiliser + self.padding
    }
}

impl AddAssign for Absorbed {
    fn add_assign(&mut self, other: Self) {
        self.bias += other.bias;
        self.stabiliser += other.stabiliser;
        self.padding += other.padding;
    }
}

/// The sum of all values, in `f64`.
pub(crate) fn total(tensor: &Tensor) -> f64 {
    sum(tensor.view())
}

/// Checks that `upstream` has the output's shape and is finite.
fn check_upstream(site: &Site<'_>, upstream: &Tensor) -> Result<()> {
    site.check_upstream(upstream)?;
    check_finite("upstream of", site, [upstream])
}

fn check_finite<'t>(what: &'static str, site: &Site<'_>, tensors: impl IntoIterator<Item = &'t Tensor>) -> Result<()> {
    if tensors.into_iter().flatten().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::NonFinite { what, name: site.op.kind().to_owned() })
}
