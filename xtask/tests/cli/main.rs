//! `xtask` as its users run it.
#![allow(clippy::unwrap_used)]

mod conformance;
mod fixtures;
mod import;
mod program;
#[path = "../../src/scratch.rs"]
mod scratch;
