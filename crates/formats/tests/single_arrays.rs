//! One `.npy` file: written and read, here and by the ndarray-npy crate.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;

use common::{Scratch, assert_same, cases};
use gradex_formats::{Dtype, Tensor, measure_npy, read_npy, remove_partials, write_npy};

#[test]
fn every_golden_array_is_read_as_it_was_recorded() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case.paths[0].is_dir()) {
        for (name, expected) in &case.expected {
            let tensor = read_npy(&case.paths[0].join(format!("{name}.npy"))).unwrap();
            assert_same(&tensor, &expected.tensor, name);
            compared += 1;
        }
    }
    assert!(compared > 0, "no arrays; {}", common::REGENERATE);
}

#[test]
fn what_is_written_comes_back_bit_for_bit_and_alone() {
    let scratch = Scratch::new();
    let path = scratch.0.join("fine.npy");
    let edges = [0.1, -0.0, f32::MAX, 1e-45, f32::INFINITY, f32::NAN];
    for shape in [&[6][..], &[2, 3], &[1, 3, 2, 1]] {
        let tensor = Tensor::from_shape_vec(shape, edges.to_vec()).unwrap();
        for tensor in [tensor.clone(), tensor.reversed_axes()] {
            write_npy(&path, &tensor).unwrap();
            assert_same(&read_npy(&path).unwrap(), &tensor, "read here");
            assert_same(&ndarray_npy::read_npy(&path).unwrap(), &tensor, "read by ndarray-npy");
            assert_eq!(scratch.names(), ["fine.npy"]);
        }
    }
}

#[test]
fn a_write_that_fails_leaves_nothing_and_a_damaged_array_is_an_error() {
    let scratch = Scratch::new();
    let taken = scratch.0.join("taken.npy");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("kept"), b"kept").unwrap();
    let tensor = Tensor::zeros(vec![2, 2]);
    let message = write_npy(&taken, &tensor).unwrap_err().to_string();
    assert!(message.contains("taken.npy"), "{message}");
    assert_eq!(scratch.names(), ["taken.npy"]);

    let path = scratch.0.join("a.npy");
    write_npy(&path, &tensor).unwrap();
    let content = fs::read(&path).unwrap();
    for length in 0..content.len() {
        fs::write(&path, &content[..length]).unwrap();
        assert!(read_npy(&path).is_err(), "the first {length} bytes were read");
    }
}

/// Nobody waits for the gigabytes that a header tells of, whether or not they are there.
#[test]
fn arrays_are_measured_by_their_headers() {
    let scratch = Scratch::new();
    let path = scratch.0.join("a.npy");
    write_npy(&path, &Tensor::zeros(vec![3, 2])).unwrap();
    assert_eq!(measure_npy(&path).unwrap(), (Dtype::F32, vec![3, 2]));
    let content = fs::read(&path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for length in [content.len() as u64 - 1, content.len() as u64 + 1, 1 << 40] {
        file.set_len(length).unwrap();
        for message in [measure_npy(&path).unwrap_err().to_string(), read_npy(&path).unwrap_err().to_string()] {
            assert!(message.contains("a.npy") && message.contains("should be 24 bytes"), "{message}");
        }
    }
}

#[test]
fn what_a_killed_writer_left_is_removed_and_what_another_still_writes_is_not() {
    let scratch = Scratch::new();
    let [left, held, other] = [".a.npy.1-0.partial", ".a.npy.1-1.partial", ".b.npy.1-0.partial"];
    for name in [left, held, other, "a.npy", ".a.npy.partial"] {
        fs::write(scratch.0.join(name), "half").unwrap();
    }
    let writer = fs::File::open(scratch.0.join(held)).unwrap();
    writer.lock().unwrap();
    remove_partials(&scratch.0, Some("a.npy".as_ref()));
    assert_eq!(scratch.names(), [".a.npy.1-1.partial", ".a.npy.partial", ".b.npy.1-0.partial", "a.npy"]);
    drop(writer);
    remove_partials(&scratch.0, None);
    assert_eq!(scratch.names(), [".a.npy.partial", "a.npy"]);
    remove_partials(&scratch.0.join("absent"), None);
}
