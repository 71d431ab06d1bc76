//! Masks of a folder: `cat.png` for the input `cat.jpg`, as large as the photograph. Whatever is not black is the object.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gradex::Photograph;
use gradex::formats::read_file;
use ndarray::Array2;

use super::Malformed;
use crate::inputs::file_name;
use crate::receipt::of_bytes;

/// Of the names and contents of all masks.
pub fn sha256(folder: &Path) -> Result<String> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|ending| ending == "png") {
            lines.push(format!("{}  {}\n", of_bytes(&read_file(&path)?), file_name(&path)));
        }
    }
    lines.sort();
    Ok(of_bytes(lines.concat().as_bytes()))
}

/// The mask of the photograph at `path`, which is of `size`; none where the folder has none.
pub fn read(folder: &Path, path: &Path, size: [usize; 2]) -> Result<Option<Array2<bool>>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{stem}.png"));
    if !file.exists() {
        return Ok(None);
    }
    let mask = Photograph::open(&file)?;
    if mask.size() != size {
        let ([rows, columns], [height, width]) = (mask.size(), size);
        let what = format!("a mask of {columns} x {rows} pixels for a photograph of {width} x {height}: resize it");
        return Err(Malformed::new(&file, what).into());
    }
    let inside = |(y, x): (usize, usize)| mask.pixels().get_pixel(x as u32, y as u32).0 != [0; 3];
    Ok(Some(Array2::from_shape_fn((size[0], size[1]), inside)))
}
