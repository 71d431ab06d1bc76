//! What does not fit is refused before anything is written, by an error that names it.

use std::fs;
use std::path::Path;

use gradex::Tensor;
use gradex_formats::{Dtype, StateDict};

use super::states::{generated, write_safetensors};
use crate::program::{repository, xtask};
use crate::scratch::Scratch;

const ARCHITECTURE: &str = "efficientnet-lite0";
const WEIGHT: &str = "_blocks.3._project_conv.weight";

/// Imports a file that must be refused; returns the complaint.
fn complaint(source: &Path, architecture: &str, dtype: &str) -> String {
    let folder = Scratch::new();
    let out = folder.path().join("out.safetensors");
    let run = xtask(&[&"import", &source, &"--arch", &architecture, &"--dtype", &dtype, &"--out", &out]);
    assert_eq!(run.code, Some(1), "{}", run.out);
    assert_eq!(run.out, "");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    run.error
}

/// The complaint about a state dict after this change.
fn complaint_about(dtype: &str, change: impl FnOnce(&mut StateDict)) -> String {
    let folder = Scratch::new();
    let mut state = generated(ARCHITECTURE);
    change(&mut state);
    complaint(&write_safetensors(&state, folder.path().join("changed.safetensors")), ARCHITECTURE, dtype)
}

fn check(complaint: &str, said: &[&str]) {
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    for said in said {
        assert!(complaint.contains(said), "{said:?} is not in {complaint}");
    }
}

#[test]
fn another_network_in_both_formats_of_pytorch() {
    for name in ["legacy.pth", "zip.pth"] {
        let complaint = complaint(&repository("fixtures/checkpoints/network").join(name), "resnet18", "f32");
        check(&complaint, &[name, "does not fit resnet18", "nothing was written", "lack `conv1.weight` [64, 3, 7, 7]"]);
    }
}

#[test]
fn a_missing_name_with_the_three_nearest() {
    let complaint = complaint_about("f32", |state| {
        state.tensors.remove(WEIGHT);
    });
    check(&complaint, &[&format!("lack `{WEIGHT}` [40, 144, 1, 1]"), "nearest: `_blocks.", "_project_conv.weight`"]);
    assert_eq!(complaint.matches('`').count(), 2 * (1 + 3), "{complaint}");
}

#[test]
fn an_unknown_name_with_the_three_nearest() {
    let complaint = complaint_about("f32", |state| {
        state.insert("_blocks.3._project_conv.weights".to_owned(), Tensor::zeros(vec![1]), Dtype::F32).unwrap();
    });
    check(
        &complaint,
        &["1 parameter(s)", "`_blocks.3._project_conv.weights`; nearest: `_blocks.3._project_conv.weight`"],
    );
    assert_eq!(complaint.matches('`').count(), 2 * (1 + 3), "{complaint}");
}

#[test]
fn another_shape() {
    let complaint = complaint_about("f32", |state| {
        state.tensors.insert(WEIGHT.to_owned(), Tensor::zeros(vec![40, 144]));
    });
    check(&complaint, &[WEIGHT, "[40, 144]", "[40, 144, 1, 1]"]);
}

#[test]
fn values_that_are_no_numbers() {
    for value in [f32::NAN, f32::NEG_INFINITY] {
        for dtype in ["f32", "f16"] {
            let complaint =
                complaint_about(dtype, |state| state.tensors.get_mut(WEIGHT).unwrap()[[1, 2, 0, 0]] = value);
            check(&complaint, &[WEIGHT, "NaN or infinite"]);
        }
    }
}

#[test]
fn a_value_that_float16_cannot_hold() {
    let complaint = complaint_about("f16", |state| state.tensors.get_mut(WEIGHT).unwrap()[[1, 2, 0, 0]] = 70_000.0);
    check(&complaint, &[WEIGHT, "7e4 does not fit F16"]);
}

#[test]
fn an_unknown_architecture_with_the_nearest() {
    let weights = repository("weights/efficientnet-lite0.safetensors");
    check(&complaint(&weights, "resnet51", "f32"), &["no model `resnet51`", "`resnet50`"]);
}

#[test]
fn files_that_hold_no_weights() {
    let folder = Scratch::new();
    let text = folder.write("page.pth", b"<!DOCTYPE html>");
    check(&complaint(&text, ARCHITECTURE, "f32"), &["page.pth", "web page"]);
    check(&complaint(&folder.path().join("none.pth"), ARCHITECTURE, "f32"), &["none.pth", "cannot read"]);
    let empty = Scratch::new();
    check(&complaint(empty.path(), ARCHITECTURE, "f32"), &["no .npy files"]);
    let weights = fs::read(repository("weights/efficientnet-lite0.safetensors")).unwrap();
    let cut = folder.write("cut.safetensors", &weights[..weights.len() - 1]);
    check(&complaint(&cut, ARCHITECTURE, "f32"), &["cut.safetensors"]);
}
