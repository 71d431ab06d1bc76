//! gradex for C, and for whatever can call C. The contract is in `include/gradex.h`, which is generated from here.
//!
//! Three handles, each opaque and immutable: a [`GradexModel`] is a network with its weights, a [`GradexView`] a
//! photograph that it has looked at, a [`GradexExplanation`] the answer for one class. Each keeps alive what it came
//! from, so they may be freed in any order, and all may be used by several threads at once.
//!
//! Every function that can fail returns a [`GradexStatus`]; [`gradex_error`] has the message. What is returned is
//! copied into buffers that the caller owns. No panic crosses the border.
//!
//! `unsafe` is what a C interface cannot do without: this crate reads and writes through the caller's pointers, in
//! `border.rs` alone. Each exported function states what its caller must keep to.
#![deny(unsafe_op_in_unsafe_fn)]

mod border;
mod explanation;
mod model;
mod names;
mod status;
mod view;

pub use explanation::{
    GradexExplanation, GradexShape, gradex_explanation_coarse, gradex_explanation_fine, gradex_explanation_free,
    gradex_explanation_overlay, gradex_explanation_plain, gradex_explanation_reason,
};
pub use model::{
    GradexModel, GradexSize, gradex_model_embedded, gradex_model_free, gradex_model_from_bytes, gradex_model_input,
    gradex_model_name,
};
pub use names::{GradexList, gradex_name, gradex_version};
pub use status::{GradexStatus, gradex_error};
pub use view::{
    GradexPrediction, GradexQuestion, GradexView, GradexWatch, gradex_view_decode, gradex_view_explain,
    gradex_view_free, gradex_view_logits, gradex_view_pixels, gradex_view_size, gradex_view_top,
};
