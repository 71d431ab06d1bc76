//! LRP-flat: the same to every input in reach (S. Lapuschkin et al., Nature Communications 10:1096, 2019).
//!
//! `d_j` is how many inputs reach `j`, `R'_i = Σ_j R_j / stab d_j`, ε = 1e-6, whatever the input and the weights
//!
//! - bias: not in it.
//! - zero denominators: none; padding is not counted.

use super::{EPSILON, InputPart, ParameterPart, Ratio, Stabiliser, Term};

/// LRP-flat.
#[must_use]
pub fn flat() -> Ratio {
    let term = Term::new(InputPart::Ones, ParameterPart::Ones, None);
    Ratio::of("flat", vec![term], Stabiliser::Signed(EPSILON))
}
