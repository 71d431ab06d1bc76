//! Relevance rules: what a layer sends to its inputs of what arrives at its output.
//!
//! Layers are a closed set, rules an open one. A rule sees one layer in one forward pass, a
//! [`Site`], and so is tested without a network.

use std::fmt;
use std::ops::AddAssign;

use gradex_engine::{Result, Site, Tensor};

/// A rule.
pub trait Rule: fmt::Debug + Send + Sync {
    /// Its name in the papers, with its parameters: `gamma(0.25)`.
    fn name(&self) -> String;

    /// What goes to each input of the layer for `upstream` at its output, and what stays behind.
    ///
    /// # Errors
    /// The engine's errors, where the rule does not apply to such a layer, or the site lacks what it needs.
    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated>;
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
    /// What the stabiliser took, and what stood over a zero denominator.
    pub stabiliser: f64,
    /// What fell on padding.
    pub padding: f64,
}

impl AddAssign for Absorbed {
    fn add_assign(&mut self, other: Self) {
        self.bias += other.bias;
        self.stabiliser += other.stabiliser;
        self.padding += other.padding;
    }
}
