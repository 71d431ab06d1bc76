use std::fmt;

/// What can go wrong in an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No method, or no mode of extrapolation, has this name.
    UnknownName {
        /// `method` or `extrapolation`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// All there are.
        known: Vec<&'static str>,
    },
    /// The point's output is not an image `[n, c, h, w]`.
    NotAnImage {
        /// The point's name.
        point: String,
        /// The shape of its output.
        shape: Vec<usize>,
    },
    /// The logits do not depend on the point.
    Unrelated {
        /// The point's name.
        point: String,
    },
    /// The network has no such class.
    NoSuchClass {
        /// The class asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// There must be one class for each image of the batch.
    ClassesPerImage {
        /// Images on the tape.
        images: usize,
        /// Classes asked for.
        classes: usize,
    },
    /// The tape's batch has no such image.
    NoSuchImage {
        /// The image asked for, from 0.
        image: usize,
        /// How many there are.
        images: usize,
    },
    /// A map holds NaN or an infinity.
    NonFinite {
        /// Which map.
        what: &'static str,
    },
    /// The engine failed.
    Engine(gradex_engine::Error),
    /// A kernel refused its slices.
    Kernel(gradex_kernels::Error),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName { kind, name, known } => {
                write!(f, "there is no {kind} `{name}`; there are: {}", known.join(", "))
            }
            Self::NotAnImage { point, shape } => write!(
                f,
                "the output of `{point}` is {shape:?}, not an image [n, c, h, w]; choose a point before the network flattens"
            ),
            Self::Unrelated { point } => write!(f, "the logits do not depend on `{point}`"),
            Self::NoSuchClass { class, classes } => {
                write!(f, "there is no class {class}: the network has classes 0 to {}", classes.saturating_sub(1))
            }
            Self::ClassesPerImage { images, classes } => {
                write!(f, "{classes} classes for {images} images; give one class for each image")
            }
            Self::NoSuchImage { image, images } => write!(f, "there is no image {image} in a batch of {images}"),
            Self::NonFinite { what } => write!(f, "the {what} holds NaN or infinite values"),
            Self::Engine(source) => write!(f, "{source}"),
            Self::Kernel(source) => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<gradex_engine::Error> for Error {
    fn from(error: gradex_engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<gradex_kernels::Error> for Error {
    fn from(error: gradex_kernels::Error) -> Self {
        Self::Kernel(error)
    }
}
