//! sha256, as `sha256sum` prints it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gradex::formats::read_file;
use sha2::{Digest, Sha256};

use crate::inputs::file_name;

/// Of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// Of what `sha256sum *.ENDING` prints in a folder.
pub fn of_folder(folder: &Path, ending: &str) -> Result<String> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|found| found == ending) && !path.is_dir() {
            lines.push((file_name(&path), of_bytes(&read_file(&path)?)));
        }
    }
    lines.sort();
    Ok(of_bytes(lines.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect::<String>().as_bytes()))
}

/// Of numbers, each as little-endian float32.
pub fn of_values<'a>(values: impl IntoIterator<Item = &'a f32>) -> String {
    let mut hash = Sha256::new();
    values.into_iter().for_each(|value| hash.update(value.to_le_bytes()));
    hex(hash.finalize())
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), of_abc);
        assert_eq!(of_values(&[1.0, -0.0]), of_bytes(&[0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]));
    }
}
