//! Checkpoints whose pickle is harmless and whose tensors, storages or entries are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(feature = "torch")]

mod common;

use common::pth::{
    self, call, dict, floats, int, ints, legacy, legacy_with_facts, pickle, storage, tensor, text, vector, zipped,
};
use common::turn;
use gradex_formats::{Dtype, Error, StateDict};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Both containers of one object, with one float32 storage `0`.
fn containers(object: &[u8], values: &[f32]) -> [Vec<u8>; 2] {
    let data = floats(values);
    [legacy(object, &[("0", values.len() as i64, data.clone())]), zipped(object, &[("data/0", data)])]
}

fn assert_refused(file: &[u8], said: &str) {
    let message = StateDict::from_pth(file).expect_err(said).to_string();
    assert!(message.contains(said), "expected {said}: {message}");
}

fn storage_of_six() -> Vec<u8> {
    storage("FloatStorage", "0", 6, None)
}

#[test]
fn a_view_outside_its_storage_is_refused_with_its_numbers() {
    let _turn = turn();
    for (offset, shape, strides, said) in [
        (0, &[7][..], &[1][..], "shape [7], strides [1] and offset 0 is outside its storage of 6 elements"),
        (4, &[3], &[1], "outside its storage"),
        (6, &[], &[], "outside its storage"),
        (0, &[2, 2], &[5, 1], "outside its storage"),
        (0, &[2, 2], &[i64::MAX, i64::MAX], "outside its storage"),
        (i64::MAX, &[2], &[i64::MAX], "outside its storage"),
        (-1, &[2], &[1], "offset -1"),
        (0, &[-2], &[1], "the integer -2 as a size or stride"),
        (5, &[2], &[-1], "the integer -1 as a size or stride"),
        (0, &[2, 3], &[1], "1 strides for the 2 dimensions"),
        (0, &[i64::MAX, i64::MAX], &[0, 0], "more elements than memory"),
        (0, &[0, i64::MAX, i64::MAX], &[0, 0, 0], "more elements than memory"),
        (0, &[1; 17], &[1; 17], "17 dimensions"),
    ] {
        let object = dict(&[("sound", vector("0", 6)), ("bad", tensor(storage_of_six(), offset, shape, strides))]);
        for file in containers(&object, &[0.0; 6]) {
            assert_refused(&file, said);
            assert_refused(&file, "tensor `bad`");
        }
    }
}

#[test]
fn a_small_storage_expanded_by_zero_strides_to_terabytes_is_refused_before_it_is_allocated() {
    let _turn = turn();
    for shape in [&[1 << 40][..], &[1 << 20, 1 << 20], &[100_000]] {
        let object = dict(&[("bomb", tensor(storage_of_six(), 0, shape, &vec![0; shape.len()]))]);
        for file in containers(&object, &[0.0; 6]) {
            assert_refused(&file, "more elements together than the file has bytes");
        }
    }
    // Overlapping windows of one storage, as im2col makes.
    let object = dict(&[("windows", tensor(storage("FloatStorage", "0", 1000, None), 0, &[500, 500], &[1, 1]))]);
    for file in containers(&object, &[0.0; 1000]) {
        assert_refused(&file, "more elements together than the file has bytes");
    }
}

#[test]
fn many_names_for_one_large_storage_are_refused_before_it_is_copied_for_each() {
    let _turn = turn();
    let count = 100_000;
    let one = [&vector("0", count)[..], b"q\x00"].concat();
    let mut entries = vec![("w".to_owned(), one)];
    entries.extend((0..1000).map(|index| (format!("w{index}"), b"h\x00".to_vec())));
    let borrowed: Vec<(&str, Vec<u8>)> = entries.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    for file in containers(&dict(&borrowed), &vec![0.5; count as usize]) {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        assert_refused(&file, "more elements together than the file has bytes");
        let peak = ALLOCATOR.peak_usage() - before;
        assert!(peak < 4 << 20, "{peak} bytes allocated for a file of {}", file.len());
    }
}

#[test]
fn a_modest_expansion_and_shared_names_are_read() {
    let _turn = turn();
    let row = tensor(storage_of_six(), 0, &[4, 3], &[0, 1]);
    let object = dict(&[("expanded", row), ("whole", vector("0", 6)), ("same", vector("0", 6))]);
    for file in containers(&object, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) {
        let state = StateDict::from_pth(&file).unwrap();
        assert_eq!(state.tensors["expanded"].as_slice().unwrap(), [1.0, 2.0, 3.0].repeat(4));
        assert_eq!(state.tensors["whole"], state.tensors["same"]);
    }
}

