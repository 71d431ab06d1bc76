//! LRP-z^B, for a first layer whose inputs lie between `l` and `h` (G. Montavon et al., "Explaining nonlinear classification
//! decisions with deep Taylor decomposition", Pattern Recognition 65, 2017, section 4.2).
//!
//! `d = x W - l W⁺ - h W⁻`, `R' = x Wᵀ(R / stab d) - l (W⁺)ᵀ(R / stab d) - h (W⁻)ᵀ(R / stab d)`, ε = 1e-6
//!
//! - bias: not in it.
//! - zero denominators: ε. For inputs between the bounds `d` is never negative; where it is zero, all inputs are at their
//!   bound and nothing is sent.

use super::{Bounds, EPSILON, InputPart, ParameterPart, Ratio, Stabiliser, Term};

/// LRP-z^B with these bounds.
#[must_use]
pub fn z_box(bounds: &Bounds) -> Ratio {
    let Bounds { low, high } = bounds;
    let terms = vec![
        Term::new(InputPart::Whole, ParameterPart::Whole, None),
        Term::new(InputPart::Constant(low.clone()), ParameterPart::Positive, None).negated(),
        Term::new(InputPart::Constant(high.clone()), ParameterPart::Negative, None).negated(),
    ];
    let list = |values: &[f32]| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
    Ratio::of(format!("z-box({}, {})", list(low), list(high)), terms, Stabiliser::Signed(EPSILON))
}
