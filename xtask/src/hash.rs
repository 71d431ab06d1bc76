//! SHA-256 as `sha256sum` prints it.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The hash of some bytes, in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of a file; of a folder, that of the list `HASH  NAME` of its arrays, sorted by name: what
/// `LC_ALL=C sha256sum *.npy | sha256sum` prints in that folder.
pub fn sha256_of(path: &Path) -> Result<String> {
    let hash = || if path.is_dir() { of_folder(path) } else { of_file(path) };
    hash().with_context(|| format!("cannot read {}", path.display()))
}

fn of_file(path: &Path) -> Result<String> {
    Ok(sha256(&fs::read(path)?))
}

fn of_folder(folder: &Path) -> Result<String> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "npy"));
    files.sort();
    let mut list = String::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        list += &format!("{}  {name}\n", of_file(&path)?);
    }
    Ok(sha256(list.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = sha256_of(Path::new("no/such/file")).unwrap_err();
        assert!(error.to_string().contains("no/such/file"), "{error}");
    }
}
