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
    /// There must be one target for each image of the batch.
    TargetsPerImage {
        /// Images on the tape.
        images: usize,
        /// Targets asked for.
        targets: usize,
    },
    /// A custom target's derivative does not fit the logits, or is not finite.
    Objective {
        /// Its length.
        length: usize,
        /// The number of logits.
        classes: usize,
    },
    /// The tape's batch has no such image.
    NoSuchImage {
        /// The image asked for, from 0.
        image: usize,
        /// How many there are.
        images: usize,
    },
    /// NaN or an infinity where there should be a number.
    NonFinite {
        /// What.
        what: String,
    },
    /// A method asked for a gradient that it had not declared ([`Method::gradients`](crate::Method::gradients)).
    Undeclared {
        /// The point's name.
        point: String,
    },
    /// The method cannot be applied to this network, at this point, or with these settings.
    Inapplicable {
        /// The method's name.
        method: &'static str,
        /// Why, and what to do.
        why: String,
    },
    /// A text does not describe rules.
    Rules {
        /// The part of the text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A text does not describe an extrapolation.
    Extrapolation {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Whoever watched the progress wanted no more.
    Stopped {
        /// Passes done.
        done: usize,
        /// All passes.
        total: usize,
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
            Self::TargetsPerImage { images, targets } => {
                write!(f, "{targets} targets for {images} images; give one for each image")
            }
            Self::Objective { length, classes } => write!(
                f,
                "a custom target must give a finite score and a finite derivative for each of {classes} logits, not {length}"
            ),
            Self::Undeclared { point } => {
                write!(f, "a method asked for the gradient at `{point}`, which its `gradients` does not name")
            }
            Self::Inapplicable { method, why } => write!(f, "{method} cannot be applied: {why}"),
            Self::Rules { text, why } => write!(f, "`{text}` is no rule for layers: {why}"),
            Self::Extrapolation { text, why } => write!(f, "`{text}` is no extrapolation: {why}"),
            Self::Stopped { done, total } => write!(f, "stopped after {done} of {total} passes"),
            Self::NoSuchImage { image, images } => write!(f, "there is no image {image} in a batch of {images}"),
            Self::NonFinite { what } => write!(f, "the {what} holds NaN or infinite values"),
            Self::Engine(source) => write!(f, "{source}"),
            Self::Kernel(source) => write!(f, "{source}"),
        }
    }
}

impl Error {
    /// Whether the method cannot answer on this network or at this point, where others can.
    #[must_use]
    pub fn does_not_apply(&self) -> bool {
        matches!(self, Self::Inapplicable { .. } | Self::NotAnImage { .. } | Self::Unrelated { .. })
    }

    /// What to try, where the message does not already say it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NonFinite { .. } => Some(OUT_OF_RANGE),
            Self::Engine(error) => is_out_of_range(error).then_some(OUT_OF_RANGE),
            Self::NoSuchClass { .. } => Some("give a class of this network, or choose another model"),
            Self::Unrelated { .. } => Some("choose a point that the classification goes through"),
            Self::Stopped { .. } => Some("take fewer samples, or a method of one pass"),
            Self::UnknownName { .. }
            | Self::NotAnImage { .. }
            | Self::TargetsPerImage { .. }
            | Self::Objective { .. }
            | Self::NoSuchImage { .. }
            | Self::Undeclared { .. }
            | Self::Inapplicable { .. }
            | Self::Rules { .. }
            | Self::Extrapolation { .. }
            | Self::Kernel(_) => None,
        }
    }
}

const OUT_OF_RANGE: &str = "check that the input is normalised as the network expects, and that the weights are this \
                            architecture's; a later point is further from overflow";

fn is_out_of_range(error: &gradex_engine::Error) -> bool {
    if let gradex_engine::Error::Node { source, .. } = error {
        return is_out_of_range(source);
    }
    matches!(error, gradex_engine::Error::NonFinite { .. })
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
