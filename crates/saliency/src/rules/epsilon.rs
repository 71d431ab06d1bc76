//! LRP-ε (S. Bach et al., PLoS ONE 10(7), 2015, equation 58).
//!
//! `z_j = Σ_i x_i w_ij + b_j`, `R'_i = x_i Σ_j w_ij R_j / (z_j + ε sign(z_j))`
//!
//! - bias: in the denominator; it absorbs its share.
//! - zero denominators: the sign of zero is 1, so they are ε; a large ε absorbs much of small outputs. With ε = 0 nothing
//!   is sent over a zero.

use super::{InputPart, ParameterPart, Ratio, Stabiliser, Term};

/// LRP-ε.
#[must_use]
pub fn epsilon(epsilon: f32) -> Ratio {
    let term = Term::new(InputPart::Whole, ParameterPart::Whole, Some(ParameterPart::Whole));
    Ratio::of(format!("epsilon({epsilon:?})"), vec![term], Stabiliser::Signed(epsilon))
}
