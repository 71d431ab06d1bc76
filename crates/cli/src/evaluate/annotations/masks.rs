//! Masks of a folder: `cat.png` for the input `cat.jpg`, as large as the photograph. Whatever is not black is the object.

use std::path::{Path, PathBuf};

use anyhow::Result;
use gradex::Photograph;
use ndarray::Array2;

use super::Malformed;

/// Where the mask of the photograph at `path` lies, if there is one.
pub fn file(folder: &Path, path: &Path) -> PathBuf {
    folder.join(format!("{}.png", path.file_stem().unwrap_or_default().to_string_lossy()))
}

/// The mask of the photograph at `path`, which is of `size`; none where the folder has none.
pub fn read(folder: &Path, path: &Path, size: [usize; 2]) -> Result<Option<Array2<bool>>> {
    let file = file(folder, path);
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
