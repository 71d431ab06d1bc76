use std::fmt;
use std::io;
#[cfg(feature = "files")]
use std::path::Path;
use std::path::PathBuf;

use image::ImageError;

use crate::photograph::{MAX_BYTES, MAX_PIXELS, MAX_SIDE};

/// What can go wrong between a file and an overlay.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Something went wrong with this file.
    File {
        /// The file that was read or written.
        path: PathBuf,
        /// What went wrong.
        cause: Box<Error>,
    },
    /// The operating system could not read the file.
    Read(io::Error),
    /// The operating system could not write the file, or what was drawn could not be encoded.
    Write(ImageError),
    /// There are no bytes at all.
    Empty,
    /// The bytes begin like none of the formats that are read.
    UnknownFormat,
    /// The bytes end before the image does.
    Truncated,
    /// The bytes begin like an image of this format, and then contradict it or use a part of it that is not read.
    Decode {
        /// The format the first bytes announce.
        format: &'static str,
        /// What the decoder found.
        cause: ImageError,
    },
    /// A side of the photograph is zero.
    NoPixels {
        /// Its height and width.
        size: [usize; 2],
    },
    /// The photograph has more pixels than [`MAX_PIXELS`], or a side longer than [`MAX_SIDE`].
    TooManyPixels {
        /// Its height and width.
        size: [usize; 2],
    },
    /// The first frame of an animation is larger than its picture.
    Frame {
        /// The frame's height and width.
        frame: [usize; 2],
        /// The picture's height and width.
        canvas: [usize; 2],
    },
    /// The file, or the photograph decoded, takes more than [`MAX_BYTES`].
    TooManyBytes,
    /// An array does not have the shape it should have.
    Shape {
        /// Which array: `pixels`, `heat`.
        what: &'static str,
        /// The shape it should have.
        expected: &'static str,
        /// The shape it has.
        actual: Vec<usize>,
    },
    /// A network's input size with a side of zero or above [`MAX_NETWORK_SIDE`](crate::MAX_NETWORK_SIDE).
    NetworkSize {
        /// The height and width asked for.
        size: [usize; 2],
    },
    /// A value of a heat map that is not in `[0, 1]`.
    Heat {
        /// Where it is.
        row: usize,
        /// Where it is.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A region that is empty or not inside its photograph.
    Region {
        /// The region.
        region: crate::Region,
        /// The photograph's height and width.
        size: [usize; 2],
    },
    /// An opacity that is not in `[0, 1]`, or a stretch that is not in `(0, 1]`.
    Part {
        /// `opacity` or `stretch`.
        what: &'static str,
        /// The value given.
        value: f32,
    },
    /// No colour map or fit has this name.
    UnknownName {
        /// What was looked for: `colour map`, `fit`.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
}

#[cfg(feature = "files")]
impl Error {
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), cause: Box::new(self) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, cause } => write!(f, "{}: {cause}", path.display()),
            Self::Read(cause) => write!(f, "cannot be read: {cause}"),
            Self::Write(cause) => write!(f, "cannot be written: {cause}"),
            Self::Empty => f.write_str("is empty: it has no bytes"),
            Self::UnknownFormat => {
                f.write_str("is not an image that can be read: its content is not PNG, JPEG, WebP, BMP, GIF or TIFF")
            }
            Self::Truncated => f.write_str("is cut off before its end; copy or download it again"),
            Self::Decode { format, cause } => match std::error::Error::source(cause) {
                Some(detail) => write!(f, "is a {format} that cannot be decoded: {detail}"),
                None => write!(f, "is a {format} that cannot be decoded: {cause}"),
            },
            Self::NoPixels { size: [height, width] } => write!(f, "has {width} x {height} pixels: nothing to look at"),
            Self::TooManyPixels { size: [height, width] } => write!(
                f,
                "has {width} x {height} pixels, and the most that is read is {MAX_PIXELS} pixels with no side over \
                 {MAX_SIDE}; reduce it first"
            ),
            Self::Frame { frame: [height, width], canvas: [rows, columns] } => write!(
                f,
                "is a picture of {columns} x {rows} pixels with a frame of {width} x {height}: it is damaged; save it again"
            ),
            Self::TooManyBytes => {
                write!(f, "takes more than {MAX_BYTES} bytes, the most that is read; reduce it first")
            }
            Self::Shape { what, expected, actual } => {
                write!(f, "`{what}` has shape {actual:?} where {expected} is expected")
            }
            Self::NetworkSize { size: [height, width] } => write!(
                f,
                "a network's input cannot be {width} x {height} pixels; its sides have to be between 1 and {}",
                crate::MAX_NETWORK_SIDE
            ),
            Self::Heat { row, column, value } => write!(
                f,
                "the heat map has {value} at row {row}, column {column}, and only values from 0 to 1 can be drawn; \
                 normalise it first"
            ),
            Self::Region { region, size: [height, width] } => {
                write!(f, "{region:?} is not a part of the photograph, which has height {height} and width {width}")
            }
            Self::Part { what: "opacity", value } => write!(f, "an opacity of {value} is not between 0 and 1"),
            Self::Part { what, value } => write!(f, "a {what} of {value} is not above 0 and at most 1"),
            Self::UnknownName { what, name, known } => {
                write!(f, "there is no {what} called `{name}`; there is {known}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { cause, .. } => cause.source(),
            Self::Read(cause) => Some(cause),
            Self::Write(cause) => Some(cause),
            // Display shows the innermost cause.
            Self::Decode { .. }
            | Self::Empty
            | Self::UnknownFormat
            | Self::Truncated
            | Self::NoPixels { .. }
            | Self::TooManyPixels { .. }
            | Self::Frame { .. }
            | Self::TooManyBytes
            | Self::Shape { .. }
            | Self::NetworkSize { .. }
            | Self::Heat { .. }
            | Self::Region { .. }
            | Self::Part { .. }
            | Self::UnknownName { .. } => None,
        }
    }
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;
