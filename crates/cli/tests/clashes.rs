//! Outputs that would replace what a run reads.
#![cfg(all(unix, feature = "embedded"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{code, fixture, folder, stderr};

/// A folder with a photograph, weights and a baseline of a run.
fn inputs(name: &str) -> [PathBuf; 4] {
    let folder = folder(name);
    let [cat, weights, baseline] = ["cat.png", "w.safetensors", "b.npy"].map(|name| folder.join(name));
    fs::copy(fixture("images/chelsea.png"), &cat).unwrap();
    fs::copy(fixture("../weights/efficientnet-lite0.safetensors"), &weights).unwrap();
    fs::copy(fixture("images/coffee.png"), &baseline).unwrap();
    [folder, cat, weights, baseline]
}

/// The command line is refused before anything is written, and these words are said.
fn refused(folder: &Path, arguments: &[&Path], said: &[&str]) {
    let before = contents(folder);
    let output = Command::new(env!("CARGO_BIN_EXE_gradex")).args(arguments).current_dir(folder).output().unwrap();
    let told = stderr(&output);
    assert!(code(&output) == Some(2) && said.iter().all(|said| told.contains(said)), "{said:?} not in {told}");
    assert_eq!(contents(folder), before);
}

fn contents(folder: &Path) -> Vec<(PathBuf, usize)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut contents: Vec<_> =
        entries.map(|path| (path.clone(), fs::read(&path).map_or(0, |bytes| bytes.len()))).collect();
    contents.sort();
    contents
}

#[test]
fn outputs_never_replace_what_is_read() {
    let [folder, cat, weights, baseline] = inputs("clashes");
    let [link, hard] = ["link.json", "hard.json"].map(|name| folder.join(name));
    symlink(&cat, &link).unwrap();
    fs::hard_link(&weights, &hard).unwrap();
    let [explain, report, out, receipt, output] = ["explain", "report", "out", "--receipt", "-o"].map(Path::new);
    let [base, weigh, dir] = ["--baseline", "--weights", "--out"].map(Path::new);
    for file in [&cat, &link, Path::new("./cat.png"), Path::new("out/../cat.png")] {
        fs::create_dir_all(folder.join("out")).unwrap();
        refused(&folder, &[explain, &cat, dir, out, receipt, file], &["--receipt", "cat.png", "the input"]);
        refused(&folder, &[report, &cat, output, file], &["--output", "the input"]);
    }
    for file in [&weights, &hard] {
        refused(&folder, &[explain, &cat, weigh, &weights, receipt, file], &["the weights", "w.safetensors"]);
    }
    refused(&folder, &[explain, &cat, base, &baseline, receipt, &baseline], &["the baseline", "b.npy"]);
    refused(&folder, &[explain, &folder, dir, out, receipt, &cat], &["the input", "cat.png"]);
    refused(&folder, &[explain, &cat, dir, out, receipt, out], &["--receipt out", "a folder"]);
}

#[test]
fn inputs_do_not_lie_where_the_run_writes() {
    let [folder, cat, ..] = inputs("clashes-out");
    let ours = folder.join("cat-285-grad-cam-activated.png");
    fs::copy(fixture("images/coffee.png"), &ours).unwrap();
    let [explain, dir, receipt, dot] = ["explain", "--out", "--receipt", "."].map(Path::new);
    refused(&folder, &[explain, &cat, &ours, dir, dot], &["cat-285-grad-cam-activated.png", "give another --out"]);
    fs::remove_file(&ours).unwrap();
    refused(&folder, &[explain, &cat, dir, dot, receipt, &ours], &["--receipt", "give another --out"]);

    let evaluated = folder.join("summary.json");
    fs::copy(&cat, &evaluated).unwrap();
    let evaluate = Path::new("evaluate");
    refused(&folder, &[evaluate, &evaluated, dir, dot], &["summary.json", "the input"]);
}
