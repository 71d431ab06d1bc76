//! What goes wrong around the program: disks, pipes, signals, and files that are not what they seem.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gradex::Photograph;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gradex");

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn cat() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images/chelsea.png")
}

fn gradex(command: &str) -> Command {
    let mut gradex = Command::new(PROGRAM);
    gradex.arg(command);
    gradex
}

fn failed(output: &Output, said: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for said in said {
        assert!(stderr.contains(said), "no `{said}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_disk_that_is_full_leaves_no_half_written_file() {
    let out = folder("full");
    // Beyond one block a write fails, as it does on a full disk.
    let limited = "ulimit -f 1; trap '' XFSZ; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, "sh", PROGRAM, "explain", "--out"]).arg(&out).arg(cat());
    failed(&command.output().unwrap(), &["cannot be written", "chelsea"]);
    assert_eq!(names(&out), [""; 0]);
}

#[test]
fn standard_output_on_a_full_disk_is_an_error() {
    let output =
        gradex("classify").arg("--json").arg(cat()).stdout(File::create("/dev/full").unwrap()).output().unwrap();
    failed(&output, &["standard output cannot be written to", "No space left on device"]);
    let output = gradex("plan").stdout(File::create("/dev/full").unwrap()).output().unwrap();
    failed(&output, &["standard output cannot be written to", "No space left on device"]);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let output = gradex("explain").args(["--out", "/proc/gradex-out"]).arg(cat()).output().unwrap();
    failed(&output, &["/proc/gradex-out"]);
    let output = gradex("explain").args(["--out", "/proc/self"]).arg(cat()).output().unwrap();
    failed(&output, &["cannot write to the folder /proc/self"]);
}

/// Found before anything is computed: nothing is drawn, and no folder is left.
#[test]
fn outputs_that_cannot_be_written_are_found_first() {
    let folder = folder("unwritable");
    let (out, kept) = (folder.join("a/b"), folder.join("kept"));
    fs::write(&kept, "kept").unwrap();
    let mut read_only = fs::metadata(&kept).unwrap().permissions();
    read_only.set_readonly(true);
    fs::set_permissions(&kept, read_only).unwrap();
    let read = |command: &str, option: &str, file: &Path, more: &[&str]| {
        let output = gradex(command).arg(option).arg(file).args(more).arg(cat()).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), "", "something was done");
        output
    };
    let out_there = ["--out", out.to_str().unwrap()];
    failed(&read("explain", "--receipt", &kept, &out_there), &["--receipt", "kept: the file is read-only"]);
    failed(&read("explain", "--receipt", Path::new("/proc/self/r.json"), &out_there), &["--receipt /proc/self/r.json"]);
    failed(&read("explain", "--receipt", &folder.join("no/r.json"), &out_there), &["there is no folder"]);
    failed(&read("report", "--output", &kept, &[]), &["--output", "kept: the file is read-only"]);
    failed(&read("report", "--output", Path::new("/proc/self/r.html"), &[]), &["--output /proc/self/r.html"]);
    fs::create_dir(folder.join("results")).unwrap();
    fs::rename(&kept, folder.join("results/summary.json")).unwrap();
    failed(&read("evaluate", "--out", &folder.join("results"), &[]), &["summary.json: the file is read-only"]);
    failed(&read("evaluate", "--out", Path::new("/proc/self"), &[]), &["cannot write to the folder /proc/self"]);
    assert_eq!(names(&folder), ["results"]);
    assert_eq!(names(&folder.join("results")), ["summary.json"]);
}

#[test]
fn a_folder_made_for_a_run_of_which_nothing_came_is_removed_again() {
    let folder = folder("made");
    let (bad, ours) = (folder.join("bad.png"), folder.join("ours"));
    fs::write(&bad, "no picture").unwrap();
    fs::create_dir(&ours).unwrap();
    for out in [folder.join("a/b/c"), ours.join("a"), ours.clone()] {
        failed(&gradex("explain").arg("--out").arg(&out).arg(&bad).output().unwrap(), &["bad.png"]);
        // The folder of a file is not made.
        let page = out.join("page/page.html");
        let output = gradex("report").arg("-o").arg(&page).arg(&bad).output();
        failed(&output.unwrap(), &["page.html: there is no folder"]);
    }
    let inside = bad.join("a");
    failed(&gradex("explain").arg("--out").arg(&inside).arg(cat()).output().unwrap(), &["bad.png is a file"]);
    assert_eq!((names(&folder), names(&ours).len()), (vec!["bad.png".to_owned(), "ours".to_owned()], 0));
    let output = gradex("explain").arg("--out").arg(folder.join("a/b")).args([&bad, &cat()]).output().unwrap();
    failed(&output, &["1 of 2 inputs failed"]);
    assert_eq!(names(&folder.join("a/b")), ["chelsea-285-grad-cam-activated.png", "chelsea-285-grad-cam-none.png"]);
}

