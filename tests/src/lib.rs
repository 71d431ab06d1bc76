//! What the golden tests share: cases found by walking `fixtures/`, and comparisons that report.
//!
//! A missing or altered fixture is a failed test: everything here panics with what to do.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
mod compare;
mod layer_case;
mod network_case;
pub mod oracle;

pub use case::{Case, cases, fixtures};
pub use compare::{Difference, Tolerance, difference};
pub use layer_case::LayerCase;
pub use network_case::generated_network;
