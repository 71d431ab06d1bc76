//! Writes `.safetensors`. The same tensors and metadata always give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use half::f16;
use serde_json::{Value, json};

use crate::aside::Aside;
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
        let written = Aside::beside(path)?.write(|out| {
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
