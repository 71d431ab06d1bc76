//! Photographs as a network sees them.

use gradex_engine::Tensor;
use gradex_models::Model;
use gradex_render::{Fit, Photograph, Region};

use crate::error::Result;

/// A photograph as a network's input.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The input, `[1, 3, h, w]`, normalised.
    pub input: Tensor,
    /// The part of the photograph that it shows.
    pub region: Region,
}

/// The photograph at the size that the model was trained for.
///
/// # Errors
/// As [`see_at`].
pub fn see(model: &Model, photograph: &Photograph, fit: Fit) -> Result<Seen> {
    see_at(model, photograph, fit, model.architecture.preprocessing.size)
}

/// The photograph at another size, `[h, w]`.
///
/// # Errors
/// [`Error::Render`](crate::Error::Render) where the size cannot be made.
pub fn see_at(model: &Model, photograph: &Photograph, fit: Fit, size: [usize; 2]) -> Result<Seen> {
    let fitted = photograph.resized(size, fit)?;
    let input = model.architecture.preprocessing.tensor(fitted.pixels.view())?;
    Ok(Seen { input, region: fitted.region })
}