#[test]
fn a_storage_of_another_length_than_declared_is_refused() {
    let _turn = turn();
    let object = dict(&[("w", vector("0", 6))]);
    for found in [0, 5, 7] {
        assert_refused(
            &zipped(&object, &[("data/0", floats(&vec![0.0; found]))]),
            "the storage `0` should be 24 bytes",
        );
    }
    assert_refused(&legacy(&object, &[("0", 6, floats(&[0.0; 5]))]), "the storage `0` should be 24 bytes and 20 are");
    assert_refused(&legacy(&object, &[("0", 5, floats(&[0.0; 6]))]), "has 5 elements, its tensors say 6");
    assert_refused(&legacy(&object, &[("0", -1, floats(&[0.0; 6]))]), "has -1 elements");
    assert_refused(&legacy(&object, &[("0", i64::MAX, floats(&[0.0; 6]))]), "elements, its tensors say 6");
    assert_refused(&legacy(&object, &[("0", 6, floats(&[0.0; 7]))]), "4 bytes follow the last storage");

    for numel in [1 << 40, i64::MAX] {
        let huge = dict(&[("w", tensor(storage("DoubleStorage", "0", numel, None), 0, &[1], &[1]))]);
        let declared = numel as u128 * 8;
        assert_refused(&zipped(&huge, &[("data/0", vec![0; 8])]), &format!("should be {declared} bytes and 8 are"));
        assert_refused(&legacy(&huge, &[("0", numel, vec![0; 8])]), &format!("should be {declared} bytes and 8 are"));
    }
    let negative = dict(&[("w", vector("0", -6))]);
    assert_refused(&zipped(&negative, &[("data/0", vec![])]), "a storage of -6 elements");
}

#[test]
fn a_missing_unlisted_repeated_or_contradictory_storage_is_refused() {
    let _turn = turn();
    let object = dict(&[("w", vector("0", 1))]);
    let data = floats(&[1.0]);
    assert_refused(&zipped(&object, &[]), "`archive/data/0`: damaged zip archive: the entry is missing");
    assert_refused(&legacy(&object, &[]), "the storage `0` is missing");
    assert_refused(&legacy(&object, &[("1", 1, data.clone())]), "no tensor uses the storage `1`");
    let twice = [("0", 1, data.clone()), ("0", 1, data.clone())];
    assert_refused(&legacy(&object, &twice), "the storage `0` is listed twice");

    let half = tensor(storage("HalfStorage", "0", 1, None), 0, &[1], &[1]);
    let longer = tensor(storage("FloatStorage", "0", 2, None), 0, &[1], &[1]);
    for other in [half, longer] {
        let object = dict(&[("v", vector("0", 1)), ("w", other)]);
        for file in containers(&object, &[1.0]) {
            assert_refused(&file, "the storage `0` is declared in two ways");
        }
    }
    let outside = dict(&[("w", vector("../../../../etc/passwd", 1))]);
    assert_refused(
        &zipped(&outside, &[]),
        "`archive/data/../../../../etc/passwd`: damaged zip archive: the entry is missing",
    );
}

#[test]
fn old_legacy_views_of_a_storage_are_honoured_and_bounded() {
    let _turn = turn();
    let view = |start, numel| Some(pth::tuple(&[text("view"), int(start), int(numel)]));
    let read = |start, numel, count: i64| {
        let stored = storage("FloatStorage", "0", 6, view(start, numel));
        let object = dict(&[("w", tensor(stored, 1, &[count], &[1]))]);
        StateDict::from_pth(&legacy(&object, &[("0", 6, floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))]))
    };
    assert_eq!(read(2, 3, 2).unwrap().tensors["w"].as_slice().unwrap(), [3.0, 4.0]);
    assert!(read(2, 3, 3).unwrap_err().to_string().contains("outside its storage of 5 elements"));
    assert!(read(4, 3, 1).unwrap_err().to_string().contains("elements 4 and 3 after it of a storage of 6"));
    assert!(read(i64::MAX, i64::MAX, 1).is_err());
    assert!(read(-1, 3, 1).is_err());
}

#[test]
fn every_storage_class_is_read_as_its_type() {
    let _turn = turn();
    for (class, dtype) in [
        ("DoubleStorage", Dtype::F64),
        ("FloatStorage", Dtype::F32),
        ("HalfStorage", Dtype::F16),
        ("BFloat16Storage", Dtype::BF16),
        ("LongStorage", Dtype::I64),
        ("IntStorage", Dtype::I32),
        ("ShortStorage", Dtype::I16),
        ("CharStorage", Dtype::I8),
        ("ByteStorage", Dtype::U8),
        ("BoolStorage", Dtype::Bool),
    ] {
        let object = dict(&[("w", tensor(storage(class, "k", 2, None), 1, &[], &[]))]);
        let data = vec![0; 2 * dtype.size()];
        for file in [zipped(&object, &[("data/k", data.clone())]), legacy(&object, &[("k", 2, data)])] {
            let state = StateDict::from_pth(&file).unwrap();
            assert_eq!((state.dtypes["w"], state.tensors["w"].shape()), (dtype, &[][..]));
            assert_eq!(state.tensors["w"].first(), Some(&0.0));
        }
    }
}

