//! Copies the project's fixtures to `fuzz/corpus`, where cargo-fuzz begins: `cargo run --example seeds RECEIPT.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat};

/// Larger files are no good to begin with.
const MOST: u64 = 1 << 16;
/// Which target begins with the fixtures of which name.
const NAMES: [(&str, &str); 6] = [
    ("npy", ".npy"),
    ("npz", ".npz"),
    ("safetensors", ".safetensors"),
    ("pth_zip", "zip.pth"),
    ("pth_legacy", "legacy.pth"),
    ("photograph", ".png"),
];
const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Tiff,
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    below(&root.join("../fixtures"), &mut files)?;
    let corpus = |target: &str| root.join("corpus").join(target);
    for target in NAMES.iter().map(|(target, _)| *target).chain(["receipt"]) {
        fs::create_dir_all(corpus(target))?;
    }
    for (number, path) in files.iter().enumerate() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((target, _)) = NAMES.iter().find(|(_, ending)| name.ends_with(ending)) else { continue };
        if fs::metadata(path)?.len() <= MOST {
            fs::copy(path, corpus(target).join(format!("{number}-{name}")))?;
        }
    }
    let small = image::RgbImage::from_fn(13, 11, |x, y| image::Rgb([x as u8 * 19, y as u8 * 23, (x * y) as u8]));
    for format in FORMATS {
        for (kind, image) in [
            ("rgb", DynamicImage::ImageRgb8(small.clone())),
            ("grey", DynamicImage::ImageLuma8(DynamicImage::ImageRgb8(small.clone()).into_luma8())),
            ("rgba", DynamicImage::ImageRgba8(DynamicImage::ImageRgb8(small.clone()).into_rgba8())),
        ] {
            let mut bytes = io::Cursor::new(Vec::new());
            // Not every format has every kind.
            if image.write_to(&mut bytes, format).is_ok() {
                fs::write(corpus("photograph").join(format!("{kind}-{format:?}")), bytes.into_inner())?;
            }
        }
    }
    for receipt in std::env::args().skip(1) {
        fs::copy(&receipt, corpus("receipt").join("receipt.json"))?;
    }
    Ok(())
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { below(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
