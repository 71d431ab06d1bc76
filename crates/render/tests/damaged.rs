//! Files that are no photographs, or only a part of one, or too much of one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use gradex_render::{Error, MAX_PIXELS, MAX_SIDE, Photograph};

fn picture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/decode").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn refused(bytes: &[u8]) -> Error {
    Photograph::decode(bytes).unwrap_err()
}

/// A CRC-32, as PNG ends every chunk with.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

fn patched(name: &str, at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = picture(name);
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// The header of a TIFF of this size, and too few pixels.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = picture("rgb.tif");
    // Width, height, rows of the one strip.
    for (tag, length) in [(0x100_u16, width), (0x101, height), (0x116, height)] {
        let [low, high] = tag.to_le_bytes();
        let value = after(&bytes, &[low, high, 4, 0, 1, 0, 0, 0]);
        bytes[value..value + 4].copy_from_slice(&length.to_le_bytes());
    }
    bytes
}

/// The position after `pattern`.
fn after(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes.windows(pattern.len()).position(|window| window == pattern).unwrap() + pattern.len()
}

#[test]
fn a_file_is_told_by_its_content_and_named_in_the_error() {
    let folder = tempdir("content");
    let text = folder.join("notes.png");
    fs::write(&text, "these are not pixels").unwrap();
    let message = Photograph::open(&text).unwrap_err().to_string();
    assert!(message.starts_with(&text.display().to_string()), "{message}");
    assert!(message.contains("not PNG, JPEG, WebP, BMP, GIF or TIFF"), "{message}");

    let misnamed = folder.join("photograph.txt");
    fs::write(&misnamed, picture("rgb.jpg")).unwrap();
    assert_eq!(Photograph::open(&misnamed).unwrap().size(), [10, 14]);

    let absent = folder.join("absent.png");
    let error = Photograph::open(&absent).unwrap_err();
    assert!(matches!(&error, Error::File { path, cause } if *path == absent && matches!(**cause, Error::Read(_))));

    let message = Photograph::open(&folder).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: cannot be read", folder.display())), "{message}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_and_unknown_formats_are_refused() {
    assert!(matches!(refused(b""), Error::Empty));
    for bytes in
        [&b"\0"[..], b"BM", b"\x89PNG", b"GIF", b"\xFF\xD8", b"RIFF\0\0\0\0WEBP", b"\0\0\x01\0\x01\0", b"%PDF-1.7"]
    {
        let message = refused(bytes).to_string();
        assert!(message.starts_with("is "), "{bytes:?}: {message}");
    }
}

/// A cut is an error, or took away nothing of the first picture.
#[test]
fn no_part_of_a_picture_is_taken_for_the_whole() {
    let names = [
        "rgb.png",
        "palette.png",
        "rgb.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "orientation_6.jpg",
        "lossless.webp",
        "lossy.webp",
        "animated.webp",
        "rgb.bmp",
        "palette.gif",
        "animated.gif",
        "rgb.tif",
        "lzw.tif",
    ];
    for name in names {
        let bytes = picture(name);
        let whole = Photograph::decode(&bytes).unwrap();
        for length in 0..bytes.len() {
            match Photograph::decode(&bytes[..length]) {
                Ok(part) => {
                    assert!(part == whole, "{name}: {length} of {} bytes were taken for all", bytes.len());
                    assert!(!name.ends_with(".png"), "{name}: {length} of {} bytes are not refused", bytes.len());
                }
                Err(_) => continue,
            }
        }
        assert!(Photograph::decode(&bytes[..bytes.len() / 3]).is_err(), "{name}");
    }
}

#[test]
fn damage_is_an_error_or_a_picture_but_never_a_panic() {
    let names = [
        "rgba.png",
        "palette.png",
        "rgb.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "orientation_6.jpg",
        "lossless.webp",
        "lossy.webp",
        "animated.webp",
        "palette.bmp",
        "animated.gif",
        "lzw.tif",
        "cmyk.tif",
    ];
    let mut refusals = 0;
    for name in names {
        let bytes = picture(name);
        for at in 0..bytes.len() {
            for value in [0x00, 0x7F, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                match Photograph::decode(&damaged) {
                    Ok(photograph) => assert!(photograph.size().iter().product::<usize>() <= MAX_PIXELS),
                    Err(_) => refusals += 1,
                }
            }
        }
    }
    assert!(refusals > 1000, "only {refusals} damaged files were refused");
}

#[test]
fn a_huge_picture_in_a_small_file_is_refused_by_its_size() {
    const SIDE: u32 = 20_000;
    let big = SIDE.to_be_bytes();
    let little = SIDE.to_le_bytes();

    let mut png = patched("rgb.png", 16, &[big, big].concat());
    let check = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&check);

    let frame = after(&picture("rgb.jpg"), &[0xFF, 0xC0, 0, 17, 8]);
    let jpeg = patched("rgb.jpg", frame, &[big[2], big[3], big[2], big[3]]);
    let bmp = patched("rgb.bmp", 18, &[little, little].concat());
    let gif = patched("palette.gif", 6, &[little[0], little[1], little[0], little[1]]);
    for (name, bytes) in [("png", png), ("jpeg", jpeg), ("bmp", bmp), ("gif", gif), ("tiff", tiff(SIDE, SIDE))] {
        let error = refused(&bytes);
        assert!(matches!(error, Error::TooManyPixels { size: [20_000, 20_000] }), "{name}: {error}");
        let message = error.to_string();
        assert!(message.contains("20000 x 20000") && message.contains(&MAX_PIXELS.to_string()), "{message}");
    }

    // Each side less one in 14 bits.
    let start = after(&picture("lossless.webp"), b"VP8L") + 5;
    let error = refused(&patched("lossless.webp", start, &0x0FFF_BFFE_u32.to_le_bytes()));
    assert!(matches!(error, Error::TooManyPixels { size: [16_383, 16_383] }), "{error}");

    // A line: few pixels, but too long.
    let message = refused(&tiff(100_000, 1)).to_string();
    assert!(message.contains("100000 x 1") && message.contains(&MAX_SIDE.to_string()), "{message}");
}

