//! What can be wrong with a file of weights.

use std::path::PathBuf;
use std::{fmt, io};

use crate::Dtype;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a state dict could not be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file or folder.
    Io {
        /// What was attempted, as in "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// Something is wrong inside a file, an archive entry or a tensor.
    In {
        /// The file, entry or tensor.
        place: String,
        /// What is wrong there.
        source: Box<Error>,
    },
    /// The content is of none of the formats that are read.
    UnknownFormat {
        /// What the content looks like, and what to do about it.
        found: String,
    },
    /// A folder, device or pipe in place of a file.
    NoFile,
    /// A PyTorch checkpoint, which is read only where one is asked for.
    ImportNeeded,
    /// A zip archive, `.npz` or `.pth`, in a build without the feature `npz`.
    ArchivesLeftOut,
    /// The bytes break the rules of their format: damaged, truncated or hostile.
    Malformed {
        /// The format.
        format: &'static str,
        /// Which rule, with the numbers.
        reason: String,
    },
    /// A valid file that uses something which is not read.
    Unsupported {
        /// The format.
        format: &'static str,
        /// What is used.
        what: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// Some part has another length than was declared.
    Length {
        /// The part.
        what: String,
        /// Bytes declared.
        declared: u128,
        /// Bytes there.
        found: u64,
    },
    /// An archive that inflates to far more than it could honestly hold.
    Inflation {
        /// Bytes that its entries declare together, as far as they were read.
        declared: u128,
        /// Bytes allowed for an archive of this length.
        limit: u64,
    },
    /// A pickle names something other than the few globals that tensors need. Nothing was executed.
    ForbiddenGlobal {
        /// Module and name, as in `os.system`.
        name: String,
        /// Byte offset in the pickle.
        offset: usize,
    },
    /// A pickle uses an opcode that tensors do not need.
    ForbiddenOpcode {
        /// The byte.
        opcode: u8,
        /// Python's name for it, where it has one.
        name: Option<&'static str>,
        /// Byte offset in the pickle.
        offset: usize,
    },
    /// Two tensors have the same name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// No tensors at all.
    Empty,
    /// A finite value that the type to convert into cannot hold.
    OutOfRange {
        /// The value.
        value: f64,
        /// The type.
        dtype: Dtype,
    },
    /// A name or path that cannot be written.
    Unwritable {
        /// Which, and why.
        reason: String,
    },
}

impl Error {
    pub(crate) fn malformed(format: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { format, reason: reason.into() }
    }

    pub(crate) fn within(self, place: impl Into<String>) -> Self {
        Self::In { place: place.into(), source: Box::new(self) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::In { place, source } => write!(f, "{place}: {source}"),
            Self::UnknownFormat { found } => {
                write!(f, "not a state dict (.safetensors, .npz, or a folder of .npy): {found}")
            }
            Self::NoFile => f.write_str("not a regular file"),
            Self::ImportNeeded => f.write_str(
                "a PyTorch checkpoint, which is not read at run time; convert it once with \
                 `cargo xtask import FILE --arch NAME --out FILE.safetensors`",
            ),
            Self::ArchivesLeftOut => {
                f.write_str("a zip archive (.npz or .pth), which this build does not read; save it as .safetensors")
            }
            Self::Malformed { format, reason } => write!(f, "damaged {format}: {reason}"),
            Self::Unsupported { format, what, advice } => write!(f, "unsupported in {format}: {what}; {advice}"),
            Self::Length { what, declared, found } => {
                write!(f, "{what} should be {declared} bytes and {found} are there: truncated or damaged")
            }
            Self::Inflation { declared, limit } => write!(
                f,
                "the archive inflates to {declared} bytes, more than the {limit} allowed for one of its length; \
                 if it is trusted, save it again without compression"
            ),
            Self::ForbiddenGlobal { name, offset } => write!(
                f,
                "the pickle asks for {} (at byte {offset}), which no tensor needs: it was not executed; save a plain \
                 state dict, `torch.save(model.state_dict(), FILE)`",
                quoted(name)
            ),
            Self::ForbiddenOpcode { opcode, name, offset } => write!(
                f,
                "the pickle uses opcode {} (0x{opcode:02x}, at byte {offset}), which no tensor needs",
                name.unwrap_or("unknown")
            ),
            Self::DuplicateName { name } => write!(f, "two tensors are named {}", quoted(name)),
            Self::Empty => f.write_str("no tensors"),
            Self::OutOfRange { value, dtype } => write!(f, "the value {value:e} does not fit {dtype}"),
            Self::Unwritable { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::In { source, .. } => Some(source),
            Self::UnknownFormat { .. }
            | Self::NoFile
            | Self::ImportNeeded
            | Self::ArchivesLeftOut
            | Self::Malformed { .. }
            | Self::Unsupported { .. }
            | Self::Length { .. }
            | Self::Inflation { .. }
            | Self::ForbiddenGlobal { .. }
            | Self::ForbiddenOpcode { .. }
            | Self::DuplicateName { .. }
            | Self::Empty
            | Self::OutOfRange { .. }
            | Self::Unwritable { .. } => None,
        }
    }
}

/// A name out of a file, in backticks, escaped and cut to a length that fits a message.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", cut(name, 80))
}

/// The beginning of a text out of a file, escaped.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    let mut shown: String = text.chars().take(characters).flat_map(char::escape_debug).collect();
    if text.chars().nth(characters).is_some() {
        shown.push_str("...");
    }
    shown
}
