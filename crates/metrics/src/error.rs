use std::fmt;

/// What can go wrong in a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Two arrays that belong together have different sizes.
    Size {
        /// Which array.
        what: &'static str,
        /// The size that it should have.
        expected: Vec<usize>,
        /// The size that it has.
        actual: Vec<usize>,
    },
    /// NaN or an infinity where there should be a number.
    NonFinite {
        /// Where.
        what: &'static str,
    },
    /// A setting makes no sense.
    Setting {
        /// Which.
        what: &'static str,
        /// Why not, and what to do.
        why: String,
    },
    /// A mask without a pixel: nothing can be found there.
    EmptyMask,
    /// A scorer gave another number of scores than there were images.
    Scores {
        /// Images.
        images: usize,
        /// Scores.
        scores: usize,
    },
    /// Whoever waited wants no more.
    Stopped,
    /// The network or the method failed.
    Saliency(gradex_saliency::Error),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { what, expected, actual } => {
                write!(f, "the {what} is of size {actual:?}, expected {expected:?}: resize it first")
            }
            Self::NonFinite { what } => write!(f, "the {what} holds NaN or infinite values"),
            Self::Setting { what, why } => write!(f, "{what}: {why}"),
            Self::EmptyMask => f.write_str("the mask is empty, so nothing can be found in it: leave the image out"),
            Self::Scores { images, scores } => write!(f, "{scores} scores for {images} images; give one for each"),
            Self::Stopped => f.write_str("stopped"),
            Self::Saliency(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

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
