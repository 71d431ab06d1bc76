use std::fmt;

/// What can be wrong with the slices given to a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A slice does not have the length that the shape asks for.
    Length {
        /// Which slice: `input`, `weight`, `output`, ...
        what: &'static str,
        /// The length the shape asks for.
        expected: usize,
        /// The length it has.
        actual: usize,
    },
    /// The shape contradicts itself: a zero stride, channels that the groups do not divide, a window that leaves the padded input.
    Shape(&'static str),
    /// `GRADEX_LEVEL` names no set of instructions that this machine and this build have.
    Level {
        /// The name given.
        name: String,
        /// The names that would do.
        available: Vec<&'static str>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { what, expected, actual } => {
                write!(f, "`{what}` has {actual} elements where the shape asks for {expected}")
            }
            Self::Shape(why) => f.write_str(why),
            Self::Level { name, available } => {
                write!(f, "GRADEX_LEVEL: there is no level `{name}` here; there is {}", available.join(", "))
            }
        }
    }
}

impl std::error::Error for Error {}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks one slice's length.
pub(crate) fn expect_len(what: &'static str, actual: usize, expected: usize) -> Result<()> {
    if actual == expected { Ok(()) } else { Err(Error::Length { what, expected, actual }) }
}
