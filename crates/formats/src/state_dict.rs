//! A state dict, and which reader opens which file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use half::f16;
use ndarray::ArrayD;

use crate::detect::{Container, detect};
use crate::{Dtype, Error, Result};

/// Bytes at the start of a file that tell its format.
const START: usize = 512;

/// A tensor of weights, in row-major order.
pub type Tensor = ArrayD<f32>;

/// A tensor as its file has it, as far as that is a form to compute with.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// Converted to `f32`.
    Single(Tensor),
    /// The bits of halves ([`Dtype::F16`]).
    Half(ArrayD<u16>),
}

impl From<Tensor> for Stored {
    fn from(tensor: Tensor) -> Self {
        Self::Single(tensor)
    }
}

impl From<Stored> for Tensor {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Single(tensor) => tensor,
            Stored::Half(bits) => bits.mapv(|bits| f16::from_bits(bits).to_f32()),
        }
    }
}

/// Tensors by name, as `torch.nn.Module.state_dict` has them.
///
/// # Example
/// ```
/// use gradex_formats::StateDict;
///
/// // 8 bytes of header length, the header, the data: one F16 value, 1.5.
/// let header = br#"{"scale":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#;
/// let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0x00, 0x3e]].concat();
/// let weights = StateDict::from_safetensors(&file)?;
/// assert_eq!(weights.tensors["scale"].first(), Some(&1.5));
/// # Ok::<(), gradex_formats::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDict<T = Tensor> {
    /// The tensors: converted to `f32`, or [`Stored`].
    pub tensors: BTreeMap<String, T>,
    /// The element type that each tensor had in its file.
    pub dtypes: BTreeMap<String, Dtype>,
    /// Free text that came with the file: safetensors' `__metadata__`; other formats have none.
    pub metadata: BTreeMap<String, String>,
}

impl<T> Default for StateDict<T> {
    fn default() -> Self {
        Self { tensors: BTreeMap::new(), dtypes: BTreeMap::new(), metadata: BTreeMap::new() }
    }
}

impl StateDict<Stored> {
    /// [`StateDict::open`], but the halves of `.safetensors` stay halves.
    ///
    /// # Errors
    /// As [`StateDict::open`].
    pub fn open_stored(path: &Path) -> Result<Self> {
        Self::open_as(path, &mut |_| ())
    }

    /// [`StateDict::open_stored`] of a file; `seen` is given all bytes of it while they are read, in their order, each once: to
    /// hash just what was parsed. A folder has no such bytes.
    ///
    /// # Errors
    /// As [`StateDict::open`].
    pub fn open_stored_seen(path: &Path, seen: &mut dyn FnMut(&[u8])) -> Result<Self> {
        Self::open_as(path, seen)
    }

    /// [`StateDict::from_bytes`], but the halves of `.safetensors` stay halves.
    ///
    /// # Errors
    /// As [`StateDict::open`].
    pub fn stored_from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_as(bytes)
    }
}

impl StateDict {
    /// Reads a file or folder of any supported format but PyTorch's, told apart by content.
    ///
    /// A folder is read as [`StateDict::from_npy_folder`]. Names are kept as stored; see
    /// [`StateDict::strip_module_prefix`].
    ///
    /// # Errors
    /// Where the file cannot be read, is of no supported format, or is truncated, damaged or hostile;
    /// [`Error::ImportNeeded`] for PyTorch checkpoints, whatever the features: no pickle is read unless one is asked for;
    /// [`Error::ArchivesLeftOut`] for zip archives in a build without `npz`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_as(path, &mut |_| ())
    }

    /// Reads the content of a file of any supported format.
    ///
    /// # Errors
    /// As [`StateDict::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_as(bytes)
    }

    /// Reads what [`StateDict::open`] reads, and PyTorch checkpoints as [`StateDict::from_pth`].
    ///
    /// # Errors
    /// As [`StateDict::open`] and [`StateDict::from_pth`].
    #[cfg(feature = "torch")]
    pub fn import(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Self::open(path);
        }
        let bytes = read_file(path)?;
        let read = |bytes: &[u8]| match detect(bytes)? == Container::Torch {
            true => Self::from_pth(bytes),
            false => Self::from_bytes(bytes),
        };
        read(&bytes).map_err(|error| error.within(path.display().to_string()))
    }
}

