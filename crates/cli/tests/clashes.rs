//! Outputs that would replace what a run reads.
#![cfg(all(unix, feature = "embedded"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
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

#[test]
fn what_is_no_regular_file_is_never_replaced() {
    let [folder, cat, ..] = inputs("clashes-pipes");
    let [pipe, link, lost] = ["pipe", "link", "lost"].map(|name| folder.join(name));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("pipe", &link).unwrap();
    symlink("nowhere", &lost).unwrap();
    let gradex = |arguments: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
        command.args(arguments).arg(&cat).current_dir(&folder).output().unwrap()
    };
    let [explain, report, out, receipt, output] = ["explain", "report", "--out", "--receipt", "-o"].map(Path::new);
    for (file, why) in [(&pipe, "no regular file"), (&link, "no regular file"), (&lost, "leads nowhere")] {
        for arguments in [&[explain, receipt, file][..], &[report, output, file]] {
            let refused = gradex(arguments);
            assert!(code(&refused) == Some(1) && stderr(&refused).contains(why), "{refused:?}");
            assert!(refused.stdout.is_empty() && !folder.join("gradex-out").exists(), "something was done");
        }
    }
    // A picture that would go through a link into a pipe fails, and says so.
    let pictures = folder.join("pictures");
    fs::create_dir(&pictures).unwrap();
    symlink(&pipe, pictures.join("cat-285-grad-cam-none.png")).unwrap();
    let failed = gradex(&[explain, out, &pictures]);
    assert!(code(&failed) == Some(1) && stderr(&failed).contains("no regular file"), "{failed:?}");
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!([&link, &lost].iter().all(|link| link.is_symlink()) && !folder.join("nowhere").exists());
}

#[test]
fn links_stay_and_files_keep_their_permissions() {
    let [folder, cat, ..] = inputs("clashes-links");
    let [file, link, drawn] = ["file.json", "link.json", "out/cat-285-grad-cam-none.png"].map(|name| folder.join(name));
    fs::create_dir(folder.join("out")).unwrap();
    for path in [&file, &drawn] {
        fs::write(path, "before").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    symlink("file.json", &link).unwrap();
    let mut gradex = Command::new(env!("CARGO_BIN_EXE_gradex"));
    let explain = gradex.args(["explain", "cat.png", "--out", "out", "--receipt", "link.json"]).current_dir(&folder);
    assert_eq!(code(&explain.output().unwrap()), Some(0));
    assert!(link.is_symlink() && fs::read_to_string(&link).unwrap().starts_with("{\"receipt\""));
    for path in [&file, &drawn] {
        let now = fs::symlink_metadata(path).unwrap();
        assert!(now.is_file() && now.len() > 6 && now.permissions().mode() & 0o777 == 0o600, "{path:?}: {now:?}");
    }
    // What is printed is not lost either.
    let refused = explain.stdout(File::create(&file).unwrap()).output().unwrap();
    assert!(code(&refused) == Some(2) && stderr(&refused).contains("standard output goes there"), "{refused:?}");
    assert!(cat.is_file());
}
