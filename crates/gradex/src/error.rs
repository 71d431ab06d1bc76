use std::fmt;

/// What can go wrong between a photograph and its explanation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Reading weights, photographs or tensors.
    #[cfg(feature = "weights")]
    Formats(gradex_formats::Error),
    /// Decoding, resizing or drawing.
    #[cfg(feature = "render")]
    Render(gradex_render::Error),
    /// The architecture, its parameters, or a class.
    Model(gradex_models::Error),
    /// The explanation itself.
    Saliency(gradex_saliency::Error),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "weights")]
            Self::Formats(error) => error.fmt(f),
            #[cfg(feature = "render")]
            Self::Render(error) => error.fmt(f),
            Self::Model(error) => error.fmt(f),
            Self::Saliency(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "weights")]
impl From<gradex_formats::Error> for Error {
    fn from(error: gradex_formats::Error) -> Self {
        Self::Formats(error)
    }
}

#[cfg(feature = "render")]
impl From<gradex_render::Error> for Error {
    fn from(error: gradex_render::Error) -> Self {
        Self::Render(error)
    }
}

impl From<gradex_models::Error> for Error {
    fn from(error: gradex_models::Error) -> Self {
        Self::Model(error)
    }
}

impl From<gradex_saliency::Error> for Error {
    fn from(error: gradex_saliency::Error) -> Self {
        Self::Saliency(error)
    }
}

impl From<gradex_engine::Error> for Error {
    fn from(error: gradex_engine::Error) -> Self {
        Self::Saliency(error.into())
    }
}
