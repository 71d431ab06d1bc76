//! Tells the formats apart by their first bytes.

#[cfg(feature = "npz")]
use crate::archive::Archive;
use crate::npy;
use crate::{Error, Result};

/// A supported file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Safetensors,
    Npz,
    Torch,
}

/// First bytes of files that people have by mistake, and what to do about each.
const MISTAKES: [(&[u8], &str); 6] = [
    (npy::MAGIC, "a single .npy array; pass the folder that holds it"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"<", "a web page; the download probably needs another address"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip; unpack it first"),
];

/// The format of `bytes`.
///
/// # Errors
/// [`Error::UnknownFormat`] saying what the content looks like; errors of the archive for damaged zips.
pub(crate) fn detect(bytes: &[u8]) -> Result<Container> {
    if bytes.starts_with(b"PK\x03\x04") {
        return detect_zip(bytes);
    }
    if bytes.first() == Some(&0x80) {
        return Ok(Container::Torch);
    }
    if let Some((_, found)) = MISTAKES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(unknown(*found));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Err(unknown("a tar archive, as PyTorch wrote before 2017; load it and save it again"));
    }
    if bytes.get(8) == Some(&b'{') {
        return Ok(Container::Safetensors);
    }
    if bytes.is_empty() {
        return Err(unknown("the file is empty"));
    }
    let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Err(unknown(format!("the first bytes are {}", start.join(" "))))
}

#[cfg(not(feature = "npz"))]
fn detect_zip(_bytes: &[u8]) -> Result<Container> {
    Ok(Container::Npz)
}

#[cfg(feature = "npz")]
fn detect_zip(bytes: &[u8]) -> Result<Container> {
    let names = Archive::open(bytes)?.names()?;
    if names.iter().any(|name| name == "data.pkl" || name.ends_with("/data.pkl")) {
        Ok(Container::Torch)
    } else if names.iter().any(|name| name.ends_with(".npy")) {
        Ok(Container::Npz)
    } else {
        Err(unknown("a zip archive with neither a PyTorch pickle nor .npy arrays in it"))
    }
}

fn unknown(found: impl Into<String>) -> Error {
    Error::UnknownFormat { found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistaken_files_are_recognised_and_named() {
        for (content, said) in [
            (&b""[..], "empty"),
            (b"\x93NUMPY\x01\x00", "single .npy"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"<!DOCTYPE html>", "web page"),
            (b"PK\x05\x06\0\0\0\0", "empty zip"),
            (b"\x89HDF\r\n", "HDF5"),
            (b"hello, world", "68 65 6c 6c 6f 2c 20 77"),
        ] {
            let message = detect(content).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(detect(&tar).unwrap_err().to_string().contains("tar archive"));
    }
}
