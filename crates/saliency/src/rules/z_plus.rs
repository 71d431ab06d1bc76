//! LRP-z⁺ (G. Montavon et al., "Explaining nonlinear classification decisions with deep Taylor decomposition", Pattern
//! Recognition 65, 2017, equation 8), for inputs of any sign.
//!
//! `d = x⁺ W⁺ + b⁺ + x⁻ W⁻`, `R' = x⁺ (W⁺)ᵀ(R / stab d) + x⁻ (W⁻)ᵀ(R / stab d)`, ε = 1e-6
//!
//! - bias: its positive part is in the denominator and absorbs its share. The paper's layers have no positive bias.
//! - zero denominators: ε; nothing positive reached such an output, so all of it is absorbed.

use super::{EPSILON, Ratio, Stabiliser, Term};
use super::{InputPart, ParameterPart};

/// LRP-z⁺.
#[must_use]
pub fn z_plus() -> Ratio {
    Ratio::of("z-plus", excitatory(), Stabiliser::Signed(EPSILON))
}

/// What raises an output: `x⁺ W⁺ + b⁺ + x⁻ W⁻`.
pub(super) fn excitatory() -> Vec<Term> {
    let positive = ParameterPart::Positive;
    vec![
        Term::new(InputPart::Positive, positive, Some(positive)),
        Term::new(InputPart::Negative, ParameterPart::Negative, None),
    ]
}

/// What lowers an output: `x⁺ W⁻ + b⁻ + x⁻ W⁺`.
pub(super) fn inhibitory() -> Vec<Term> {
    let negative = ParameterPart::Negative;
    vec![
        Term::new(InputPart::Positive, negative, Some(negative)),
        Term::new(InputPart::Negative, ParameterPart::Positive, None),
    ]
}
