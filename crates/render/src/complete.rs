//! Whether a file is all there, for the formats whose decoders fill what is missing and say nothing.

use image::ImageFormat;

/// Whether `bytes`, which begin as `format` does, reach the end that they announce; true where the decoder checks.
pub(crate) fn is_complete(format: ImageFormat, bytes: &[u8]) -> bool {
    if format == ImageFormat::Jpeg {
        has_end_of_image(bytes)
    } else if format == ImageFormat::WebP {
        has_all_of_riff(bytes)
    } else if format == ImageFormat::Png {
        has_last_chunk(bytes)
    } else {
        true
    }
}

/// A RIFF container: four letters, the number of bytes that follow as 32 bits little-endian.
fn has_all_of_riff(bytes: &[u8]) -> bool {
    match bytes {
        [_, _, _, _, a, b, c, d, rest @ ..] => rest.len() as u64 >= u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        _ => false,
    }
}

/// A PNG: eight bytes, then chunks of a length as 32 bits big-endian, four letters, the data and four bytes that check them, up
/// to the chunk `IEND`.
fn has_last_chunk(bytes: &[u8]) -> bool {
    const AROUND: u64 = 12;
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let [a, b, c, d, name @ ..] = rest {
        let chunk = AROUND + u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        let Some(next) = usize::try_from(chunk).ok().and_then(|chunk| rest.get(chunk..)) else { return false };
        if name.starts_with(b"IEND") {
            return true;
        }
        rest = next;
    }
    false
}

const PREFIX: u8 = 0xFF;
const STUFFING: u8 = 0x00;
const STANDALONE: u8 = 0x01;
const RESTART_FIRST: u8 = 0xD0;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;

/// A JPEG. Follows the markers to the end of the image, past the segments between them (an embedded thumbnail has an
/// end of its own) and through the compressed data, where a prefix is followed by [`STUFFING`].
fn has_end_of_image(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = match (*first, tail) {
            (PREFIX, [END_OF_IMAGE, ..]) => return true,
            (PREFIX, [STUFFING | STANDALONE | RESTART_FIRST..=START_OF_IMAGE, tail @ ..]) => tail,
            (PREFIX, [marker, high, low, ..]) if *marker != PREFIX => {
                let segment = 1 + usize::from(u16::from_be_bytes([*high, *low]));
                tail.get(segment..).unwrap_or_default()
            }
            _ => tail,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start, a comment, a scan header, data with a stuffed prefix and a restart, the end.
    const JPEG: [u8; 21] =
        [0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9, 0xFF, 0xDA, 0, 3, 7, 9, 0xFF, 0x00, 0xFF, 0xD3, 5, 0xFF, 0xD9];

    #[test]
    fn the_end_counts_only_where_it_ends_the_image() {
        assert!(has_end_of_image(&JPEG));
        for length in 0..JPEG.len() {
            assert!(!has_end_of_image(&JPEG[..length]), "the first {length} bytes");
        }
    }

    #[test]
    fn fill_bytes_before_a_marker_are_skipped() {
        let mut filled = JPEG.to_vec();
        filled.splice(19..19, [0xFF, 0xFF]);
        assert!(has_end_of_image(&filled));
    }

    #[test]
    fn a_riff_says_how_long_it_is() {
        let riff = b"RIFF\x06\x00\x00\x00WEBPxx";
        assert!(has_all_of_riff(riff));
        for length in 0..riff.len() {
            assert!(!has_all_of_riff(&riff[..length]), "the first {length} bytes");
        }
    }

    #[test]
    fn a_png_ends_with_its_last_chunk_and_not_with_a_name_in_another() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x08IDAT\0\0\0\0IEND----\0\0\0\0IEND----";
        assert!(has_last_chunk(png));
        for length in 0..png.len() {
            assert!(!has_last_chunk(&png[..length]), "the first {length} bytes");
        }
        assert!(!has_last_chunk(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDATxx"));
    }

    #[test]
    fn what_follows_the_end_does_not_matter() {
        assert!(is_complete(ImageFormat::Jpeg, &[&JPEG[..], b"trailer of a phone"].concat()));
        assert!(is_complete(ImageFormat::Png, b"\x89PNG\r\n\x1a\n\0\0\0\0IEND----and more"));
        assert!(is_complete(ImageFormat::WebP, b"RIFF\x04\x00\x00\x00WEBP and more"));
    }
}
