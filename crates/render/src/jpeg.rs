use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::error::{Error, Result};

/// A picture as the bytes of a JPEG file, of a quality from 1 to 100.
///
/// # Errors
/// [`Error::Write`] where a side is longer than the 65535 pixels that the format can say.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).map_err(Error::Write)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Photograph;

    #[test]
    fn what_is_encoded_decodes_to_nearly_the_same() {
        let picture = RgbImage::from_fn(40, 30, |x, y| image::Rgb([6 * x as u8, 8 * y as u8, 100]));
        let decoded = Photograph::decode(&jpeg(&picture, 85).unwrap()).unwrap();
        assert_eq!(decoded.size(), [30, 40]);
        let apart = picture.as_raw().iter().zip(decoded.pixels().as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(apart < 24, "{apart}");
        assert!(jpeg(&picture, 20).unwrap().len() < jpeg(&picture, 95).unwrap().len());
    }
}
