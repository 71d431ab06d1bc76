//! The output is whole or as it was before.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::program::{Run, repository, xtask};
use crate::scratch::Scratch;

fn import_to(out: &Path) -> Run {
    let weights = repository("weights/efficientnet-lite0.safetensors");
    xtask(&[&"import", &weights, &"--arch", &"efficientnet-lite0", &"--out", &out])
}

fn names_in(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn an_older_output_is_replaced() {
    let folder = Scratch::new();
    let out = folder.write("out.safetensors", b"older");
    let run = import_to(&out);
    assert_eq!(run.code, Some(0), "{}", run.error);
    assert_eq!(fs::metadata(&out).unwrap().len(), run_bytes(&run));
    assert_eq!(names_in(folder.path()), ["out.safetensors"]);
}

fn run_bytes(run: &Run) -> u64 {
    let line = run.out.lines().find(|line| line.starts_with("wrote ")).unwrap();
    line.split(' ').rev().nth(1).unwrap().parse().unwrap()
}

#[test]
fn outputs_that_cannot_be_written_leave_nothing() {
    let folder = Scratch::new();
    folder.write("file", b"");
    folder.write("folder.safetensors/inside", b"");
    for out in ["none/out.safetensors", "file/out.safetensors", "folder.safetensors"] {
        let run = import_to(&folder.path().join(out));
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{out}");
        assert!(run.error.contains(out), "{}", run.error);
        assert_eq!(names_in(folder.path()), ["file", "folder.safetensors"]);
        assert_eq!(names_in(&folder.path().join("folder.safetensors")), ["inside"]);
    }
}

#[test]
fn another_extension_is_refused() {
    let folder = Scratch::new();
    let run = import_to(&folder.path().join("out.pth"));
    assert_eq!(run.code, Some(1));
    assert!(run.error.contains("give it the extension .safetensors"), "{}", run.error);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn its_own_input_is_never_overwritten() {
    let folder = Scratch::new();
    let weights = fs::read(repository("weights/efficientnet-lite0.safetensors")).unwrap();
    let source = folder.write("in.safetensors", &weights);
    fs::create_dir(folder.path().join("inside")).unwrap();
    let detour = folder.path().join("inside/../in.safetensors");
    for out in [&source, &detour] {
        let run = xtask(&[&"import", &source, &"--arch", &"efficientnet-lite0", &"--dtype", &"f16", &"--out", out]);
        assert_eq!(run.code, Some(1));
        assert!(run.error.contains("the file to import itself"), "{}", run.error);
        assert!(fs::read(&source).unwrap() == weights);
    }
}

/// A limit on the size of files stands in for a full disk.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_leaves_the_older_output_and_nothing_beside_it() {
    let folder = Scratch::new();
    let out = folder.write("out.safetensors", b"older");
    let run = import_under_limit("trap '' XFSZ", &out);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(run.error.contains("out.safetensors was not written: cannot write"), "{}", run.error);
    assert_eq!(fs::read(&out).unwrap(), b"older");
    assert_eq!(names_in(folder.path()), ["out.safetensors"]);
}

/// Without the trap the system kills the program in the middle of writing.
#[cfg(unix)]
#[test]
fn a_program_that_is_killed_leaves_the_older_output() {
    let folder = Scratch::new();
    let out = folder.write("out.safetensors", b"older");
    let run = import_under_limit("ulimit -c 0", &out);
    assert_eq!(run.code, None, "it was not killed: {}", run.error);
    assert_eq!(fs::read(&out).unwrap(), b"older");
}

#[cfg(unix)]
fn import_under_limit(first: &str, out: &Path) -> Run {
    let import = r#"ulimit -f 64 && exec "$0" import "$1" --arch efficientnet-lite0 --out "$2""#;
    let weights = repository("weights/efficientnet-lite0.safetensors");
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("{first}; {import}")).arg(crate::program::PROGRAM).arg(weights).arg(out);
    shell.output().unwrap().into()
}
