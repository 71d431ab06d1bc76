//! Models from files, and the one inside the program.

use std::collections::BTreeMap;
use std::path::Path;

use gradex_engine::Weight;
use gradex_formats::{StateDict, Stored};
use gradex_models::{Architecture, Model};

use crate::error::Result;

/// The default model, EfficientNet-Lite0, whose weights are part of the program.
///
/// # Errors
/// None, as long as the program is whole.
#[cfg(feature = "embedded")]
pub fn embedded() -> Result<Model> {
    let state = StateDict::stored_from_bytes(gradex_models::EMBEDDED_WEIGHTS)?;
    model(Architecture::find(gradex_models::EMBEDDED_ARCHITECTURE)?, state)
}

/// A model with weights from a file: `.safetensors`, `.npz` with the feature `npz`, or a folder of `.npy`.
///
/// # Errors
/// [`Error::Formats`](crate::Error::Formats) where the file cannot be read, [`Error::Model`](crate::Error::Model) where
/// there is no such architecture or the weights are not its own.
pub fn load(architecture: &str, weights: impl AsRef<Path>) -> Result<Model> {
    let architecture = Architecture::find(architecture)?;
    model(architecture, StateDict::open_stored(weights.as_ref())?)
}

/// A model with weights from the content of a `.safetensors` or `.npz` file. Without a name the architecture is the one
/// that the file names, else EfficientNet-Lite0.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(architecture: Option<&str>, weights: &[u8]) -> Result<Model> {
    let state = StateDict::stored_from_bytes(weights)?;
    let named = architecture.or_else(|| state.metadata.get("architecture").map(String::as_str));
    let architecture = Architecture::find(named.unwrap_or("efficientnet-lite0"))?;
    model(architecture, state)
}

/// Joins an architecture with weights as they were stored.
///
/// # Errors
/// As [`Model::new`].
pub fn model(architecture: &'static Architecture, state: StateDict<Stored>) -> Result<Model> {
    let weight = |stored: Stored| match stored {
        Stored::Single(tensor) => Weight::from(tensor),
        Stored::Half(bits) => Weight::from(bits),
    };
    let weights: BTreeMap<String, Weight> =
        state.tensors.into_iter().map(|(name, tensor)| (name, weight(tensor))).collect();
    Ok(Model::new(architecture, weights)?)
}