/// What a run that was killed left is no hindrance, and gone after the next one.
#[test]
fn the_run_after_one_that_was_killed_clears_up() {
    let out = folder("killed-before");
    let left =
        [".chelsea-285-grad-cam-none.png.1-0.partial", ".receipt.json.999999-3.partial"].map(|name| out.join(name));
    for path in &left {
        fs::write(path, "half").unwrap();
    }
    let receipt = out.join("receipt.json");
    let output = gradex("explain").arg("--out").arg(&out).arg("--receipt").arg(&receipt).arg(cat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(receipt.is_file() && names(&out).iter().all(|name| !name.starts_with('.')), "{:?}", names(&out));
    // The folder as an input: what is written aside is no picture.
    fs::write(&left[0], "half").unwrap();
    let output = gradex("classify").arg("--json").arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn whoever_is_killed_leaves_whole_files() {
    let (inputs, out) = (folder("killed-in"), folder("killed-out"));
    for number in 0..20 {
        fs::copy(cat(), inputs.join(format!("{number}.png"))).unwrap();
    }
    for written in 1..4 {
        let mut child = gradex("explain").arg("--out").arg(&out).arg(&inputs).stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while names(&out).len() < written {
            assert!(start.elapsed() < Duration::from_secs(100), "nothing is written");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for name in names(&out) {
            let path = out.join(&name);
            if !name.starts_with('.') {
                assert_eq!(Photograph::open(&path).unwrap().size(), [300, 451], "{name}");
                fs::remove_file(path).unwrap();
            }
        }
        let output = gradex("explain").arg("--out").arg(&out).arg(cat()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(names(&out).iter().all(|name| !name.starts_with('.')), "{:?}", names(&out));
        names(&out).iter().for_each(|name| fs::remove_file(out.join(name)).unwrap());
    }
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let inputs = folder("pipe");
    for number in 0..4 {
        fs::copy(cat(), inputs.join(format!("{number}.png"))).unwrap();
    }
    let mut child = gradex("classify").arg(&inputs).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A bitmap's header: 24 bits a pixel, and no pixels.
fn bitmap(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let length = 54 + pixels.len() as u32;
    let words = [length, 0, 54, 40, width, height, 1 | 24 << 16, 0, pixels.len() as u32, 2835, 2835, 0, 0];
    let words = words.iter().flat_map(|word| word.to_le_bytes());
    b"BM".iter().copied().chain(words).chain(pixels.iter().copied()).collect()
}

#[test]
fn the_smallest_photograph_is_explained_and_absurd_ones_are_refused() {
    let (inputs, out) = (folder("sizes"), folder("sizes-out"));
    let [one, empty, huge, cut] = ["one.bmp", "empty.bmp", "huge.bmp", "cut.bmp"].map(|name| inputs.join(name));
    fs::write(&one, bitmap(1, 1, &[10, 20, 30, 0])).unwrap();
    fs::write(&empty, "").unwrap();
    fs::write(&huge, bitmap(20_000, 20_000, &[])).unwrap();
    fs::write(&cut, bitmap(2000, 2000, &[])).unwrap();
    let explain = |input: &Path| gradex("explain").arg("--out").arg(&out).arg(input).output().unwrap();
    failed(&explain(&empty), &["empty.bmp", "it has no bytes"]);
    failed(&explain(&huge), &["huge.bmp", "20000 x 20000 pixels"]);
    failed(&explain(&cut), &["cut.bmp"]);
    assert_eq!(names(&out), [""; 0]);
    let output = explain(&one);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for name in names(&out) {
        assert_eq!(Photograph::open(out.join(name)).unwrap().size(), [1, 1]);
    }
}

#[test]
fn ten_thousand_inputs_are_each_accounted_for() {
    let inputs = folder("many");
    for number in 0..9_999 {
        fs::write(inputs.join(format!("{number:05}.png")), "").unwrap();
    }
    fs::copy(cat(), inputs.join("99999.png")).unwrap();
    let output = gradex("classify").arg("--json").arg(&inputs).output().unwrap();
    failed(&output, &["00000.png", "09998.png", "9999 of 10000 inputs failed"]);
    let reports = String::from_utf8(output.stdout).unwrap();
    assert_eq!(reports.lines().count(), 1);
    assert!(reports.contains("Egyptian cat"), "{reports}");
}

#[test]
fn weights_that_hold_nan_are_refused_by_the_name_of_the_tensor() {
    let (folder, weights) = (folder("weights"), "../../weights/efficientnet-lite0.safetensors");
    let mut bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(weights)).unwrap();
    let last = bytes.len() - 2;
    bytes[last..].copy_from_slice(&[0x00, 0x7e]); // NaN as a float16
    let path = folder.join("nan.safetensors");
    fs::write(&path, bytes).unwrap();
    let output = gradex("classify").arg("--weights").arg(&path).arg(cat()).output().unwrap();
    failed(&output, &["nan.safetensors", "NaN", "_fc.weight"]);
}

#[test]
fn weights_of_another_architecture_are_refused_by_what_is_missing() {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/efficientnet-lite0.safetensors");
    let output = gradex("explain").args(["--model", "vgg16", "--weights"]).arg(&weights).arg(cat()).output().unwrap();
    failed(&output, &["efficientnet-lite0.safetensors as weights of vgg16", "features.0.weight"]);
}

#[test]
fn a_small_disk_that_fills_up_leaves_whole_files_only() {
    let (disk, inputs, copy) = (folder("disk"), folder("disk-in"), folder("disk-copy"));
    for number in 0..4 {
        fs::copy(cat(), inputs.join(format!("{number}.png"))).unwrap();
    }
    // A disk of 1 MiB in a namespace of its own, whose files are copied before it goes.
    let script = "mount -t tmpfs -o size=1m disk \"$1\" || exit 77
                  \"$3\" explain --out \"$1\" \"$4\"; code=$?; cp -r \"$1\"/. \"$2\"; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    let Ok(output) = command.args([&disk, &copy]).arg(PROGRAM).arg(&inputs).output() else { return };
    if output.status.code() == Some(77) || String::from_utf8_lossy(&output.stderr).contains("unshare") {
        return; // Not every system lets us.
    }
    failed(&output, &["No space left on device", "of 4 inputs failed"]);
    let names = names(&copy);
    assert!(!names.is_empty(), "something fits");
    for name in names {
        assert_eq!(Photograph::open(copy.join(&name)).unwrap().size(), [300, 451], "{name}");
    }
}

/// A `.npy` file of version 1.0.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn pixels_as_integers_are_refused_for_they_are_not_normalised() {
    let folder = folder("integers");
    for (descr, size) in [("|u1", 1), ("<i8", 8), ("|b1", 1)] {
        let path = folder.join("pixels.npy");
        fs::write(&path, npy(descr, "(3, 32, 32)", &vec![0; 3 * 32 * 32 * size])).unwrap();
        let output = gradex("classify").arg(&path).output().unwrap();
        failed(&output, &["pixels.npy", "normalise", "PNG"]);
    }
}

#[test]
fn a_reader_that_leaves_does_not_change_the_verdict() {
    let none = folder("verdict").join("none.png");
    let mut child =
        gradex("classify").arg(cat()).arg(none).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn pickles_are_not_read_at_run_time_whatever_the_features() {
    let mut found = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints")).unwrap() {
        for name in ["zip.pth", "legacy.pth"] {
            let path = entry.as_ref().unwrap().path().join(name);
            if path.is_file() {
                failed(&gradex("classify").arg("--weights").arg(&path).arg(cat()).output().unwrap(), &["xtask import"]);
                found += 1;
            }
        }
    }
    assert!(found > 0, "no checkpoints among the fixtures");
}

#[test]
fn names_with_control_characters_are_shown_escaped() {
    let folder = folder("control");
    let path = folder.join("x\n\u{1b}[2JPASS.png");
    fs::copy(cat(), &path).unwrap();
    fs::write(folder.join("y\u{1b}.png"), "").unwrap();
    let output = gradex("explain").arg("--out").arg(folder.join("out")).arg(&folder).output().unwrap();
    failed(&output, &["y\\u{1b}.png"]);
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("x\\n\\u{1b}[2JPASS.png") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn names_that_are_no_unicode_are_told_apart_and_in_no_receipt() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder("unicode");
    let path = folder.join(std::ffi::OsStr::from_bytes(b"x\xff.png"));
    fs::copy(cat(), &path).unwrap();
    let output = gradex("classify").arg(&path).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("x\\xff.png"));
    let out = folder.join("out");
    let receipt = out.join("receipt.json");
    fs::create_dir(&out).unwrap();
    let output = gradex("explain").arg("--receipt").arg(&receipt).arg("--out").arg(&out).arg(&path).output().unwrap();
    failed(&output, &["x\\xff.png", "not Unicode"]);
    assert!(!receipt.exists());
}

#[test]
fn standard_input_is_told_by_its_name() {
    failed(&gradex("classify").arg("-").stdin(File::open(cat()).unwrap()).output().unwrap(), &["/dev/stdin"]);
    let output = gradex("classify").arg("/dev/stdin").stdin(File::open(cat()).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn weights_that_do_not_say_whose_they_are_ask_for_a_name() {
    let path = folder("nameless").join("nameless.safetensors");
    let header = br#"{"conv1.weight":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#;
    fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header, &[0, 0x3e]].concat()).unwrap();
    failed(&gradex("classify").arg("--weights").arg(&path).arg(cat()).output().unwrap(), &["give --model NAME"]);
}

#[test]
fn folders_in_a_folder_are_not_searched() {
    let outer = folder("nested");
    fs::create_dir(outer.join("inner.png")).unwrap();
    fs::copy(cat(), outer.join("inner.png/cat.png")).unwrap();
    failed(&gradex("classify").arg(&outer).output().unwrap(), &["nested", "folders in it are not searched"]);
    fs::copy(cat(), outer.join("cat.png")).unwrap();
    let output = gradex("classify").arg("--json").arg(&outer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
}
