//! What is written can be read back, here and by the safetensors crate; what cannot be written leaves nothing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{Scratch, assert_same};
use gradex_formats::{Dtype, Error, StateDict, StorageDtype, Stored, Tensor};
use half::f16;
use ndarray::ShapeBuilder;
use safetensors::SafeTensors;

fn metadata() -> BTreeMap<String, String> {
    [("architecture", "resnet18"), ("format", "pt"), ("quote", "\"\\ \u{1f431}\n")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn insert(state: &mut StateDict, name: &str, shape: &[usize], dtype: Dtype, value: impl Fn(usize) -> f32) {
    let values = (0..shape.iter().product()).map(value).collect();
    state.insert(name.to_owned(), Tensor::from_shape_vec(shape.to_vec(), values).unwrap(), dtype).unwrap();
}

fn sample() -> StateDict {
    let mut state = StateDict::default();
    insert(&mut state, "weight", &[2, 3, 5], Dtype::F32, |index| (index as f32 - 11.3) / 7.0);
    insert(&mut state, "a", &[3], Dtype::F16, |index| index as f32);
    insert(&mut state, "edges", &[5], Dtype::F64, |index| [65504.0, -65504.0, f32::INFINITY, f32::NAN, -0.0][index]);
    insert(&mut state, "empty", &[0, 4], Dtype::F32, |_| 0.0);
    insert(&mut state, "scalar", &[], Dtype::BF16, |_| 1e-9);
    insert(&mut state, "bn.num_batches_tracked", &[], Dtype::I64, |_| 123_456.0);
    state
}

#[test]
fn f32_comes_back_bit_for_bit_with_its_metadata() {
    let scratch = Scratch::new();
    let path = scratch.0.join("model.safetensors");
    let state = sample();
    state.write_safetensors(&path, StorageDtype::F32, &metadata()).unwrap();
    let back = StateDict::open(&path).unwrap();
    assert_eq!(back.metadata, metadata());
    assert!(back.tensors.keys().eq(state.tensors.keys()));
    for (name, tensor) in &state.tensors {
        assert_eq!(back.dtypes[name], Dtype::F32, "{name}");
        assert_same(&back.tensors[name], tensor, name);
    }
    assert_eq!(scratch.names(), ["model.safetensors"]);
}

#[test]
fn f16_is_rounded_to_the_nearest_and_counters_stay_f32() {
    let scratch = Scratch::new();
    let path = scratch.0.join("model.safetensors");
    sample().write_safetensors(&path, StorageDtype::F16, &BTreeMap::new()).unwrap();
    let back = StateDict::open(&path).unwrap();
    assert!(back.metadata.is_empty());
    for (name, tensor) in &sample().tensors {
        let is_counter = name == "bn.num_batches_tracked";
        assert_eq!(back.dtypes[name], if is_counter { Dtype::F32 } else { Dtype::F16 }, "{name}");
        let rounded = tensor.mapv(|value| if is_counter { value } else { f16::from_f32(value).to_f32() });
        assert_same(&back.tensors[name], &rounded, name);
    }
}

#[test]
fn halves_are_kept_where_they_are_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.0.join("model.safetensors");
    sample().write_safetensors(&path, StorageDtype::F16, &metadata()).unwrap();
    let (stored, single) = (StateDict::open_stored(&path).unwrap(), StateDict::open(&path).unwrap());
    assert_eq!((&stored.dtypes, &stored.metadata), (&single.dtypes, &single.metadata));
    assert!(stored.tensors.keys().eq(single.tensors.keys()));
    for (name, tensor) in stored.tensors {
        assert_eq!(matches!(tensor, Stored::Half(_)), single.dtypes[&name] == Dtype::F16, "{name}");
        assert_same(&Tensor::from(tensor), &single.tensors[&name], &name);
    }
}

#[test]
fn the_safetensors_crate_reads_it_with_every_tensor_aligned() {
    let scratch = Scratch::new();
    let path = scratch.0.join("model.safetensors");
    for dtype in [StorageDtype::F32, StorageDtype::F16] {
        sample().write_safetensors(&path, dtype, &metadata()).unwrap();
        let content = fs::read(&path).unwrap();
        let back = StateDict::from_safetensors(&content).unwrap();
        let (_, header) = SafeTensors::read_metadata(&content).unwrap();
        let written = header.metadata().as_ref().unwrap();
        assert_eq!(written.iter().collect::<BTreeMap<_, _>>(), metadata().iter().collect::<BTreeMap<_, _>>());
        let other = SafeTensors::deserialize(&content).unwrap();
        assert_eq!(other.len(), back.tensors.len());
        for (name, view) in other.iter() {
            assert_eq!(view.shape(), back.tensors[name].shape());
            let offset = view.data().as_ptr().addr() - content.as_ptr().addr();
            assert_eq!(offset % back.dtypes[name].size(), 0, "{name} is at {offset}");
        }
    }
}

#[test]
fn the_same_state_dict_always_gives_the_same_bytes() {
    let scratch = Scratch::new();
    let write = |name: &str, state: &StateDict| {
        let path = scratch.0.join(name);
        state.write_safetensors(&path, StorageDtype::F16, &metadata()).unwrap();
        fs::read(path).unwrap()
    };
    let first = write("first.safetensors", &sample());
    assert_eq!(first, write("second.safetensors", &sample()));
    let mut column_major = sample();
    let weight = column_major.tensors.get_mut("weight").unwrap();
    let mut turned = Tensor::zeros(weight.raw_dim().f());
    turned.assign(weight);
    assert!(!turned.is_standard_layout());
    *weight = turned;
    assert_eq!(first, write("third.safetensors", &column_major));
}

#[test]
fn a_value_beyond_f16_names_its_tensor_and_leaves_the_old_file_alone() {
    let scratch = Scratch::new();
    let path = scratch.file("model.safetensors", b"the old file");
    for value in [65505.0, -1e30] {
        let mut state = sample();
        insert(&mut state, "fc.weight", &[2], Dtype::F32, |index| [1.0, value][index]);
        let error = state.write_safetensors(&path, StorageDtype::F16, &metadata()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("tensor `fc.weight`: the value ") && message.ends_with("does not fit F16"),
            "{message}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"the old file");
        assert_eq!(scratch.names(), ["model.safetensors"]);
        state.write_safetensors(&scratch.0.join("f32.safetensors"), StorageDtype::F32, &metadata()).unwrap();
        fs::remove_file(scratch.0.join("f32.safetensors")).unwrap();
    }
}

#[test]
fn a_write_that_the_disk_refuses_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let missing = scratch.0.join("no-such-folder").join("model.safetensors");
    let error = sample().write_safetensors(&missing, StorageDtype::F32, &metadata()).unwrap_err();
    assert!(matches!(error, Error::Io { action: "create", .. }), "{error}");

    // The final name is a folder with something in it: the rename fails after all is written.
    let taken = scratch.0.join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("kept"), b"kept").unwrap();
    let error = sample().write_safetensors(&taken, StorageDtype::F32, &metadata()).unwrap_err();
    assert!(matches!(error, Error::Io { action: "write", .. }), "{error}");
    assert_eq!(scratch.names(), ["taken"]);
    assert_eq!(fs::read(taken.join("kept")).unwrap(), b"kept");
}

#[test]
fn what_safetensors_cannot_express_is_an_error() {
    let scratch = Scratch::new();
    let path = scratch.0.join("model.safetensors");
    let empty = StateDict::default().write_safetensors(&path, StorageDtype::F32, &metadata());
    assert!(matches!(empty, Err(Error::Empty)));
    let mut reserved = sample();
    insert(&mut reserved, "__metadata__", &[1], Dtype::F32, |_| 0.0);
    let error = reserved.write_safetensors(&path, StorageDtype::F32, &metadata()).unwrap_err();
    assert!(error.to_string().contains("`__metadata__`"), "{error}");
    let error = sample().write_safetensors(&scratch.0.join(".."), StorageDtype::F32, &metadata()).unwrap_err();
    assert!(error.to_string().ends_with("names no file"), "{error}");
    assert!(scratch.names().is_empty());
}