/// The canvas is what is checked against the limits; the decoder makes room for the frame.
#[test]
fn a_frame_larger_than_its_picture_is_refused_before_it_is_made_room_for() {
    for name in ["palette.gif", "animated.gif"] {
        let whole = Photograph::decode(&picture(name)).unwrap();
        let [height, width] = whole.size().map(|side| side as u16);
        let frame = after(&picture(name), &[0x2C, 0, 0, 0, 0]);
        for (width, height) in [(width + 1, height), (width, height + 1), (16_000, 16_000), (u16::MAX, u16::MAX)] {
            let bytes = patched(name, frame, &[width.to_le_bytes(), height.to_le_bytes()].concat());
            let error = refused(&bytes);
            let said = [usize::from(height), usize::from(width)];
            assert!(matches!(error, Error::Frame { frame, .. } if frame == said), "{name}: {error}");
            assert!(error.to_string().contains(&format!("{width} x {height}")), "{error}");
        }
    }
}

#[test]
fn pixels_without_a_picture_are_refused() {
    use ndarray::Array3;
    let gif = patched("palette.gif", 6, &[0; 4]);
    assert!(matches!(refused(&gif), Error::NoPixels { size: [0, 0] }));
    for shape in [(0, 4, 3), (4, 0, 3)] {
        let error = Photograph::from_pixels(Array3::zeros(shape)).unwrap_err();
        assert!(matches!(error, Error::NoPixels { .. }), "{shape:?}: {error}");
    }
    for shape in [(4, 4, 1), (4, 4, 4), (0, 0, 0)] {
        let error = Photograph::from_pixels(Array3::zeros(shape)).unwrap_err();
        assert!(matches!(&error, Error::Shape { what: "pixels", .. }), "{shape:?}: {error}");
    }
    let error = Photograph::from_pixels(Array3::zeros((MAX_SIDE + 1, 1, 3))).unwrap_err();
    assert!(matches!(error, Error::TooManyPixels { .. }), "{error}");
}

fn tempdir(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("gradex-render-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}
