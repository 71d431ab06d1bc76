//! `--max-memory`: planned before, measured after.
#![cfg(all(target_os = "linux", feature = "embedded"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{code, file, fixture, folder, gradex, json, stderr};
use gradex::formats::read_npy;
use gradex::render::{RgbImage, write_png};

/// The number before this word in what was said about memory.
fn number(said: &str, before: &str) -> usize {
    let line = said.lines().find(|line| line.starts_with("memory: ")).unwrap_or_else(|| panic!("no plan in {said}"));
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| *word == before).unwrap_or_else(|| panic!("no {before} in {line}"));
    words[at - 1].trim_end_matches('M').parse().unwrap()
}

fn explain(arguments: &[&str], out: &Path) -> (Option<i32>, String) {
    let output = gradex(&[&["explain"], arguments].concat(), &[&fixture("images/chelsea.png")], out);
    (code(&output), stderr(&output))
}

#[test]
fn plans_are_at_least_what_is_taken_and_at_most_twice() {
    let out = folder("memory");
    for arguments in [
        &["--method", "grad-cam"][..],
        &["--method", "gradient"],
        &["--method", "smooth-grad", "--samples", "4", "--batch", "4"],
        &["--method", "occlusion", "--window", "112", "--batch", "8"],
        &["--method", "rise", "--samples", "32", "--batch", "32", "--exact"],
        &["--method", "gradient", "--exact"],
        &["--method", "epsilon-plus"],
        &["--method", "contrastive-excitation-backprop"],
        &["--method", "grad-cam", "--size", "448"],
        &["--method", "grad-cam", "--size", "448", "--extrapolate", "published"],
        &["--method", "grad-cam", "--size", "448", "--extrapolate", "none"],
        &["--method", "grad-cam", "--size", "800", "--extrapolate", "published"],
        &["--method", "grad-cam", "--size", "1024"],
    ] {
        let (code, said) = explain(&[arguments, &["--max-memory", "4G"]].concat(), &out);
        assert_eq!(code, Some(0), "{said}");
        let (planned, taken) = (number(&said, "planned"), number(&said, "taken"));
        assert!((taken..=taken * 2).contains(&planned), "{arguments:?}: {said}");
    }
}

#[test]
fn what_cannot_fit_is_refused_with_the_figure_before_it_is_begun() {
    let out = folder("memory-refused");
    let (code, said) = explain(&["--max-memory", "16M"], &out);
    assert!(code == Some(1) && said.contains("--max-memory 16M: it takes "), "{said}");
    let needed = said.split("it takes ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    // `gradex plan` shows the same figure, and that more at once takes more.
    let plan = |more: &[&str]| String::from_utf8(gradex(&[&["plan"], more].concat(), &[], &out).stdout).unwrap();
    let shown: usize = plan(&[]).split("program 24M; ").nth(1).unwrap().split('M').next().unwrap().parse().unwrap();
    let photograph = needed.trim_end_matches('M').parse::<usize>().unwrap() - shown;
    assert!((1..=2).contains(&photograph), "{needed}, without the photograph {shown}M");
    let passes = |batch| {
        let said = plan(&["--method", "smooth-grad", "--batch", batch]);
        said.split("passes ").nth(1).unwrap().split('M').next().unwrap().parse::<usize>().unwrap()
    };
    assert!(passes("8") > 5 * passes("1"), "{} and {}", passes("8"), passes("1"));
    assert_eq!(explain(&["--max-memory", &needed], &out).0, Some(0));

    let weights = fixture("../weights/efficientnet-lite0.safetensors");
    let (code, said) = explain(&["--max-memory", "16M", "--weights", weights.to_str().unwrap()], &out);
    assert!(code == Some(1) && said.contains("reading the weights alone takes"), "{said}");
}

#[test]
fn every_command_that_runs_networks_plans_and_refuses() {
    let folder = folder("memory-commands");
    let page = folder.join("page.html");
    let (page, out) = (page.to_str().unwrap(), folder.join("out"));
    let out = out.to_str().unwrap();
    let metrics = "insertion,drop,infidelity,class-swap,max-sensitivity,randomisation";
    let (cat, cup) = (fixture("images/chelsea.png"), fixture("images/coffee.png"));
    for (arguments, most) in [
        (&["classify"][..], 2),
        (&["classify", "--size", "800"], 2),
        (&["report", "--size", "160", "--steps", "2", "--output", page], 3),
        (
            &["report", "--size", "160", "--method", "smooth-grad", "--samples", "4", "--steps", "2", "--output", page],
            3,
        ),
        (&["evaluate", "--size", "160", "--steps", "2", "--out", out], 3),
        (
            &[
                "evaluate",
                "--size",
                "128",
                "--methods",
                "layer-cam",
                "--layers",
                "3",
                "--steps",
                "2",
                "--metrics",
                metrics,
                "--out",
                out,
            ],
            3,
        ),
    ] {
        let run = |memory: &str| {
            let output = gradex(&[arguments, &["--max-memory", memory]].concat(), &[&cat, &cup], &folder);
            (code(&output), stderr(&output))
        };
        let (code, said) = run("16M");
        assert!(code == Some(1) && said.contains("--max-memory 16M: it takes "), "{arguments:?}: {said}");
        assert!(!Path::new(page).exists() && !Path::new(out).exists(), "{arguments:?}: something is left");
        let needed = said.split("it takes ").nth(1).unwrap().split(';').next().unwrap();
        let (code, said) = run(needed);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        let (planned, taken) = (number(&said, "planned"), number(&said, "taken"));
        assert!((taken..=taken * most).contains(&planned), "{arguments:?}: {said}");
        let _ = (fs::remove_file(page), fs::remove_dir_all(out));
    }
}

/// A file of nothing but a header, as long as it says.
fn array(path: &Path, shape: &str, bytes: u64) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let header = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(path, &header).unwrap();
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(header.len() as u64 + bytes).unwrap();
}

