//! `.safetensors`: the header's length as a little-endian u64, the header in JSON, then the data.
//!
//! The data of the tensors must cover the rest of the file exactly, with no gap and no overlap.
//! Source: <https://huggingface.co/docs/safetensors/index#format>.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::dtype::Endian;
use crate::error::{cut, quoted};
use crate::state_dict::StateDict;
use crate::{Dtype, Error, Result, shape};

pub(crate) const METADATA_KEY: &str = "__metadata__";
pub(crate) const FORMAT: &str = "safetensors";

impl StateDict {
    /// Reads the content of a `.safetensors` file, its metadata included.
    ///
    /// # Errors
    /// Where the header is damaged or names a tensor twice, where the data does not follow it exactly, or
    /// for elements of a type that is no [`Dtype`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let (header, data) = split(bytes)?;
        let header: Header = serde_json::from_slice(header).map_err(|error| {
            let reason = cut(&error.to_string(), 200);
            Error::malformed(FORMAT, format!("header: {reason}"))
        })?;
        let mut tensors: Vec<_> = header.tensors.into_iter().collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);

        let mut state = Self { metadata: header.metadata, ..Self::default() };
        let mut covered = 0;
        for (name, info) in tensors {
            let within = |error: Error| error.within(format!("tensor {}", quoted(&name)));
            let (dtype, bytes) = info.locate(data, covered).map_err(within)?;
            let values = dtype.decode(Endian::Little, bytes).map_err(within)?;
            let tensor = shape::tensor(FORMAT, &info.shape, values, false).map_err(within)?;
            state.insert(name, tensor, dtype)?;
            covered = info.data_offsets[1];
        }
        if covered != data.len() {
            let what = "the data of all tensors".to_owned();
            return Err(Error::Length { what, declared: covered as u128, found: data.len() as u64 });
        }
        state.not_empty()
    }
}

/// The bytes of the header and those after it.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let Some((&length, rest)) = bytes.split_first_chunk() else {
        return Err(Error::malformed(FORMAT, format!("only {} bytes", bytes.len())));
    };
    let length = u64::from_le_bytes(length);
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    split.ok_or_else(|| Error::Length {
        what: "the safetensors header".to_owned(),
        declared: length.into(),
        found: rest.len() as u64,
    })
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl Info {
    /// The tensor's bytes, which must begin at `covered`, where the one before ended.
    fn locate<'a>(&self, data: &'a [u8], covered: usize) -> Result<(Dtype, &'a [u8])> {
        let Some(dtype) = Dtype::ALL.into_iter().find(|dtype| dtype.name() == self.dtype) else {
            let what = format!("elements of type {}", quoted(&self.dtype));
            return Err(Error::Unsupported { format: FORMAT, what, advice: "save the tensor as F32" });
        };
        let [begin, end] = self.data_offsets;
        if begin != covered {
            let reason = format!("the data begins at offset {begin}, the one before ends at {covered}");
            return Err(Error::malformed(FORMAT, reason));
        }
        let Some(bytes) = data.get(begin..end) else {
            let reason = format!("the data at offsets {begin} to {end} is not in the file, which has {}", data.len());
            return Err(Error::malformed(FORMAT, reason));
        };
        let declared = shape::numel(FORMAT, &self.shape)? as u128 * dtype.size() as u128;
        if declared != bytes.len() as u128 {
            let what = format!("the data of a tensor {:?} of {dtype}", self.shape);
            return Err(Error::Length { what, declared, found: bytes.len() as u64 });
        }
        Ok((dtype, bytes))
    }
}

/// The header's JSON; unlike a plain map, it refuses a name that appears twice.
#[derive(Default)]
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Info>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        let mut metadata = None;
        while let Some(name) = map.next_key::<String>()? {
            let is_new = if name == METADATA_KEY {
                metadata.replace(map.next_value::<Metadata>()?).is_none()
            } else {
                insert(&mut header.tensors, &name, map.next_value()?)
            };
            if !is_new {
                return Err(A::Error::custom(format!("two entries are named {}", quoted(&name))));
            }
        }
        header.metadata = metadata.unwrap_or_default().0;
        Ok(header)
    }
}

#[derive(Default)]
struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut metadata = Metadata::default();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if !insert(&mut metadata.0, &key, value) {
                return Err(A::Error::custom(format!("two texts have the key {}", quoted(&key))));
            }
        }
        Ok(metadata)
    }
}

fn insert<V>(map: &mut BTreeMap<String, V>, key: &str, value: V) -> bool {
    map.insert(key.to_owned(), value).is_none()
}
