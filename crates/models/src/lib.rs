//! The classifiers that gradex knows, with torchvision's names and numerics: architectures, preprocessing, labels,
//! the embedded default, and generated parameters for tests and benches.
#![forbid(unsafe_code)]

mod architecture;
mod architectures;
mod error;
mod generated;
mod labels;
mod model;
mod preprocessing;

#[cfg(feature = "embedded")]
mod embedded;

pub use architecture::{ARCHITECTURES, Architecture};
pub use error::{Error, Result};
pub use generated::{generated_input, generated_parameters, generated_tensor, uniform};
pub use labels::{class_of, imagenet_labels};
pub use model::Model;
pub use preprocessing::Preprocessing;

#[cfg(feature = "embedded")]
pub use embedded::{EMBEDDED_ARCHITECTURE, EMBEDDED_WEIGHTS};
