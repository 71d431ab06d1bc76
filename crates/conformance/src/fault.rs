//! What a check found wrong.

use std::fmt;

use gradex_engine::Error;

/// How a rule fails a check.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// It panicked, with this message.
    Panicked(String),
    /// It failed where it should not, or with the wrong kind of error.
    Failed(Error),
    /// It sends another number of tensors than the layer has inputs.
    Count {
        /// Inputs of the layer.
        expected: usize,
        /// Tensors sent.
        actual: usize,
    },
    /// It sends a tensor of another shape than the input's.
    Shape {
        /// Which input, from 0.
        input: usize,
        /// The input's shape.
        expected: Vec<usize>,
        /// The shape sent.
        actual: Vec<usize>,
    },
    /// It sends NaN or an infinity, or says that it absorbed such.
    NonFinite,
    /// It accepts what it must refuse with a typed error.
    Accepted(&'static str),
    /// A number is not what it should be.
    Differs {
        /// Which number.
        what: &'static str,
        /// Its place among all of them, row-major.
        place: usize,
        /// What it should be.
        expected: f64,
        /// What it is.
        actual: f64,
        /// How far the two may be apart.
        allowed: f64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "it panicked: {message}"),
            Self::Failed(error) => write!(f, "it failed: {error}"),
            Self::Count { expected, actual } => write!(f, "it sends {actual} tensor(s) to {expected} input(s)"),
            Self::Shape { input, expected, actual } => {
                write!(f, "it sends {actual:?} to input {input}, whose shape is {expected:?}")
            }
            Self::NonFinite => f.write_str("it sends NaN or infinite values"),
            Self::Accepted(what) => write!(f, "it accepts {what}"),
            Self::Differs { what, place, expected, actual, allowed } => {
                write!(f, "{what} {place} is {actual:e}, not {expected:e} (within {allowed:.1e})")
            }
        }
    }
}
