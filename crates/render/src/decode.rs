//! Photographs from the files that cameras and programs write.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::complete::is_complete;
use crate::error::{Error, Result};
use crate::gif::check_first_frame;
use crate::photograph::{MAX_BYTES, Photograph, check_pixels};

const FORMATS: [(ImageFormat, &str); 6] = [
    (ImageFormat::Png, "PNG"),
    (ImageFormat::Jpeg, "JPEG"),
    (ImageFormat::WebP, "WebP"),
    (ImageFormat::Bmp, "BMP"),
    (ImageFormat::Gif, "GIF"),
    (ImageFormat::Tiff, "TIFF"),
];

impl Photograph {
    /// Reads a photograph from a file.
    ///
    /// # Errors
    /// [`Error::File`] that names the file, and holds what [`Photograph::decode`] says or why it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::decode(&read_photograph(path)?).map_err(|cause| cause.in_file(path))
    }

    /// The height and width that the header in the content of a file tells; no pixel is decoded.
    ///
    /// # Errors
    /// Bytes that are no image, or whose header cannot be read.
    pub fn measure(bytes: &[u8]) -> Result<[usize; 2]> {
        let (format, name) = recognise(bytes)?;
        let dimensions = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
        dimensions.map(height_and_width).map_err(|cause| refused(name, cause))
    }

    /// Reads a photograph from the content of a file.
    ///
    /// # Errors
    /// Bytes that are no image, or are damaged, cut off, or above [`MAX_PIXELS`](crate::MAX_PIXELS),
    /// [`MAX_SIDE`](crate::MAX_SIDE) or [`MAX_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (format, name) = recognise(bytes)?;
        if !is_complete(format, bytes) {
            return Err(Error::Truncated);
        }
        decode_as(format, bytes).map_err(|cause| match cause {
            Refused::Ours(cause) => cause,
            Refused::Decoder(cause) => refused(name, cause),
        })
    }
}

/// What a decoder's error means.
fn refused(format: &'static str, cause: ImageError) -> Error {
    match cause {
        ImageError::Limits(_) => Error::TooManyBytes,
        ImageError::IoError(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Error::Truncated,
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_)
        | ImageError::IoError(_) => Error::Decode { format, cause },
    }
}

/// The content of a photograph's file, for [`Photograph::decode`].
///
/// # Errors
/// [`Error::File`] that names the file, where it cannot be read or is above [`MAX_BYTES`].
pub fn read_photograph(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    read(path).map_err(|cause| cause.in_file(path))
}

/// The height and width that the header of a photograph's file tells; no pixel is decoded.
///
/// # Errors
/// [`Error::File`] that names the file, where its header cannot be read.
pub fn photograph_size(path: impl AsRef<Path>) -> Result<[usize; 2]> {
    let path = path.as_ref();
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|cause| Error::Read(cause).in_file(path))?;
    let dimensions = reader.into_dimensions().map_err(|cause| Error::Decode { format: "image", cause });
    dimensions.map(height_and_width).map_err(|cause| cause.in_file(path))
}

fn height_and_width((width, height): (u32, u32)) -> [usize; 2] {
    [height as usize, width as usize]
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::Read)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Error::Read)?;
    if bytes.len() > MAX_BYTES { Err(Error::TooManyBytes) } else { Ok(bytes) }
}

fn recognise(bytes: &[u8]) -> Result<(ImageFormat, &'static str)> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let guess = image::guess_format(bytes).map_err(|_| Error::UnknownFormat)?;
    FORMATS.into_iter().find(|(format, _)| *format == guess).ok_or(Error::UnknownFormat)
}

enum Refused {
    Ours(Error),
    Decoder(ImageError),
}

impl From<ImageError> for Refused {
    fn from(cause: ImageError) -> Self {
        Self::Decoder(cause)
    }
}

fn decode_as(format: ImageFormat, bytes: &[u8]) -> std::result::Result<Photograph, Refused> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;

    let (width, height) = decoder.dimensions();
    check_pixels([height as usize, width as usize]).map_err(Refused::Ours)?;
    if format == ImageFormat::Gif {
        check_first_frame(bytes).map_err(Refused::Ours)?;
    }
    if decoder.total_bytes() > MAX_BYTES as u64 {
        return Err(Refused::Ours(Error::TooManyBytes));
    }
    // Metadata that cannot be read is no reason to refuse the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut upright = DynamicImage::ImageRgb8(DynamicImage::from_decoder(decoder)?.into_rgb8());
    upright.apply_orientation(orientation);
    Ok(Photograph { pixels: upright.into_rgb8() })
}
