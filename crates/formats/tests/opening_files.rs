//! `StateDict::open` tells formats apart by content, and says which file is wrong and why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;

use common::{Scratch, files_named};
use gradex_formats::{Error, StateDict};

fn refusal(path: &Path) -> String {
    StateDict::open(path).expect_err("it was read").to_string()
}

#[test]
fn content_counts_and_the_extension_does_not() {
    let scratch = Scratch::new();
    for name in ["model.safetensors", "stored.npz", "compressed.npz"] {
        let (_, content) = files_named(name).remove(0);
        let state = StateDict::open(&scratch.file("weights.bin", &content)).unwrap();
        assert!(!state.tensors.is_empty());
    }
}

#[test]
fn whoever_watches_sees_all_bytes_that_are_read_once() {
    let scratch = Scratch::new();
    for name in ["model.safetensors", "stored.npz", "compressed.npz"] {
        let (_, content) = files_named(name).remove(0);
        let (path, mut seen) = (scratch.file("weights.bin", &content), Vec::new());
        let state = StateDict::open_stored_seen(&path, &mut |bytes| seen.extend_from_slice(bytes)).unwrap();
        assert!(!state.tensors.is_empty() && seen == content, "{name}: {} of {} bytes", seen.len(), content.len());
    }
}

#[test]
fn a_file_that_is_no_state_dict_is_named_with_what_it_looks_like() {
    let scratch = Scratch::new();
    for (content, said) in [
        (&b""[..], "the file is empty"),
        (b"\x93NUMPY\x01\x00", "a single .npy array; pass the folder"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"<html>", "a web page"),
        (b"%PDF-1.7 and more", "the first bytes are 25 50 44 46"),
        (b"PK\x03\x04 and no more", "damaged zip archive"),
        (b"\x40\0\0\0\0\0\0\0{\"w\":", "the safetensors header should be 64 bytes and 5 are there"),
    ] {
        let path = scratch.file("weights.safetensors", content);
        let message = refusal(&path);
        assert!(message.contains(said), "expected {said}: {message}");
        assert!(message.starts_with(&path.display().to_string()), "{message}");
    }
}

#[test]
fn missing_files_and_folders_without_arrays_are_named() {
    let scratch = Scratch::new();
    let missing = scratch.0.join("missing.safetensors");
    assert!(refusal(&missing).starts_with(&format!("cannot read {}", missing.display())));

    scratch.file("readme.txt", b"no arrays here");
    let message = refusal(&scratch.0);
    assert!(message.contains("the folder holds no .npy files"), "{message}");
    assert!(message.starts_with(&scratch.0.display().to_string()), "{message}");
}

#[cfg(unix)]
#[test]
fn a_device_that_never_ends_is_refused() {
    assert!(refusal(Path::new("/dev/zero")).contains("not a regular file"));
}

#[test]
fn a_truncated_golden_file_is_an_error_under_its_own_name() {
    let scratch = Scratch::new();
    for name in ["model.safetensors", "stored.npz"] {
        let (_, content) = files_named(name).remove(0);
        let path = scratch.file(name, &content[..content.len() - 1]);
        match StateDict::open(&path) {
            Err(Error::In { place, .. }) => assert_eq!(place, path.display().to_string()),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let scratch = Scratch::new();
    let pipe = scratch.file("pipe", b"");
    std::fs::remove_file(&pipe).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(refusal(&pipe).contains("not a regular file"));
}

#[test]
fn a_pytorch_checkpoint_says_how_to_import_it_whatever_the_features() {
    for name in ["zip.pth", "legacy.pth"] {
        for (path, _) in files_named(name) {
            let message = refusal(Path::new(&path));
            assert!(message.contains("cargo xtask import FILE --arch NAME --out FILE.safetensors"), "{message}");
        }
    }
}

#[cfg(feature = "torch")]
#[test]
fn a_wrong_pytorch_checkpoint_is_an_error_under_its_own_name() {
    let scratch = Scratch::new();
    for name in ["zip.pth", "legacy.pth"] {
        let (_, content) = files_named(name).remove(0);
        let path = scratch.file(name, &content[..content.len() - 1]);
        let message = StateDict::import(&path).expect_err("it was read").to_string();
        assert!(message.starts_with(&path.display().to_string()), "{message}");
    }
}
