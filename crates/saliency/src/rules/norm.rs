//! The share of each input in an average or a sum: LRP-ε for layers without parameters (average pool, residual sum).
//!
//! `z_j = Σ_i x_i w_ij`, `R'_i = x_i Σ_j w_ij R_j / (z_j + ε sign(z_j))`, ε = 1e-6, with the layer's own weights
//! (G. Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019, table 1: LRP-ε with the implicit weights).
//!
//! - bias: such layers have none. On a layer that has one it is LRP-ε.
//! - zero denominators: the sign of zero is 1, so they are ε.

use super::{EPSILON, Ratio, epsilon};

/// The share of each input.
#[must_use]
pub fn norm() -> Ratio {
    Ratio { name: "norm".to_owned(), ..epsilon(EPSILON) }
}
