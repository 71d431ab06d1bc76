//! LRP-γ (G. Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019, section 10.2.3), for inputs and
//! outputs of any sign.
//!
//! - Where the output is positive: `d = x⁺ (W + γ W⁺) + (b + γ b⁺) + x⁻ (W + γ W⁻)`
//! - where it is negative: `d = x⁺ (W + γ W⁻) + (b + γ b⁻) + x⁻ (W + γ W⁺)`
//! - `R' = x⁺ ⊙ (...)ᵀ(R / stab d) + x⁻ ⊙ (...)ᵀ(R / stab d)` with the weights of `d`, ε = 1e-6.
//!
//! The sign is that of the output with the unmodified parameters.
//!
//! - bias: in the denominator; it absorbs its share.
//! - zero denominators: an output of exactly zero sends nothing, and the gate's loss counts as the stabiliser's.

use super::{EPSILON, Gate, Group, InputPart, ParameterPart, Ratio, Stabiliser, Term};

/// LRP-γ.
#[must_use]
pub fn gamma(gamma: f32) -> Ratio {
    let (up, down) = (ParameterPart::PlusPositive(gamma), ParameterPart::PlusNegative(gamma));
    let group = |gate, with, against| Group {
        factor: 1.0,
        gate,
        terms: vec![Term::new(InputPart::Positive, with, Some(with)), Term::new(InputPart::Negative, against, None)],
    };
    Ratio {
        name: format!("gamma({gamma})"),
        groups: vec![group(Gate::Positive, up, down), group(Gate::Negative, down, up)],
        stabiliser: Stabiliser::Signed(EPSILON),
    }
}
