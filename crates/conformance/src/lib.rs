//! Proves a relevance rule on every kind of layer and its attributes, one layer at a time, without a network.
//!
//! A rule of your own, which halves what arrives and says so, in five lines:
//!
//! ```
//! # use gradex_engine::{Result, Site, Tensor};
//! # use gradex_saliency::rules::{Absorbed, Pass, Propagated, Rule};
//! # #[derive(Debug)]
//! # struct Half;
//! # impl Rule for Half {
//! #     fn name(&self) -> String {
//! #         "half".to_owned()
//! #     }
//! #     fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
//! #         let all = Pass.propagate(site, upstream)?;
//! #         let inputs = all.inputs.iter().map(|input| input / 2.0).collect();
//! #         let stabiliser = upstream.iter().map(|r| f64::from(*r) / 2.0).sum();
//! #         Ok(Propagated { inputs, absorbed: Absorbed { stabiliser, ..Absorbed::default() } })
//! #     }
//! # }
//! use gradex_conformance::{Expectations, check};
//!
//! let expectations = Expectations::default()
//!     .takes(|case| case.scene.op.is_activation())
//!     .formula(|_, upstream| Some(upstream.iter().map(|r| r / 2.0).collect()));
//! let report = check(&Half, &expectations)?;
//! assert!(report.passes(), "{report}");
//! # Ok::<(), gradex_engine::Error>(())
//! ```
//!
//! A [`Case`] is a layer in one forward pass, with its dense float64 [`Jacobian`]; [`Expectations`] say what the rule
//! promises, [`Check`] lists what is checked, and the [`Report`] names every case that fails, and how ([`Fault`]).
//! [`Expectations::shares`] evaluates a formula of shares on the dense matrix, loop by loop ([`replica`]).
//! A rule that panics, or sends NaN or tensors of wrong shapes, is reported, not obeyed.
#![forbid(unsafe_code)]

mod attempt;
mod case;
mod cases;
mod check;
mod checks;
mod definitions;
mod expectations;
mod fault;
mod jacobian;
mod known;
mod layer;
mod report;
mod scene;
mod table;

pub mod replica;
pub mod shares;

pub use case::Case;
pub use cases::cases;
pub use check::{check, check_on};
pub use checks::Check;
pub use expectations::Expectations;
pub use fault::Fault;
pub use jacobian::Jacobian;
pub use known::{Known, check_known, known};
pub use layer::layers;
pub use replica::Expected;
pub use report::{CaseOutcome, CaseResult, Counts, Failure, Report};
pub use scene::Scene;
pub use shares::Shares;
pub use table::Table;
