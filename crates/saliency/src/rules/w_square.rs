//! LRP-w², for a first layer whose inputs are unbounded (G. Montavon et al., "Explaining nonlinear classification decisions
//! with deep Taylor decomposition", Pattern Recognition 65, 2017, equation 6).
//!
//! `d_j = Σ_i w_ij²`, `R'_i = Σ_j w_ij² R_j / stab d_j`, ε = 1e-6, whatever the input
//!
//! - bias: not in it, as in the paper; zennit adds `b_j²` to the denominator unless told to zero biases.
//! - zero denominators: ε; an output without weights sends nothing.

use super::{EPSILON, InputPart, ParameterPart, Ratio, Stabiliser, Term};

/// LRP-w².
#[must_use]
pub fn w_square() -> Ratio {
    let term = Term::new(InputPart::Ones, ParameterPart::Squares, None);
    Ratio::of("w-square", vec![term], Stabiliser::Signed(EPSILON))
}