impl<T: From<Tensor> + From<Stored>> StateDict<T> {
    fn open_as(path: &Path, seen: &mut dyn FnMut(&[u8])) -> Result<Self> {
        let failed = |source| io_error("read", path, source);
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Ok(StateDict::from_npy_folder(path)?.converted());
        }
        let within = |error: Error| error.within(path.display().to_string());
        let (file, length) = open_file(path)?;
        let mut file = Seen { source: file.take(length), seen };
        let mut start = Vec::with_capacity(START);
        (&mut file).take(START as u64).read_to_end(&mut start).map_err(failed)?;
        // A zip archive is told by its end.
        if start.starts_with(b"PK") {
            file.read_to_end(&mut start).map_err(failed)?;
            return Self::from_bytes_as(&start).map_err(within);
        }
        match detect(&start).map_err(within)? {
            Container::Safetensors => Self::read_safetensors(&mut start.as_slice().chain(file), length).map_err(within),
            Container::Npz | Container::Torch => Err(within(Error::ImportNeeded)),
        }
    }

    fn from_bytes_as(bytes: &[u8]) -> Result<Self> {
        match detect(bytes)? {
            Container::Safetensors => Self::read_safetensors(&mut &*bytes, bytes.len() as u64),
            #[cfg(feature = "npz")]
            Container::Npz => Ok(StateDict::from_npz(bytes)?.converted()),
            #[cfg(not(feature = "npz"))]
            Container::Npz => Err(Error::ArchivesLeftOut),
            Container::Torch => Err(Error::ImportNeeded),
        }
    }
}

/// A source, and who else gets its bytes.
struct Seen<'a, R> {
    source: R,
    seen: &'a mut dyn FnMut(&[u8]),
}

impl<R: Read> Read for Seen<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        (self.seen)(&buffer[..count]);
        Ok(count)
    }
}

impl StateDict {
    fn converted<T: From<Tensor>>(self) -> StateDict<T> {
        let tensors = self.tensors.into_iter().map(|(name, tensor)| (name, tensor.into())).collect();
        StateDict { tensors, dtypes: self.dtypes, metadata: self.metadata }
    }
}

impl<T> StateDict<T> {
    /// Adds a tensor that was stored as `dtype`.
    ///
    /// # Errors
    /// [`Error::DuplicateName`] where the name is taken.
    pub fn insert(&mut self, name: String, tensor: T, dtype: Dtype) -> Result<()> {
        if self.tensors.contains_key(&name) {
            return Err(Error::DuplicateName { name });
        }
        self.dtypes.insert(name.clone(), dtype);
        self.tensors.insert(name, tensor);
        Ok(())
    }

    /// Removes the prefix `module.` that `torch.nn.DataParallel` puts before every name, once, and only
    /// where ALL names have it. Returns whether it did.
    pub fn strip_module_prefix(&mut self) -> bool {
        const PREFIX: &str = "module.";
        let wrapped = !self.tensors.is_empty() && self.tensors.keys().all(|name| name.starts_with(PREFIX));
        if wrapped {
            let strip = |name: String| name.strip_prefix(PREFIX).map(str::to_owned).unwrap_or(name);
            self.tensors = std::mem::take(&mut self.tensors).into_iter().map(|(n, t)| (strip(n), t)).collect();
            self.dtypes = std::mem::take(&mut self.dtypes).into_iter().map(|(n, d)| (strip(n), d)).collect();
        }
        wrapped
    }

    pub(crate) fn not_empty(self) -> Result<Self> {
        if self.tensors.is_empty() { Err(Error::Empty) } else { Ok(self) }
    }
}

/// The content of a regular file; devices and pipes, which may never end, are refused.
///
/// # Errors
/// [`Error::Io`] where the system refuses, [`Error::NoFile`] for what is no regular file.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let (file, length) = open_file(path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(length).read_to_end(&mut bytes).map_err(|source| io_error("read", path, source))?;
    Ok(bytes)
}

/// A regular file and its length.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    let failed = |source| io_error("read", path, source);
    // Before it is opened: that waits until somebody writes to a pipe.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::NoFile.within(path.display().to_string()));
    }
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

pub(crate) fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> StateDict {
        let mut state = StateDict::default();
        for (value, name) in names.iter().enumerate() {
            let tensor = Tensor::from_elem(vec![1], value as f32);
            state.insert((*name).to_owned(), tensor, Dtype::F32).unwrap();
        }
        state
    }

    #[test]
    fn module_prefix_goes_only_when_all_names_have_it() {
        let mut all = named(&["module.a", "module.module.b"]);
        assert!(all.strip_module_prefix());
        assert!(all.tensors.keys().eq(["a", "module.b"]));
        assert!(all.dtypes.keys().eq(["a", "module.b"]));
        assert_eq!(all.tensors["module.b"][[0]], 1.0);

        let mut some = named(&["module.a", "b"]);
        assert!(!some.strip_module_prefix());
        assert!(some.tensors.keys().eq(["b", "module.a"]));

        assert!(!StateDict::<Tensor>::default().strip_module_prefix());
    }

    #[test]
    fn a_taken_name_is_an_error_and_keeps_the_first_tensor() {
        let mut state = named(&["a"]);
        let error = state.insert("a".to_owned(), Tensor::zeros(vec![2]), Dtype::F16).unwrap_err();
        assert_eq!(error.to_string(), "two tensors are named `a`");
        assert_eq!(state.tensors["a"].shape(), [1]);
        assert_eq!(state.dtypes["a"], Dtype::F32);
    }
}
