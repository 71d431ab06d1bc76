use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use ndarray::Array3;

use crate::complete::is_complete;
use crate::error::{Error, Result};

/// The most pixels of a photograph: 2^27, above the 108 megapixels of a telephone's camera.
pub const MAX_PIXELS: usize = 1 << 27;
/// The longest side of a photograph in pixels.
pub const MAX_SIDE: usize = 65_535;
/// The most bytes of a file, and of its pixels as the decoder gives them: 1 GiB, [`MAX_PIXELS`] of 16-bit RGBA.
pub const MAX_BYTES: usize = 1 << 30;

const FORMATS: [(ImageFormat, &str); 6] = [
    (ImageFormat::Png, "PNG"),
    (ImageFormat::Jpeg, "JPEG"),
    (ImageFormat::WebP, "WebP"),
    (ImageFormat::Bmp, "BMP"),
    (ImageFormat::Gif, "GIF"),
    (ImageFormat::Tiff, "TIFF"),
];

/// An upright photograph of 8-bit RGB pixels; it has at least one.
///
/// The format is told by content, whatever the file is called: PNG, JPEG, WebP, BMP, GIF or TIFF, of an animation
/// or a multi-page file the first picture. What the file holds becomes RGB so:
/// - the EXIF orientation is applied;
/// - grey is repeated in the three channels, palettes are looked up;
/// - 16 bits are scaled to 8 and rounded, floating point is clamped to `[0, 1]` first;
/// - alpha is DROPPED, as by Pillow's `convert("RGB")`: the colours stored under transparent pixels are what the
///   network sees, so they are what an overlay shows;
/// - colour profiles are not applied, and CMYK is converted by the plain formula.
///
/// Not decoded are TIFFs with a palette, with grey and alpha, or with grey in floating point.
#[derive(Clone, PartialEq, Eq)]
pub struct Photograph {
    pixels: RgbImage,
}

impl Photograph {
    /// Reads a photograph from a file.
    ///
    /// # Errors
    /// [`Error::File`] that names the file, and holds what [`Photograph::decode`] says or why it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::decode(&read_photograph(path)?).map_err(|cause| cause.in_file(path))
    }

    /// Reads a photograph from the content of a file.
    ///
    /// # Errors
    /// Bytes that are no image, or are damaged, cut off, or above [`MAX_PIXELS`], [`MAX_SIDE`] or [`MAX_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (format, name) = recognise(bytes)?;
        if !is_complete(format, bytes) {
            return Err(Error::Truncated);
        }
        decode_as(format, bytes).map_err(|cause| match cause {
            Refused::Ours(cause) => cause,
            Refused::Decoder(ImageError::Limits(_)) => Error::TooManyBytes,
            Refused::Decoder(ImageError::IoError(cause)) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                Error::Truncated
            }
            Refused::Decoder(cause) => Error::Decode { format: name, cause },
        })
    }

    /// A photograph of the pixels `[height, width, 3]`.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not three channels, [`Error::NoPixels`], [`Error::TooManyPixels`].
    pub fn from_pixels(pixels: Array3<u8>) -> Result<Self> {
        let shape = [pixels.shape()[0], pixels.shape()[1], pixels.shape()[2]];
        let wrong = || Error::Shape { what: "pixels", expected: "[height, width, 3]", actual: shape.to_vec() };
        let [height, width, 3] = shape else { return Err(wrong()) };
        check_pixels([height, width])?;
        let (width, height) = (width as u32, height as u32);
        let values = pixels.iter().copied().collect();
        RgbImage::from_raw(width, height, values).map(|pixels| Self { pixels }).ok_or_else(wrong)
    }

    /// A photograph of rows of pixels of four bytes: red, green, blue, and alpha, which is dropped.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not four bytes a pixel, [`Error::NoPixels`], [`Error::TooManyPixels`].
    pub fn from_rgba(rgba: &[u8], [height, width]: [usize; 2]) -> Result<Self> {
        check_pixels([height, width])?;
        let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| pixel[..3].iter().copied()).collect();
        let wrong = || Error::Shape { what: "pixels", expected: "[height, width, 4]", actual: vec![rgba.len()] };
        if rgba.len() != 4 * height * width {
            return Err(wrong());
        }
        RgbImage::from_raw(width as u32, height as u32, rgb).map(|pixels| Self { pixels }).ok_or_else(wrong)
    }

    /// Height and width in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.pixels.height() as usize, self.pixels.width() as usize]
    }

    /// The pixels.
    pub fn pixels(&self) -> &RgbImage {
        &self.pixels
    }
}

impl std::fmt::Debug for Photograph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Photograph").field("size", &self.size()).finish_non_exhaustive()
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
    if decoder.total_bytes() > MAX_BYTES as u64 {
        return Err(Refused::Ours(Error::TooManyBytes));
    }
    // Metadata that cannot be read is no reason to refuse the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut upright = DynamicImage::ImageRgb8(DynamicImage::from_decoder(decoder)?.into_rgb8());
    upright.apply_orientation(orientation);
    Ok(Photograph { pixels: upright.into_rgb8() })
}

fn check_pixels(size: [usize; 2]) -> Result<()> {
    let [height, width] = size;
    if height == 0 || width == 0 {
        return Err(Error::NoPixels { size });
    }
    let few = height.checked_mul(width).is_some_and(|pixels| pixels <= MAX_PIXELS);
    if few && height <= MAX_SIDE && width <= MAX_SIDE { Ok(()) } else { Err(Error::TooManyPixels { size }) }
}
