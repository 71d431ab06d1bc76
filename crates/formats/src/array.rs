//! Single tensors as `.npy` files.

use std::io::{self, Write};
use std::path::Path;

use ndarray_npy::WriteNpyExt;

use crate::aside::Aside;
use crate::state_dict::{Tensor, io_error, read_file};
use crate::{Dtype, Result, npy};

/// Reads a `.npy` file of any element type that [`Dtype`](crate::Dtype) has, as `f32`.
///
/// # Errors
/// Where the file cannot be read, or is truncated, damaged or of another element type.
pub fn read_npy(path: &Path) -> Result<Tensor> {
    npy::measure(path)?;
    parse_npy(&read_file(path)?).map_err(|error| error.within(path.display().to_string()))
}

/// Reads the content of a `.npy` file, as [`read_npy`].
///
/// # Errors
/// Where it is truncated, damaged or of another element type.
pub fn parse_npy(bytes: &[u8]) -> Result<Tensor> {
    let (_, tensor) = npy::parse(bytes)?;
    Ok(tensor)
}

/// The same, and the element type that the file has.
///
/// # Errors
/// As [`parse_npy`].
pub fn parse_npy_typed(bytes: &[u8]) -> Result<(Dtype, Tensor)> {
    npy::parse(bytes)
}

/// The element type and shape of a `.npy` file, by its header alone; the file has as many bytes as that makes.
///
/// # Errors
/// As [`read_npy`].
pub fn measure_npy(path: &Path) -> Result<(Dtype, Vec<usize>)> {
    npy::measure(path)
}

/// Writes a file, aside and then renamed.
///
/// # Errors
/// As [`write_npy`].
pub fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let written = Aside::beside(path)?.write(|out| out.write_all(content));
    written.map_err(|source| io_error("write", path, source))
}

/// Writes a tensor as a float32 `.npy` file, aside and then renamed.
///
/// # Errors
/// Where the disk refuses. `path` is then as it was, and nothing is left beside it.
pub fn write_npy(path: &Path, tensor: &Tensor) -> Result<()> {
    let written = Aside::beside(path)?.write(|out| tensor.write_npy(out).map_err(io::Error::other));
    written.map_err(|source| io_error("write", path, source))
}
