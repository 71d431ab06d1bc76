use image::RgbImage;
use ndarray::Array3;

use crate::error::{Error, Result};

/// The most pixels of a photograph: 2^27, above the 108 megapixels of a telephone's camera.
pub const MAX_PIXELS: usize = 1 << 27;
/// The longest side of a photograph in pixels.
pub const MAX_SIDE: usize = 65_535;
/// The most bytes of a file, and of its pixels as the decoder gives them: 1 GiB, [`MAX_PIXELS`] of 16-bit RGBA.
pub const MAX_BYTES: usize = 1 << 30;

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
    pub(crate) pixels: RgbImage,
}

impl Photograph {
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

pub(crate) fn check_pixels(size: [usize; 2]) -> Result<()> {
    let [height, width] = size;
    if height == 0 || width == 0 {
        return Err(Error::NoPixels { size });
    }
    let few = height.checked_mul(width).is_some_and(|pixels| pixels <= MAX_PIXELS);
    if few && height <= MAX_SIDE && width <= MAX_SIDE { Ok(()) } else { Err(Error::TooManyPixels { size }) }
}
