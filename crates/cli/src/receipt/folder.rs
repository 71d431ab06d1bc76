//! sha256 of a folder's files, as `sha256sum` prints them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gradex::formats::read_file;

use super::hash::of_bytes;
use crate::inputs::file_name;

/// The sha256 of what `sha256sum *.ENDING` prints in a folder.
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