#[test]
fn what_is_no_state_dict_is_refused_by_what_it_is() {
    let _turn = turn();
    for (object, said) in [
        (int(3), "the file holds the integer 3 instead of a state dict"),
        (vector("0", 1), "the file holds a tensor instead"),
        (b"](Ne".to_vec(), "the file holds a list instead"),
        (dict(&[]), "no tensors"),
        (dict(&[("state_dict", dict(&[]))]), "no tensors"),
        (dict(&[("epoch", int(3)), ("w", vector("0", 1))]), "the entry `epoch` is the integer 3, no tensor"),
        (dict(&[("net", dict(&[("w", vector("0", 1))]))]), "the entry `net` is a dictionary, no tensor"),
        (dict(&[("state_dict", dict(&[("w", text("x"))]))]), "the entry `w` is the string `x`, no tensor"),
        (
            [b"}".to_vec(), int(1), vector("0", 1), b"s".to_vec()].concat(),
            "the integer 1 instead of the name of a tensor",
        ),
        (
            dict(&[("state_dict", dict(&[("w", vector("0", 1))])), ("model", dict(&[]))]),
            "two state dicts, `state_dict` and `model`",
        ),
    ] {
        assert_refused(&zipped(&object, &[("data/0", floats(&[1.0]))]), said);
    }
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let _turn = turn();
    let object = dict(&[("w", vector("0", 1)), ("v", vector("0", 1)), ("w", vector("0", 1))]);
    for file in containers(&object, &[1.0]) {
        let error = StateDict::from_pth(&file).unwrap_err();
        assert!(matches!(&error, Error::DuplicateName { name } if name == "w"), "{error}");
    }
}

#[test]
fn big_endian_files_are_refused_with_the_reason() {
    let _turn = turn();
    let object = dict(&[("w", vector("0", 1))]);
    let data = floats(&[1.0]);
    let big = zipped(&object, &[("byteorder", b"big".to_vec()), ("data/0", data.clone())]);
    assert_refused(&big, "byte order big");
    let little = zipped(&object, &[("byteorder", b"little".to_vec()), ("data/0", data.clone())]);
    assert!(StateDict::from_pth(&little).is_ok());
    let facts = dict(&[("little_endian", b"\x89".to_vec())]);
    assert_refused(&legacy_with_facts(&facts, &object, &[("0", 1, data)]), "big-endian byte order");
}

#[test]
fn other_archives_and_other_pickles_are_refused_by_what_they_are() {
    let _turn = turn();
    let object = dict(&[("w", vector("0", 1))]);
    let data = ("data/0", floats(&[1.0]));
    assert_refused(&zipped(&object, &[data.clone(), ("constants.pkl", vec![])]), "a TorchScript module");
    assert_refused(&zipped(&object, &[data.clone(), ("other/data.pkl", vec![])]), "several data.pkl");
    assert_refused(&zipped(&[&object[..], b".N"].concat(), &[data]), "2 bytes follow the pickle");
    assert_refused(&pickle(&object), "not one that torch.save wrote");
    assert_refused(b"PK\x03\x04", "damaged zip archive");
    assert_refused(b"", "not one that torch.save wrote");

    let sound = legacy(&object, &[("0", 1, floats(&[1.0]))]);
    let wrong = sound.windows(8).position(|window| window == 1001i64.to_le_bytes()).unwrap();
    let mut other_version = sound.clone();
    other_version[wrong] += 1;
    assert_refused(&other_version, "the integer 1002 as protocol version, expected 1001");
}

#[test]
fn a_value_beyond_f32_names_its_tensor() {
    let _turn = turn();
    let object = dict(&[("huge", tensor(storage("DoubleStorage", "0", 1, None), 0, &[1], &[1]))]);
    let file = zipped(&object, &[("data/0", 1e300f64.to_le_bytes().to_vec())]);
    assert_refused(&file, "tensor `huge`: the value 1e300 does not fit F32");
}

#[test]
fn other_arguments_of_a_tensor_must_be_of_their_type() {
    let _turn = turn();
    let parts = [storage_of_six(), int(0), ints(&[6]), ints(&[1])];
    let good = call("torch._utils._rebuild_tensor", &parts);
    for file in containers(&dict(&[("w", good)]), &[0.0; 6]) {
        assert!(StateDict::from_pth(&file).is_ok());
    }
    for wrong in 0..parts.len() {
        let mut changed = parts.clone();
        changed[wrong] = text("0");
        let object = dict(&[("w", call("torch._utils._rebuild_tensor", &changed))]);
        for file in containers(&object, &[0.0; 6]) {
            assert_refused(&file, "_rebuild_tensor cannot be called with (");
        }
    }
    let sizes = pth::tuple(&[text("6")]);
    let object = dict(&[("w", call("torch._utils._rebuild_tensor", &[storage_of_six(), int(0), sizes, ints(&[1])]))]);
    for file in containers(&object, &[0.0; 6]) {
        assert_refused(&file, "tensor `w`: damaged PyTorch checkpoint: the string `6` as a size or stride");
    }
}
