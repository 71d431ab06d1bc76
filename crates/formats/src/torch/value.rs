//! What a pickle makes: values, and a flat heap for those that hold others.
//!
//! Containers are indices into the heap, never nested, so that neither a cycle nor the depth of a pickle
//! matters: nothing here recurses, dropping included.

use std::collections::BTreeMap;

use super::globals::Global;
use crate::error::quoted;
use crate::{Dtype, Error, Result};

/// A value; strings are borrowed from the pickle.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// Which number does not matter: no tensor needs one.
    Float,
    Str(&'a str),
    Global(Global),
    Tuple(SequenceId),
    List(SequenceId),
    Dict(DictId),
    Storage(StorageId),
    Tensor(TensorId),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SequenceId(usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct DictId(usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct TensorId(usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct StorageId(usize);

/// Elements `start .. start + numel` of the storage `key`, all of them unless an old file says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageView<'a> {
    pub(super) key: &'a str,
    pub(super) start: usize,
    pub(super) numel: usize,
}

/// A storage as the pickle declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) dtype: Dtype,
    pub(super) numel: usize,
}

impl Storage {
    /// An error where `found` is not the number of bytes that the elements take.
    pub(super) fn check_length(self, key: &str, found: usize) -> Result<()> {
        let declared = self.numel as u128 * self.dtype.size() as u128;
        if declared == found as u128 {
            return Ok(());
        }
        Err(Error::Length { what: format!("the storage {}", quoted(key)), declared, found: found as u64 })
    }
}

/// The arguments of a tensor, not yet checked against its storage.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorParts {
    pub(super) storage: StorageId,
    pub(super) offset: i64,
    pub(super) shape: SequenceId,
    pub(super) strides: SequenceId,
}

#[derive(Debug, Default)]
pub(super) struct Heap<'a> {
    sequences: Vec<Vec<Value<'a>>>,
    dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    tensors: Vec<TensorParts>,
    storage_views: Vec<StorageView<'a>>,
    /// Every storage that was referred to, by key.
    pub(super) storages: BTreeMap<&'a str, Storage>,
}

impl<'a> Heap<'a> {
    pub(super) fn new_sequence(&mut self, items: Vec<Value<'a>>) -> SequenceId {
        self.sequences.push(items);
        SequenceId(self.sequences.len() - 1)
    }

    pub(super) fn new_dict(&mut self, items: Vec<(Value<'a>, Value<'a>)>) -> DictId {
        self.dicts.push(items);
        DictId(self.dicts.len() - 1)
    }

    pub(super) fn new_tensor(&mut self, parts: TensorParts) -> TensorId {
        self.tensors.push(parts);
        TensorId(self.tensors.len() - 1)
    }

    pub(super) fn new_storage_view(&mut self, view: StorageView<'a>) -> StorageId {
        self.storage_views.push(view);
        StorageId(self.storage_views.len() - 1)
    }

    pub(super) fn sequence(&self, id: SequenceId) -> &[Value<'a>] {
        self.sequences.get(id.0).map_or(&[], Vec::as_slice)
    }

    /// Keys and values in the order in which they were added, repeated keys included.
    pub(super) fn dict(&self, id: DictId) -> &[(Value<'a>, Value<'a>)] {
        self.dicts.get(id.0).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tensor(&self, id: TensorId) -> Option<TensorParts> {
        self.tensors.get(id.0).copied()
    }

    pub(super) fn storage_view(&self, id: StorageId) -> Option<StorageView<'a>> {
        self.storage_views.get(id.0).copied()
    }

    pub(super) fn extend_sequence(&mut self, id: SequenceId, items: impl IntoIterator<Item = Value<'a>>) {
        if let Some(sequence) = self.sequences.get_mut(id.0) {
            sequence.extend(items);
        }
    }

    pub(super) fn extend_dict(&mut self, id: DictId, items: impl IntoIterator<Item = (Value<'a>, Value<'a>)>) {
        if let Some(dict) = self.dicts.get_mut(id.0) {
            dict.extend(items);
        }
    }
}

impl Value<'_> {
    /// What the value is, for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(_) => "a boolean".to_owned(),
            Self::Int(number) => format!("the integer {number}"),
            Self::Float => "a number".to_owned(),
            Self::Str(text) => format!("the string {}", quoted(text)),
            Self::Global(global) => format!("the global {}", global.name()),
            Self::Tuple(_) => "a tuple".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Dict(_) => "a dictionary".to_owned(),
            Self::Storage(_) => "a storage".to_owned(),
            Self::Tensor(_) => "a tensor".to_owned(),
        }
    }
}
