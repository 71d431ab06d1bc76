//! A minimal engine for convolutional classifiers: layers with an explicit forward and backward, graphs of named nodes,
//! and the backward walk that explanations are made of.
//!
//! The data's way: [`Graph`] (architecture) → [`Graph::bind`] (parameters by name) → [`Network`] →
//! [`Network::forward`] → [`Tape`] → [`Network::backward`] under a rule of the caller's choice.
//!
//! Tensors are `f32`, dense, row-major; images are `[n, c, h, w]`. There is no training mode, no global state, and
//! nothing is recorded that was not asked for ([`Retain`]).
#![forbid(unsafe_code)]

mod backward;
mod channel_gradient;
mod descent;
mod error;
mod fold;
mod graph;
mod layer;
mod logits;
mod memory;
mod names;
mod network;
mod op;
mod parameters;
mod plan;
mod points;
mod resume;
mod tape;
mod tensor;
mod weight;

pub mod layers;

pub use backward::Ruling;
pub use descent::Descent;
pub use error::{Error, Result};
pub use gradex_kernels::blocked::Algorithm;
pub use gradex_kernels::{Level, Padding, Part, multiply_adds, together};
pub use graph::{Graph, GraphBuilder, Node, NodeId};
pub use layer::{Affine, Cache, Kept, Layer, Params, Site};
pub use memory::{Footprint, Saved};
pub use names::{meant, nearest};
pub use network::Network;
pub use op::Op;
pub use parameters::{Parameter, is_bookkeeping};
pub use plan::{Choice, Outline, PlannedStep};
pub use points::{Activation, Point};
pub use tape::{ChannelSums, Retain, Tape};
pub use tensor::{Tensor, is_finite, values};
pub use weight::Weight;
