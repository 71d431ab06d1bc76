//! LRP-αβ (S. Bach et al., PLoS ONE 10(7), 2015, equation 60), with `α - β = 1`.
//!
//! `d⁺ = x⁺ W⁺ + b⁺ + x⁻ W⁻`, `d⁻ = x⁺ W⁻ + b⁻ + x⁻ W⁺`, each with its transposes as its numerators:
//! `R' = α (x⁺ (W⁺)ᵀ + x⁻ (W⁻)ᵀ)(R / stab d⁺) - β (x⁺ (W⁻)ᵀ + x⁻ (W⁺)ᵀ)(R / stab d⁻)`, ε = 1e-6
//!
//! - bias: by its sign in one denominator or the other; each absorbs its share (a share of `d⁻` counts negative).
//! - zero denominators: ε. An output that nothing lowers loses its `-β R`: the stabiliser's part is then negative.

use super::z_plus::{excitatory, inhibitory};
use super::{EPSILON, Gate, Group, Ratio, Stabiliser};

/// LRP-αβ with this α of at least 1, and β = α - 1.
#[must_use]
pub fn alpha_beta(alpha: f32) -> Ratio {
    let beta = alpha - 1.0;
    let group = |factor, terms| Group { factor, gate: Gate::All, terms };
    Ratio {
        // As one would write it: 1.1 - 1 is 0.1.
        name: format!("alpha-beta({alpha}, {})", (f64::from(beta) * 1e6).round() / 1e6),
        groups: vec![group(alpha, excitatory()), group(-beta, inhibitory())],
        stabiliser: Stabiliser::Signed(EPSILON),
    }
}
