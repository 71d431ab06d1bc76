//! `.safetensors`: the header's length as a little-endian u64, the header in JSON, then the data.
//!
//! The data of the tensors must cover the rest of the file exactly, with no gap and no overlap.
//! Source: <https://huggingface.co/docs/safetensors/index#format>.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::dtype::Endian;
use crate::error::{cut, quoted};
use crate::state_dict::{StateDict, Stored};
use crate::{Dtype, Error, Result, shape};

pub(crate) const METADATA_KEY: &str = "__metadata__";
pub(crate) const FORMAT: &str = "safetensors";
/// Bytes that are decoded at once: a multiple of every element's size.
const CHUNK: usize = 1 << 20;

impl StateDict {
    /// Reads the content of a `.safetensors` file, its metadata included.
    ///
    /// # Errors
    /// Where the header is damaged or names a tensor twice, where the data does not follow it exactly, or
    /// for elements of a type that is no [`Dtype`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        Self::read_safetensors(&mut &*bytes, bytes.len() as u64)
    }
}

impl<T: From<Stored>> StateDict<T> {
    /// [`StateDict::from_safetensors`] of `length` bytes, tensor by tensor: no second copy of them is in memory.
    pub(crate) fn read_safetensors(source: &mut dyn Read, length: u64) -> Result<Self> {
        let (header, length) = header(source, length)?;
        let mut tensors: Vec<_> = header.tensors.into_iter().collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);

        let mut state = Self { metadata: header.metadata, ..Self::default() };
        let mut covered = 0;
        for (name, info) in tensors {
            let within = |error: Error| error.within(format!("tensor {}", quoted(&name)));
            let (dtype, size) = info.locate(length, covered).map_err(within)?;
            let tensor = tensor(source, dtype, size, &info.shape).map_err(within)?;
            state.insert(name, tensor.into(), dtype)?;
            covered = info.data_offsets[1];
        }
        if covered as u64 != length {
            let what = "the data of all tensors".to_owned();
            return Err(Error::Length { what, declared: covered as u128, found: length });
        }
        state.not_empty()
    }
}

/// The header, and how many bytes follow it.
fn header(source: &mut dyn Read, length: u64) -> Result<(Header, u64)> {
    let mut bytes = [0; 8];
    let Some(rest) = length.checked_sub(bytes.len() as u64) else {
        return Err(Error::malformed(FORMAT, format!("only {length} bytes")));
    };
    fill(source, &mut bytes)?;
    let length = u64::from_le_bytes(bytes);
    let (Some(data), Ok(length)) = (rest.checked_sub(length), usize::try_from(length)) else {
        let what = "the safetensors header".to_owned();
        return Err(Error::Length { what, declared: length.into(), found: rest });
    };
    let mut text = vec![0; length];
    fill(source, &mut text)?;
    let header = serde_json::from_slice(&text).map_err(|error| {
        let reason = cut(&error.to_string(), 200);
        Error::malformed(FORMAT, format!("header: {reason}"))
    })?;
    Ok((header, data))
}

/// The next `size` bytes as a tensor.
fn tensor(source: &mut dyn Read, dtype: Dtype, size: usize, shape: &[usize]) -> Result<Stored> {
    if dtype == Dtype::F16 {
        let bits = |bytes: &[u8]| Ok(bytes.as_chunks().0.iter().copied().map(u16::from_le_bytes).collect());
        return Ok(Stored::Half(shape::tensor(FORMAT, shape, elements(source, dtype, size, bits)?, false)?));
    }
    let values = elements(source, dtype, size, |bytes| dtype.decode(Endian::Little, bytes))?;
    Ok(Stored::Single(shape::tensor(FORMAT, shape, values, false)?))
}

/// The elements in the next `size` bytes.
fn elements<E>(
    source: &mut dyn Read,
    dtype: Dtype,
    size: usize,
    decode: impl Fn(&[u8]) -> Result<Vec<E>>,
) -> Result<Vec<E>> {
    let mut values = Vec::with_capacity(size / dtype.size());
    let mut bytes = vec![0; size.min(CHUNK)];
    let mut left = size;
    while left > 0 {
        let bytes = &mut bytes[..left.min(CHUNK)];
        fill(source, bytes)?;
        values.extend(decode(bytes)?);
        left -= bytes.len();
    }
    Ok(values)
}

fn fill(source: &mut dyn Read, bytes: &mut [u8]) -> Result<()> {
    source.read_exact(bytes).map_err(|error| Error::malformed(FORMAT, format!("cannot be read to its end: {error}")))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl Info {
    /// The tensor's type and bytes among `length`; they must begin at `covered`, where the one before ended.
    fn locate(&self, length: u64, covered: usize) -> Result<(Dtype, usize)> {
        let Some(dtype) = Dtype::ALL.into_iter().find(|dtype| dtype.name() == self.dtype) else {
            let what = format!("elements of type {}", quoted(&self.dtype));
            return Err(Error::Unsupported { format: FORMAT, what, advice: "save the tensor as F32" });
        };
        let [begin, end] = self.data_offsets;
        if begin != covered {
            let reason = format!("the data begins at offset {begin}, the one before ends at {covered}");
            return Err(Error::malformed(FORMAT, reason));
        }
        let Some(size) = end.checked_sub(begin).filter(|_| end as u64 <= length) else {
            let reason = format!("the data at offsets {begin} to {end} is not in the file, which has {length}");
            return Err(Error::malformed(FORMAT, reason));
        };
        let declared = shape::numel(FORMAT, &self.shape)? as u128 * dtype.size() as u128;
        if declared != size as u128 {
            let what = format!("the data of a tensor {:?} of {dtype}", self.shape);
            return Err(Error::Length { what, declared, found: size as u64 });
        }
        Ok((dtype, size))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_longer_than_what_is_decoded_at_once_comes_whole() {
        let count = CHUNK / 2 + 3;
        let values: Vec<f32> = (0..count).map(|index| (index % 1000) as f32).collect();
        let data: Vec<u8> = values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect();
        let header = format!(r#"{{"a":{{"dtype":"F16","shape":[{count}],"data_offsets":[0,{}]}}}}"#, data.len());
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
        let state = StateDict::from_safetensors(&file).unwrap();
        assert_eq!(state.tensors["a"].as_slice().unwrap(), values);
        assert!(StateDict::from_safetensors(&file[..file.len() - 1]).is_err());
    }

    #[test]
    fn a_source_that_ends_early_is_an_error() {
        let header = br#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
        let error = StateDict::<Stored>::read_safetensors(&mut &file[..], file.len() as u64 + 4).unwrap_err();
        assert!(error.to_string().contains("cannot be read to its end"), "{error}");
    }
}
