//! Does a map tell the truth? Measures of maps: each takes its input by reference, is a function of it and of a seed, and
//! sends what it must ask the network through it in batches.
//!
//! | asked | metrics |
//! |---|---|
//! | does the score follow the map? | [`Deletion`], [`Insertion`], [`DropIncrease`], [`Road`], [`Infidelity`] |
//! | is it where the object is? | [`grid_pointing_game`], [`pointing_game`], [`energy`], [`iou`] |
//! | does it hold still? | [`MaxSensitivity`] |
//! | is it simple? | [`gini`], [`entropy`] |
//! | does it depend on what was learned? | [`randomised`], and the rank correlation of two maps |
//! | is it better than nothing? | [`baselines`] |
//! | is a difference more than chance? | [`Interval`], [`sign_flip`] |
//!
//! A metric that asks for scores takes a [`Scorer`]: the probability of a class ([`Probability`]), or any closure.
//! Images are `[c, h, w]`, normalised as the network expects; maps are `[h, w]`, of the image's size, large where the
//! evidence is.
#![forbid(unsafe_code)]

pub mod baselines;

mod bootstrap;
mod curve;
mod deletion;
mod drop_increase;
mod energy;
mod entropy;
mod error;
mod gini;
mod grid;
mod infidelity;
mod insertion;
mod iou;
mod mask;
mod max_sensitivity;
mod neighbours;
mod pointing;
mod randomisation;
mod ranking;
mod road;
mod scorer;
mod sign_flip;
mod student;
mod wilson;
mod window;

pub use bootstrap::{Interval, RESAMPLES};
pub use curve::Curve;
pub use deletion::Deletion;
pub use drop_increase::DropIncrease;
pub use energy::energy;
pub use entropy::entropy;
pub use error::{Error, Result};
pub use gini::gini;
pub use grid::{grid_pointing_game, montage};
pub use infidelity::{Falls, Infidelity, Square};
pub use insertion::Insertion;
pub use iou::{THRESHOLD, iou};
pub use max_sensitivity::MaxSensitivity;
pub use pointing::{TOLERANCE, pointing_game};
pub use randomisation::{learned_layers, randomised};
pub use ranking::hottest_first;
pub use road::Road;
pub use scorer::{BATCH, Probability, Scorer};
pub use sign_flip::{FEWEST, sign_flip};
