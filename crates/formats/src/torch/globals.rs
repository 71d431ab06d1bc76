//! The globals that a pickle may name, and what calling them makes.

use super::value::{Heap, SequenceId, Storage, StorageView, TensorParts, Value};
use crate::Dtype;
use crate::error::quoted;

/// A class or function that tensors need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    /// PyTorch before 0.4: storage, offset, shape, strides.
    RebuildTensor,
    /// The same, then requires_grad, hooks, and from 2.0 sometimes flags.
    RebuildTensorV2,
    /// tensor, requires_grad, hooks: the tensor.
    RebuildParameter,
    /// PyTorch before 0.4: tensor, perhaps requires_grad: the tensor.
    Parameter,
    /// The class of a storage, named in its persistent id; never called.
    Storage(Dtype),
}

/// Every global that is accepted. Anything else ends the reading with its name.
const ALLOWED: [(&str, Global); 15] = [
    ("collections.OrderedDict", Global::OrderedDict),
    ("torch._utils._rebuild_tensor", Global::RebuildTensor),
    ("torch._utils._rebuild_tensor_v2", Global::RebuildTensorV2),
    ("torch._utils._rebuild_parameter", Global::RebuildParameter),
    ("torch.nn.parameter.Parameter", Global::Parameter),
    ("torch.DoubleStorage", Global::Storage(Dtype::F64)),
    ("torch.FloatStorage", Global::Storage(Dtype::F32)),
    ("torch.HalfStorage", Global::Storage(Dtype::F16)),
    ("torch.BFloat16Storage", Global::Storage(Dtype::BF16)),
    ("torch.LongStorage", Global::Storage(Dtype::I64)),
    ("torch.IntStorage", Global::Storage(Dtype::I32)),
    ("torch.ShortStorage", Global::Storage(Dtype::I16)),
    ("torch.CharStorage", Global::Storage(Dtype::I8)),
    ("torch.ByteStorage", Global::Storage(Dtype::U8)),
    ("torch.BoolStorage", Global::Storage(Dtype::Bool)),
];

impl Global {
    pub(super) fn named(name: &str) -> Option<Self> {
        ALLOWED.iter().find(|(allowed, _)| *allowed == name).map(|&(_, global)| global)
    }

    pub(super) fn name(self) -> &'static str {
        ALLOWED.iter().find(|&&(_, global)| global == self).map_or("", |(name, _)| name)
    }
}

/// What `global(*arguments)` makes, or why it makes nothing.
pub(super) fn call<'a>(heap: &mut Heap<'a>, global: Global, arguments: &[Value<'a>]) -> Result<Value<'a>, String> {
    match (global, arguments) {
        (Global::OrderedDict, []) => Ok(Value::Dict(heap.new_dict(Vec::new()))),
        (Global::OrderedDict, &[Value::List(list)]) => ordered_dict(heap, list),
        (
            Global::RebuildTensor,
            &[Value::Storage(storage), Value::Int(offset), Value::Tuple(shape), Value::Tuple(strides)],
        )
        | (
            Global::RebuildTensorV2,
            &[Value::Storage(storage), Value::Int(offset), Value::Tuple(shape), Value::Tuple(strides), _, _],
        ) => Ok(Value::Tensor(heap.new_tensor(TensorParts { storage, offset, shape, strides }))),
        (Global::RebuildTensorV2, [_, _, _, _, _, _, _]) => {
            Err("a tensor is a lazy conjugate or negation of its storage, or carries other flags".to_owned())
        }
        (Global::RebuildParameter, &[tensor @ Value::Tensor(_), _, _]) => Ok(tensor),
        (Global::Parameter, &[tensor @ Value::Tensor(_)] | &[tensor @ Value::Tensor(_), _]) => Ok(tensor),
        (
            Global::OrderedDict
            | Global::RebuildTensor
            | Global::RebuildTensorV2
            | Global::RebuildParameter
            | Global::Parameter
            | Global::Storage(_),
            _,
        ) => {
            let given: Vec<String> = arguments.iter().take(8).map(Value::describe).collect();
            Err(format!("{} cannot be called with ({})", global.name(), given.join(", ")))
        }
    }
}

/// A dictionary of a list of pairs, as Python 2 pickled it.
fn ordered_dict<'a>(heap: &mut Heap<'a>, list: SequenceId) -> Result<Value<'a>, String> {
    let pair = |value: &Value<'a>| match *value {
        Value::List(pair) | Value::Tuple(pair) => <[_; 2]>::try_from(heap.sequence(pair)).ok(),
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float
        | Value::Str(_)
        | Value::Global(_)
        | Value::Dict(_)
        | Value::Storage(_)
        | Value::Tensor(_) => None,
    };
    let pairs: Option<Vec<_>> = heap.sequence(list).iter().map(|value| pair(value).map(|[k, v]| (k, v))).collect();
    let pairs = pairs.ok_or("an OrderedDict is made of something other than pairs")?;
    Ok(Value::Dict(heap.new_dict(pairs)))
}

/// The storage that a persistent id describes:
/// ('storage', class, key, device, elements) and in legacy files either None or (view key, start, elements).
pub(super) fn storage<'a>(heap: &mut Heap<'a>, id: &[Value<'a>]) -> Result<Value<'a>, String> {
    let described = || id.iter().take(8).map(Value::describe).collect::<Vec<_>>().join(", ");
    let (head, view) = match id {
        [head @ .., Value::None] if head.len() == 5 => (head, None),
        [head @ .., Value::Tuple(view)] if head.len() == 5 => (head, Some(heap.sequence(*view))),
        head => (head, None),
    };
    let &[
        Value::Str("storage"),
        Value::Global(Global::Storage(dtype)),
        Value::Str(key),
        Value::Str(_),
        Value::Int(numel),
    ] = head
    else {
        return Err(format!("({}) does not describe a storage", described()));
    };
    let size = |number: i64| usize::try_from(number).map_err(|_| format!("a storage of {number} elements"));
    let numel = size(numel)?;
    let (start, viewed) = match view {
        None => (0, numel),
        Some(&[_, Value::Int(start), Value::Int(viewed)]) => (size(start)?, size(viewed)?),
        Some(_) => return Err(format!("({}) describes a view of a storage wrongly", described())),
    };
    if start.checked_add(viewed).is_none_or(|end| end > numel) {
        return Err(format!("elements {start} and {viewed} after it of a storage of {numel}"));
    }
    let storage = Storage { dtype, numel };
    let known = *heap.storages.entry(key).or_insert(storage);
    if known != storage {
        return Err(format!("the storage {} is declared in two ways", quoted(key)));
    }
    Ok(Value::Storage(heap.new_storage_view(StorageView { key, start, numel: viewed })))
}
