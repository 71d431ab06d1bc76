//! From what was unpickled to a state dict: finds it, checks each tensor, cuts it out of its storage.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::FORMAT;
use super::value::{Heap, SequenceId, Storage, TensorParts, Value};
use super::view::View;
use crate::dtype::Endian;
use crate::error::quoted;
use crate::{Error, Result, StateDict, shape};

/// Keys under which training scripts keep the state dict beside other things.
const WRAPPERS: [&str; 3] = ["state_dict", "model", "model_state_dict"];
/// Elements that one more tensor costs, whatever its size: a small tensor must not be free.
const TENSOR_COST: usize = 32;

/// The state dict in `root`.
///
/// `fetch` gives the bytes of a storage, exactly as many as it declares. All tensors together may have as
/// many elements as the file has bytes, `file_length`: enough for every tensor to share its storage
/// with others, too few for views that repeat elements to fill the memory.
pub(super) fn assemble<'s>(
    root: Value<'_>,
    heap: &Heap<'_>,
    file_length: usize,
    mut fetch: impl FnMut(&str, Storage) -> Result<Cow<'s, [u8]>>,
) -> Result<StateDict> {
    let mut budget = file_length;
    let mut by_storage: BTreeMap<&str, Vec<(&str, View)>> = BTreeMap::new();
    for (name, value) in find_state_dict(root, heap)? {
        let parts = tensor_parts(name, value, heap)?;
        let (key, view) = view(parts, heap).map_err(|error| error.within(tensor(name)))?;
        budget = budget.checked_sub(view.numel.saturating_add(TENSOR_COST)).ok_or_else(|| {
            let reason = format!("the tensors have more elements together than the file has bytes, {file_length}");
            Error::malformed(FORMAT, reason).within(tensor(name))
        })?;
        by_storage.entry(key).or_default().push((name, view));
    }

    let mut state = StateDict::default();
    for (key, views) in by_storage {
        let Some(&storage) = heap.storages.get(key) else { continue };
        let bytes = fetch(key, storage)?;
        for (name, view) in views {
            let missing = || Error::malformed(FORMAT, format!("the storage {} is too short", quoted(key)));
            let elements = view.gather(&bytes, storage.dtype.size()).ok_or_else(missing)?;
            let values = storage.dtype.decode(Endian::Little, &elements).map_err(|error| error.within(tensor(name)))?;
            state.insert(name.to_owned(), shape::tensor(FORMAT, &view.shape, values, false)?, storage.dtype)?;
        }
    }
    state.not_empty()
}

fn tensor(name: &str) -> String {
    format!("tensor {}", quoted(name))
}

/// The entries of the state dict: `root` itself, or the one dictionary under a key of [`WRAPPERS`].
fn find_state_dict<'a>(root: Value<'a>, heap: &Heap<'a>) -> Result<Vec<(&'a str, Value<'a>)>> {
    let Value::Dict(root) = root else {
        let what = format!("the file holds {} instead of a state dict", root.describe());
        return Err(unsupported(what));
    };
    let mut wrapped = Vec::new();
    for entry in heap.dict(root) {
        if let &(Value::Str(key), Value::Dict(dict)) = entry
            && WRAPPERS.contains(&key)
        {
            wrapped.push((key, dict));
        }
    }
    let dict = match wrapped.as_slice() {
        [] => root,
        &[(_, dict)] => dict,
        [(first, _), (second, _), ..] => {
            return Err(unsupported(format!("two state dicts, `{first}` and `{second}`")));
        }
    };
    let named = |&(key, value): &(Value<'a>, Value<'a>)| match key {
        Value::Str(name) => Ok((name, value)),
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float
        | Value::Global(_)
        | Value::Tuple(_)
        | Value::List(_)
        | Value::Dict(_)
        | Value::Storage(_)
        | Value::Tensor(_) => Err(unsupported(format!("{} instead of the name of a tensor", key.describe()))),
    };
    heap.dict(dict).iter().map(named).collect()
}

fn unsupported(what: String) -> Error {
    Error::Unsupported { format: FORMAT, what, advice: "save `model.state_dict()` alone" }
}

fn tensor_parts(name: &str, value: Value<'_>, heap: &Heap<'_>) -> Result<TensorParts> {
    if let Value::Tensor(id) = value
        && let Some(parts) = heap.tensor(id)
    {
        return Ok(parts);
    }
    Err(unsupported(format!("the entry {} is {}, no tensor", quoted(name), value.describe())))
}

/// The storage's key, and the checked view of it.
fn view<'a>(parts: TensorParts, heap: &Heap<'a>) -> Result<(&'a str, View)> {
    let Some(storage) = heap.storage_view(parts.storage) else {
        return Err(Error::malformed(FORMAT, "a tensor without storage"));
    };
    let offset = usize::try_from(parts.offset).ok().and_then(|offset| offset.checked_add(storage.start));
    let Some(offset) = offset else {
        return Err(Error::malformed(FORMAT, format!("a tensor at offset {}", parts.offset)));
    };
    let (shape, strides) = (sizes(parts.shape, heap)?, sizes(parts.strides, heap)?);
    Ok((storage.key, View::new(offset, shape, strides, storage.start + storage.numel)?))
}

fn sizes(id: SequenceId, heap: &Heap<'_>) -> Result<Vec<usize>> {
    let numbers = heap.sequence(id);
    if numbers.len() > shape::MAX_RANK {
        let reason = format!("a tensor has {} dimensions, at most {} are read", numbers.len(), shape::MAX_RANK);
        return Err(Error::malformed(FORMAT, reason));
    }
    let mut sizes = Vec::with_capacity(numbers.len());
    for value in numbers {
        let size = if let &Value::Int(number) = value { usize::try_from(number).ok() } else { None };
        let reason = || format!("{} as a size or stride of a tensor", value.describe());
        sizes.push(size.ok_or_else(|| Error::malformed(FORMAT, reason()))?);
    }
    Ok(sizes)
}
