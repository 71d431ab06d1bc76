//! The format before PyTorch 1.6: four pickles (magic number, protocol version, facts about the machine, the
//! object), a pickled list of storage keys, then for each key its number of elements and their bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::FORMAT;
use super::assemble::assemble;
use super::pickle::unpickle;
use super::value::{Heap, Value};
use crate::error::quoted;
use crate::{Error, Result, StateDict};

/// The pickle of 0x1950a86a20f9469cfc6c, whole.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const PROTOCOL_VERSION: i64 = 1001;

pub(super) fn read(bytes: &[u8]) -> Result<StateDict> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(Error::malformed(FORMAT, "a Python pickle, but not one that torch.save wrote with protocol 2"));
    };
    let version = unpickle(rest)?;
    let Value::Int(PROTOCOL_VERSION) = version.value else {
        let what = format!("{} as protocol version, expected {PROTOCOL_VERSION}", version.value.describe());
        return Err(Error::malformed(FORMAT, what));
    };
    let machine = unpickle(version.rest)?;
    check_byteorder(machine.value, &machine.heap)?;
    let object = unpickle(machine.rest)?;
    let keys = unpickle(object.rest)?;
    let storages = storages(&keys_of(keys.value, &keys.heap)?, &object.heap, keys.rest)?;

    assemble(object.value, &object.heap, bytes.len(), |key, _| match storages.get(key) {
        Some(&bytes) => Ok(Cow::Borrowed(bytes)),
        None => Err(Error::malformed(FORMAT, format!("the storage {} is missing", quoted(key)))),
    })
}

fn check_byteorder(facts: Value<'_>, heap: &Heap<'_>) -> Result<()> {
    let Value::Dict(facts) = facts else {
        return Err(Error::malformed(FORMAT, format!("{} as facts about the machine", facts.describe())));
    };
    let is_big = |entry: &&(Value<'_>, Value<'_>)| matches!(entry, (Value::Str("little_endian"), Value::Bool(false)));
    if heap.dict(facts).iter().find(is_big).is_none() {
        return Ok(());
    }
    let what = "big-endian byte order".to_owned();
    Err(Error::Unsupported { format: FORMAT, what, advice: "save it again on a little-endian machine" })
}

fn keys_of<'a>(keys: Value<'a>, heap: &Heap<'a>) -> Result<Vec<&'a str>> {
    let Value::List(list) = keys else {
        return Err(Error::malformed(FORMAT, format!("{} as list of storages", keys.describe())));
    };
    let mut names = Vec::new();
    for key in heap.sequence(list) {
        let &Value::Str(name) = key else {
            return Err(Error::malformed(FORMAT, format!("{} as key of a storage", key.describe())));
        };
        names.push(name);
    }
    Ok(names)
}

/// The bytes of each storage.
fn storages<'a>(keys: &[&'a str], heap: &Heap<'_>, mut rest: &'a [u8]) -> Result<BTreeMap<&'a str, &'a [u8]>> {
    let mut storages = BTreeMap::new();
    for &key in keys {
        let named = || quoted(key);
        let Some(storage) = heap.storages.get(key) else {
            return Err(Error::malformed(FORMAT, format!("no tensor uses the storage {}", named())));
        };
        let cut_off = || Error::malformed(FORMAT, format!("the file ends before the storage {}", named()));
        let (&count, data) = rest.split_first_chunk().ok_or_else(cut_off)?;
        if i64::try_from(storage.numel) != Ok(i64::from_le_bytes(count)) {
            let count = i64::from_le_bytes(count);
            let reason = format!("the storage {} has {count} elements, its tensors say {}", named(), storage.numel);
            return Err(Error::malformed(FORMAT, reason));
        }
        let length = storage.numel.saturating_mul(storage.dtype.size()).min(data.len());
        let (content, after) = data.split_at(length);
        storage.check_length(key, content.len())?;
        if storages.insert(key, content).is_some() {
            return Err(Error::malformed(FORMAT, format!("the storage {} is listed twice", named())));
        }
        rest = after;
    }
    if rest.is_empty() {
        Ok(storages)
    } else {
        Err(Error::malformed(FORMAT, format!("{} bytes follow the last storage", rest.len())))
    }
}
