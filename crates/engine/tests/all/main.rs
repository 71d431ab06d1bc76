//! The tests of this crate that can share a program, so that it is linked once.

mod backward;
mod channel_gradient;
#[path = "../common/mod.rs"]
mod common;
mod descent;
mod fold;
mod forward;
mod graph;
mod parameters;
mod planned;
mod points;
mod resume;