#[test]
fn tensors_are_measured_before_they_are_read() {
    let folder = folder("memory-tensors");
    let path = folder.join("tensors.npy");
    let classify = |more: &[&str]| {
        let output = gradex(&[&["classify"], more].concat(), &[&path], &folder);
        (code(&output), stderr(&output))
    };
    // 192 TB that no disk has.
    array(&path, "(1000000, 3, 4096, 4096)", 0);
    let (code, said) = classify(&[]);
    assert!(code == Some(1) && said.contains("should be 201326592000000 bytes and 0 are there"), "{said}");
    array(&path, "(1000, 3, 4096, 4096)", 1000 * 3 * 4096 * 4096 * 4);
    let (code, said) = classify(&[]);
    assert!(code == Some(1) && said.contains("without --max-memory: this input takes"), "{said}");
    array(&path, "(3, 9000, 224)", 3 * 9000 * 224 * 4);
    let (code, said) = classify(&[]);
    assert!(code == Some(1) && said.contains("sides are of at most 8192"), "{said}");
    array(&path, "(40, 3, 224, 224)", 40 * 3 * 224 * 224 * 4);
    let (code, said) = classify(&["--max-memory", "100M"]);
    assert!(code == Some(1) && said.contains("100M: this input takes ") && number(&said, "taken") <= 60, "{said}");
    let needed = said.split("this input takes ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let (code, said) = classify(&["--max-memory", &needed]);
    let needed = needed.trim_end_matches('M').parse().unwrap();
    assert!(code == Some(0) && number(&said, "taken") <= needed, "{needed}: {said}");

    let image = fixture("images/chelsea.png");
    array(&path, "(3, 200000, 200000)", 3 * 200_000 * 200_000 * 4);
    let baseline = ["explain", "--method", "occlusion", "--baseline", path.to_str().unwrap()];
    let output = gradex(&baseline, &[&image], &folder);
    assert!(stderr(&output).contains("expected [3, H, W]"), "{}", stderr(&output));
}

#[test]
fn photographs_are_measured_before_they_are_decoded() {
    let out = folder("memory-photograph");
    let large = out.join("large.png");
    write_png(&large, &RgbImage::new(6000, 6000)).unwrap();
    let output = gradex(&["explain", "--max-memory", "120M"], &[&large, &fixture("images/chelsea.png")], &out);
    let said = stderr(&output);
    assert!(code(&output) == Some(1) && said.contains("large.png: --max-memory 120M: this input takes "), "{said}");
    assert!(said.contains("1 of 2 inputs failed") && number(&said, "taken") <= 90, "{said}");
    // What is named is enough for all of them.
    let needed = |said: &str| said.split("takes ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let output = gradex(&["explain", "--max-memory", "16M"], &[&large, &fixture("images/chelsea.png")], &out);
    assert_eq!(needed(&stderr(&output)), needed(&said));
}

#[test]
fn what_no_machine_has_is_refused_and_not_tried() {
    let out = folder("memory-limit");
    let explain = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 3000000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_gradex"), "explain", "--out"]);
        let output = command.arg(&out).args(arguments).arg(fixture("images/chelsea.png")).output().unwrap();
        (code(&output), stderr(&output))
    };
    let (code, said) = explain(&["--size", "6000"]);
    assert!(code == Some(1) && said.contains("without --max-memory: it takes"), "{said}");
    let (code, said) = explain(&["--method", "smooth-grad", "--batch", "1000000", "--samples", "1000000"]);
    assert!(code == Some(2) && said.contains("--batch"), "{said}");
}

#[test]
fn batches_are_made_smaller_first_and_change_nothing() {
    let out = folder("memory-batches");
    let map = |more: &[&str]| {
        let arguments =
            ["explain", "--json", "--save-npy", "--method", "smooth-grad", "--samples", "8", "--size", "96"];
        let output = gradex(&[&arguments, more].concat(), &[&fixture("images/chelsea.png")], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        (read_npy(file(&json(&output)[0]["explanations"][0], "coarse")).unwrap(), stderr(&output))
    };
    let (whole, said) = map(&["--max-memory", "4G"]);
    let most = format!("{}M", number(&said, "planned") - 1);
    assert!(said.contains("batches of 8"), "{said}");
    let (less, said) = map(&["--max-memory", &most]);
    assert!(said.contains("batches of 4") && number(&said, "taken") <= number(&said, "planned"), "{said}");
    assert_eq!(whole, less);
}
