//! Does a map tell the truth? Measures of maps: each takes its input by reference, is a function of it and of a seed, and
//! sends what it must ask the network through it in batches.
//!
//! A metric that asks for scores takes a [`Scorer`]: the probability of a class ([`Probability`]), or any closure.
//! Images are `[c, h, w]`, normalised as the network expects; maps are `[h, w]`, of the image's size, large where the
//! evidence is.
#![forbid(unsafe_code)]

mod curve;
mod deletion;
mod error;
mod insertion;
mod ranking;
mod scorer;

pub use curve::Curve;
pub use deletion::Deletion;
pub use error::{Error, Result};
pub use insertion::Insertion;
pub use ranking::hottest_first;
pub use scorer::{BATCH, Probability, Scorer};
