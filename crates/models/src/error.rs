use std::fmt;

/// What can go wrong with a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No architecture has this name.
    UnknownArchitecture {
        /// The name asked for.
        name: String,
        /// The names most like it.
        nearest: Vec<String>,
    },
    /// No class has this label.
    UnknownClass {
        /// What was asked for.
        class: String,
        /// The labels most like it.
        nearest: Vec<String>,
    },
    /// The name of a class has no letter.
    EmptyClass,
    /// No class has this number.
    ClassNumber {
        /// The number asked for.
        class: String,
        /// How many classes there are.
        classes: usize,
    },
    /// Pixels of another size or number of channels than the preprocessing takes.
    Pixels {
        /// What it takes.
        expected: &'static str,
        /// The shape given.
        actual: Vec<usize>,
    },
    /// The engine refused the graph or its parameters.
    Engine(gradex_engine::Error),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownArchitecture { name, nearest } => {
                write!(f, "there is no model `{name}`; nearest: `{}`", nearest.join("`, `"))
            }
            Self::UnknownClass { class, nearest } => {
                write!(f, "there is no class `{class}`; nearest: `{}`", nearest.join("`, `"))
            }
            Self::EmptyClass => f.write_str("the name of a class is empty: give a label, or a number"),
            Self::ClassNumber { class, classes } => {
                write!(f, "there is no class `{class}`: classes are 0 to {}, or labels", classes.saturating_sub(1))
            }
            Self::Pixels { expected, actual } => write!(f, "expected {expected}, not an array of shape {actual:?}"),
            Self::Engine(source) => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<gradex_engine::Error> for Error {
    fn from(error: gradex_engine::Error) -> Self {
        Self::Engine(error)
    }
}
