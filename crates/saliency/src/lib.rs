//! What did the network look at? Attribution methods on the engine's tape, and Gradual Extrapolation of their maps.
//!
//! [`Explainer::forward`] runs the network once; [`Explainer::explain`] asks the tape about a target: a method gives a
//! [`CoarseMap`] at a point, [`extrapolate`](extrapolate::extrapolate) turns it into a [`Heatmap`] of the input's size.
#![forbid(unsafe_code)]

mod coarse_map;
mod error;
mod explainer;
mod fold;
mod heatmap;
mod influence;
mod ledger;
mod memory;
mod predictions;
mod random;
mod rank;
mod reason;
mod relevance;
mod run;
mod shared;
mod target;

pub mod composites;
pub mod extrapolate;
pub mod methods;
pub mod rules;

pub use coarse_map::CoarseMap;
pub use composites::Composite;
pub use error::{Error, Result};
pub use explainer::{Explainer, Explanation};
pub use extrapolate::Extrapolation;
pub use heatmap::Heatmap;
pub use influence::Influence;
pub use ledger::{Entry, Ledger, TOLERANCE, Warning};
pub use memory::{Memory, Work};
pub use methods::Method;
pub use predictions::{Prediction, top};
pub use random::Random;
pub use rank::rank_correlation;
pub use reason::Reason;
pub use relevance::Relevance;
pub use run::{Cost, Progress, Run, Watch};
pub use target::{Objective, Target};
