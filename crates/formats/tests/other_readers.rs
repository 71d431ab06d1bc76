//! The safetensors and ndarray-npy crates read the same files to the same values.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs::File;

use common::{REGENERATE, assert_same, cases, files_named};
use gradex_formats::{Dtype, StateDict, Tensor};
use half::{bf16, f16};
use ndarray_npy::{ReadNpyExt, ReadableElement};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

/// The values by the crate's view of the bytes, one at a time.
fn values(view: &TensorView<'_>, dtype: Dtype) -> Vec<f32> {
    let element = |bytes: &[u8]| match dtype {
        Dtype::F64 => f64::from_le_bytes(bytes.try_into().unwrap()) as f32,
        Dtype::F32 => f32::from_le_bytes(bytes.try_into().unwrap()),
        Dtype::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).to_f32(),
        Dtype::BF16 => bf16::from_le_bytes(bytes.try_into().unwrap()).to_f32(),
        Dtype::I64 => i64::from_le_bytes(bytes.try_into().unwrap()) as f32,
        Dtype::I32 => i32::from_le_bytes(bytes.try_into().unwrap()) as f32,
        Dtype::I16 => i16::from_le_bytes(bytes.try_into().unwrap()) as f32,
        Dtype::I8 => bytes[0] as i8 as f32,
        Dtype::U64 | Dtype::U32 | Dtype::U16 => panic!("no golden file has {dtype}"),
        Dtype::U8 | Dtype::Bool => bytes[0] as f32,
    };
    view.data().chunks(dtype.size()).map(element).collect()
}

#[test]
fn the_safetensors_crate_agrees_on_every_golden_file() {
    for (path, content) in files_named("model.safetensors") {
        let state = StateDict::from_safetensors(&content).unwrap();
        let other = SafeTensors::deserialize(&content).unwrap();
        assert_eq!(state.tensors.len(), other.len(), "{path}");
        for (name, view) in other.iter() {
            let dtype = state.dtypes[name];
            assert_eq!(dtype.name(), format!("{:?}", view.dtype()).to_uppercase(), "{path}: {name}");
            let expected = Tensor::from_shape_vec(view.shape().to_vec(), values(&view, dtype)).unwrap();
            assert_same(&state.tensors[name], &expected, &format!("{path}: {name}"));
        }
    }
}

#[test]
fn ndarray_npy_agrees_on_every_golden_array_it_can_read() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.paths[0].is_dir()) {
        let state = StateDict::from_npy_folder(&case.paths[0]).unwrap();
        for (name, tensor) in &state.tensors {
            let read = |dtype| match dtype {
                Dtype::F64 => Some(read::<f64>(case, name).mapv(|value| value as f32)),
                Dtype::F32 => Some(read::<f32>(case, name)),
                Dtype::I64 => Some(read::<i64>(case, name).mapv(|value| value as f32)),
                Dtype::U16 => Some(read::<u16>(case, name).mapv(f32::from)),
                Dtype::Bool => Some(read::<bool>(case, name).mapv(f32::from)),
                Dtype::F16
                | Dtype::BF16
                | Dtype::I32
                | Dtype::I16
                | Dtype::I8
                | Dtype::U64
                | Dtype::U32
                | Dtype::U8 => None,
            };
            if let Some(expected) = read(state.dtypes[name]) {
                assert_same(tensor, &expected, name);
                compared += 1;
            }
        }
    }
    assert!(compared >= 10, "only {compared} arrays; {REGENERATE}");
}

fn read<T: ReadableElement>(case: &common::Case, name: &str) -> ndarray::ArrayD<T> {
    let file = File::open(case.paths[0].join(format!("{name}.npy"))).unwrap();
    ndarray::ArrayD::<T>::read_npy(file).unwrap()
}
