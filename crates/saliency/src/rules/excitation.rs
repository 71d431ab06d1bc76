//! Excitation backprop (J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 126, 2018, equation 7).
//!
//! `z_j = Σ_i x_i w⁺_ij`, `p'_i = x_i Σ_j w⁺_ij p_j / (z_j + 1e-20)`: the probability that the winner is `i`, for inputs
//! that are not negative. At a sum `w⁺` is 1: `p'_i = x_i / Σ x p`.
//!
//! - bias: not in it.
//! - zero denominators: an output that nothing excites sends nothing, 0 for 0/0.

use super::{InputPart, ParameterPart, Ratio, Stabiliser, Term};

const ADDED: Stabiliser = Stabiliser::Added(1e-20);

/// Excitation backprop.
#[must_use]
pub fn excitation() -> Ratio {
    Ratio::of("excitation", vec![Term::new(InputPart::Whole, ParameterPart::Positive, None)], ADDED)
}

/// Excitation backprop of the layer with negated weights: `w⁺` becomes `(-w)⁺`. On a last layer it asks for what excites
/// all else than the class.
#[must_use]
pub fn inhibition() -> Ratio {
    Ratio::of("inhibition", vec![Term::new(InputPart::Whole, ParameterPart::Negative, None).negated()], ADDED)
}
