//! What did a convolutional image classifier look at?
//!
//! ```no_run
//! use gradex::{Explainer, Fit, Model, Photograph, Style, overlay, top, write_png};
//!
//! # fn main() -> gradex::Result<()> {
//! let model = gradex::embedded()?;
//! let photograph = Photograph::open("fixtures/images/chelsea.png")?;
//! let seen = gradex::see(&model, &photograph, Fit::Squash)?;
//! let explainer = Explainer::new(&model.network);
//! let tape = explainer.forward(&seen.input)?;
//! let best = top(tape.image_logits(0)?, 1)[0];
//! let explanation = &explainer.explain(&tape, &[best.class])?[0];
//! let picture = overlay(&photograph, explanation.fine.map(), &seen.region, &Style::default())?;
//! write_png("chelsea-explained.png", &picture)?;
//! # Ok(()) }
//! ```
//!
//! The parts, each a crate of its own: [`engine`] runs networks forward and backward, [`models`] knows architectures,
//! [`saliency`] explains, [`metrics`] measures maps, [`formats`] reads weights, [`render`] reads and draws pictures.
#![forbid(unsafe_code)]

mod bounds;
mod error;
#[cfg(feature = "render")]
mod seen;
#[cfg(feature = "render")]
mod view;
#[cfg(feature = "weights")]
mod weights;

pub use bounds::bounds;
pub use error::{Error, Result};
#[cfg(feature = "render")]
pub use seen::{Seen, see, see_at};
#[cfg(feature = "render")]
pub use view::{Question, View};
#[cfg(feature = "embedded")]
pub use weights::embedded;
#[cfg(feature = "weights")]
pub use weights::{from_bytes, load, model};

pub use gradex_engine as engine;
#[cfg(feature = "weights")]
pub use gradex_formats as formats;
pub use gradex_metrics as metrics;
pub use gradex_models as models;
#[cfg(feature = "render")]
pub use gradex_render as render;
pub use gradex_saliency as saliency;

pub use gradex_engine::{Network, NodeId, Tape, Tensor};
pub use gradex_kernels::Level;
pub use gradex_models::{ARCHITECTURES, Architecture, Model, class_of, imagenet_labels};
#[cfg(feature = "files")]
pub use gradex_render::write_png;
#[cfg(feature = "render")]
pub use gradex_render::{ColourMap, Fit, Photograph, Region, Style, overlay};
pub use gradex_saliency::{
    CoarseMap, Explainer, Explanation, Extrapolation, Heatmap, Method, Prediction, Progress, Reason, Target, methods,
    top,
};
