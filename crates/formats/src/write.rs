//! Writes `.safetensors`: aside in the same folder, then renamed, so that the final name never holds
//! half a file. The same tensors and metadata always give the same bytes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use half::f16;
use serde_json::{Value, json};

use crate::error::quoted;
use crate::safetensors::{FORMAT, METADATA_KEY};
use crate::state_dict::{StateDict, Tensor, io_error};
use crate::{Dtype, Error, Result};

/// The element type to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageDtype {
    /// Exact.
    F32,
    /// Rounded to the nearest, ties to even. A finite value beyond +-65504 is an error. Tensors that
    /// were stored as integers stay F32: counters exceed 65504.
    F16,
}

impl StorageDtype {
    fn stored(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
        }
    }
}

impl StateDict {
    /// Writes the tensors and `metadata` (not the metadata that was read) to a `.safetensors` file,
    /// replacing what is there only once the new file is complete and on disk.
    ///
    /// # Errors
    /// Where the disk refuses, a value does not fit `dtype`, there are no tensors, or one has a name
    /// that safetensors reserves. `path` is then as it was, and nothing is left beside it.
    pub fn write_safetensors(
        &self,
        path: &Path,
        dtype: StorageDtype,
        metadata: &BTreeMap<String, String>,
    ) -> Result<()> {
        if self.tensors.is_empty() {
            return Err(Error::Empty);
        }
        if self.tensors.contains_key(METADATA_KEY) {
            let reason = format!("a tensor is named `{METADATA_KEY}`, which {FORMAT} reserves");
            return Err(Error::Unwritable { reason });
        }
        let entries = self.layout(dtype);
        for entry in &entries {
            entry.check_range().map_err(|error| error.within(format!("tensor {}", quoted(entry.name))))?;
        }
        let header = header(&entries, metadata);
        let written = Aside::beside(path)?.write(path, |out| {
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(header.as_bytes())?;
            entries.iter().try_for_each(|entry| entry.write(out))
        });
        written.map_err(|source| io_error("write", path, source))
    }

    /// The tensors in file order: wide elements first, so that all are aligned, then by name.
    fn layout(&self, dtype: StorageDtype) -> Vec<Entry<'_>> {
        let stored_as = |name| match dtype {
            StorageDtype::F16 if self.dtypes.get(name).is_some_and(|dtype| dtype.is_integer()) => StorageDtype::F32,
            StorageDtype::F16 | StorageDtype::F32 => dtype,
        };
        let mut entries: Vec<_> =
            self.tensors.iter().map(|(name, tensor)| Entry { name, tensor, dtype: stored_as(name) }).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.dtype.stored().size()));
        entries
    }
}

struct Entry<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    dtype: StorageDtype,
}

impl Entry<'_> {
    fn check_range(&self) -> Result<()> {
        let beyond = |value: f32| value.is_finite() && value.abs() > f16::MAX.to_f32();
        match self.tensor.iter().find(|&&value| self.dtype == StorageDtype::F16 && beyond(value)) {
            Some(&value) => Err(Error::OutOfRange { value: value.into(), dtype: Dtype::F16 }),
            None => Ok(()),
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.tensor.iter().try_for_each(|&value| match self.dtype {
            StorageDtype::F32 => out.write_all(&value.to_le_bytes()),
            StorageDtype::F16 => out.write_all(&f16::from_f32(value).to_le_bytes()),
        })
    }
}

/// The header in JSON, padded with spaces so that the data begins at a multiple of 8.
fn header(entries: &[Entry<'_>], metadata: &BTreeMap<String, String>) -> String {
    let mut fields = BTreeMap::new();
    if !metadata.is_empty() {
        fields.insert(METADATA_KEY, json!(metadata));
    }
    let mut begin = 0;
    for Entry { name, tensor, dtype } in entries {
        let end = begin + tensor.len() * dtype.stored().size();
        let info = json!({ "data_offsets": [begin, end], "dtype": dtype.stored().name(), "shape": tensor.shape() });
        fields.insert(name, info);
        begin = end;
    }
    let mut text = Value::from_iter(fields).to_string();
    let padded = text.len().next_multiple_of(8);
    text.extend(std::iter::repeat_n(' ', padded - text.len()));
    text
}

/// A file being written beside its final name; removed again unless it gets there.
pub(crate) struct Aside {
    file: File,
    path: PathBuf,
    is_final: bool,
}

impl Aside {
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(name) = path.file_name() else {
            return Err(Error::Unwritable { reason: format!("{} names no file", path.display()) });
        };
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut aside = std::ffi::OsString::from(".");
            aside.push(name);
            aside.push(format!(".{}-{number}.partial", process::id()));
            let aside = path.with_file_name(aside);
            match OpenOptions::new().write(true).create_new(true).open(&aside) {
                Ok(file) => return Ok(Self { file, path: aside, is_final: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io_error("create", &aside, source)),
            }
        }
    }

    pub(crate) fn write(
        mut self,
        path: &Path,
        content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        content(&mut out)?;
        out.flush()?;
        drop(out);
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.is_final = true;
        sync_folder(path)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_final {
            // Already on the way out with the error that matters.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the rename itself durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
