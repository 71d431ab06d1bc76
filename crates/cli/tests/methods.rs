//! Several methods, classes and points over one input, and what is drawn of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{code, file, fixture, folder, gradex, json, stderr};
use gradex::formats::{read_npy, write_npy};
use gradex::methods::{self, Settings};
use gradex::{Photograph, Tensor};
use serde_json::Value;

/// Small enough that every method is quick.
const SMALL: [&str; 2] = ["--size", "33"];

fn explanations(report: &Value) -> &[Value] {
    report["explanations"].as_array().unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn all_methods_and_several_classes_over_one_input() {
    let out = folder("all-methods");
    let cat = fixture("images/chelsea.png");
    let arguments = ["explain", "--json", "--save-npy", "--method", "all", "--samples", "4", "--top-k", "2", "--sheet"];
    let output = gradex(&[&arguments[..], &SMALL].concat(), &[&cat], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let report = json(&output).remove(0);
    let said = stderr(&output);
    let all: Vec<&str> = methods::all(&Settings::default()).iter().map(|method| method.about().name).collect();
    let skipped: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("skipped ")?.split(':').next()).collect();
    for explanation in explanations(&report) {
        let keys: Vec<&String> = explanation.as_object().unwrap().keys().collect();
        let contract = ["class", "label", "method", "point", "extrapolation", "reason", "files"];
        let more = ["versus", "advice", "note", "stretch", "influence", "ledger", "fused", "target", "parameters"];
        assert!(contract.iter().chain(&more).all(|key| keys.iter().any(|known| known == key)), "{keys:?}");
        assert_eq!(explanation["reason"].is_null(), explanation["advice"].is_null(), "a reason comes with advice");
        let coarse = read_npy(file(explanation, "coarse")).unwrap();
        let fine = read_npy(file(explanation, "fine")).unwrap();
        assert!(coarse.iter().all(|value| value.is_finite()));
        assert!(fine.iter().all(|value| (0.0..=1.0).contains(value)));
        let components = coarse.ndim() - 2;
        assert!(components <= 1 && fine.ndim() == coarse.ndim() && fine.shape()[components..] == [33, 33]);
        if components == 1 {
            assert!(coarse.shape()[0] > 1, "one channel has no axis: {:?}", coarse.shape());
        }
        let is_fine = coarse.shape()[components..] == [33, 33];
        assert_eq!(explanation["stretch"].as_f64(), is_fine.then_some(99.0), "{explanation}");
    }
    let done: Vec<(u64, &str)> = explanations(&report)
        .iter()
        .map(|explanation| (explanation["class"].as_u64().unwrap(), explanation["method"].as_str().unwrap()))
        .collect();
    let classes: Vec<u64> =
        report["predictions"].as_array().unwrap()[..2].iter().map(|p| p["class"].as_u64().unwrap()).collect();
    let applied: Vec<&str> = all.iter().copied().filter(|name| !skipped.contains(name)).collect();
    assert!(applied.contains(&"grad-cam") && skipped.len() + applied.len() == all.len(), "each is said once: {said}");
    let expected: Vec<(u64, &str)> =
        classes.iter().flat_map(|class| applied.iter().map(|name| (*class, *name))).collect();
    assert_eq!(done, expected, "class by class, in the order of `gradex methods`");

    let sheets: Vec<&str> = report["sheets"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(sheets.len(), 2);
    for sheet in sheets {
        assert_eq!(Photograph::open(sheet).unwrap().size()[1], 1200);
    }
    assert!(names(&out).iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn a_method_that_is_named_twice_is_done_once_and_names_are_kept() {
    let out = folder("twice");
    let cat = fixture("images/chelsea.png");
    let arguments =
        ["explain", "--method", "grad-cam", "--method", "grad-cam", "--class", "281", "--extrapolate", "none"];
    let output = gradex(&[&arguments[..], &SMALL].concat(), &[&cat], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(names(&out), BTreeSet::from(["chelsea-33x33-281-grad-cam-none.png".to_owned()]));
}

#[test]
fn why_this_and_not_that() {
    let out = folder("versus");
    let cat = fixture("images/chelsea.png");
    let explain = |more: &[&str]| {
        let arguments = [&["explain", "--json", "--save-npy", "--extrapolate", "none"], more, &SMALL].concat();
        let output = gradex(&arguments, &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        json(&output).remove(0)
    };
    let report = explain(&["--class", "282", "--versus", "tabby", "--sheet"]);
    let difference = &explanations(&report)[0];
    assert_eq!(difference["class"], 282);
    assert_eq!(difference["versus"], serde_json::json!({ "class": 281, "label": "tabby" }));
    let name = file(difference, "coarse").file_name().unwrap().to_str().unwrap();
    assert_eq!(name, "chelsea-33x33-282-versus-281-grad-cam-coarse.npy");
    assert!(report["sheets"][0].as_str().unwrap().ends_with("chelsea-33x33-282-versus-281-sheet.png"));

    let coarse = |report: &Value| read_npy(file(&explanations(report)[0], "coarse")).unwrap();
    let alone = explain(&["--class", "282"]);
    assert!(explanations(&alone)[0]["versus"].is_null() && alone.get("sheets").is_none());
    assert_ne!(coarse(&report), coarse(&alone), "another question");

    // The most probable class is not compared with itself: the next one is.
    let best = alone["predictions"][0]["class"].to_string();
    let report = explain(&["--versus", &best]);
    assert_eq!(explanations(&report)[0]["class"], alone["predictions"][1]["class"]);
}

#[test]
fn a_sheet_is_written_whole_or_not_at_all() {
    let out = folder("no-sheet");
    let cat = fixture("images/chelsea.png");
    // The sheet's name is taken by a folder: everything else is done, and nothing of the sheet remains.
    fs::create_dir_all(out.join("chelsea-33x33-281-sheet.png/taken")).unwrap();
    let output = gradex(&[&["explain", "--class", "281", "--sheet"][..], &SMALL].concat(), &[&cat], &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("chelsea-33x33-281-sheet.png"), "{}", stderr(&output));
    let expected = ["activated.png", "none.png"].map(|end| format!("chelsea-33x33-281-grad-cam-{end}"));
    let expected: BTreeSet<String> = expected.into_iter().chain(["chelsea-33x33-281-sheet.png".to_owned()]).collect();
    assert_eq!(names(&out), expected);
}

#[test]
fn settings_reach_their_methods() {
    let (inputs, out) = (folder("settings"), folder("settings-out"));
    let cat = fixture("images/chelsea.png");
    let coarse = |more: &[&str]| {
        let arguments =
            [&["explain", "--json", "--save-npy", "--class", "285", "--extrapolate", "none"], more, &SMALL].concat();
        let output = gradex(&arguments, &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{more:?}: {}", stderr(&output));
        let report = json(&output).remove(0);
        let explanation = explanations(&report)[0].clone();
        (read_npy(file(&explanation, "coarse")).unwrap(), explanation)
    };
    for (method, setting) in [
        ("rise", ["--seed", "1"]),
        ("rise", ["--samples", "5"]),
        ("smooth-grad", ["--noise-level", "0.05"]),
        ("integrated-gradients", ["--baseline", "blur"]),
        ("occlusion", ["--window", "20"]),
        ("occlusion", ["--stride", "2"]),
        ("lrp", ["--rule", "conv2d = gamma(0.25)"]),
    ] {
        let before = match method {
            "lrp" => ["--method", method, "--rule", "first conv2d = flat"],
            _ => ["--method", method, "--samples", "4"],
        };
        let after = match setting {
            ["--samples", _] => [&before[..2], &setting].concat(),
            _ => [&before[..], &setting].concat(),
        };
        let (before, again) = (coarse(&before).0, coarse(&before).0);
        assert_eq!(before, again, "{method} gives the same twice");
        assert_ne!(before, coarse(&after).0, "{method} {setting:?}");
    }
    let gap = coarse(&["--method", "integrated-gradients", "--samples", "4"]).1["note"].clone();
    assert!(gap.as_str().is_some_and(|note| !note.is_empty()), "the completeness gap is told: {gap}");

    let baseline = inputs.join("zero.npy");
    write_npy(&baseline, &Tensor::zeros(vec![3, 33, 33])).unwrap();
    let method = ["--method", "integrated-gradients", "--samples", "4"];
    let given = coarse(&[&method[..], &["--baseline", baseline.to_str().unwrap()]].concat()).0;
    assert_eq!(given, coarse(&method).0, "a file of zeros is zero");
    write_npy(&baseline, &Tensor::zeros(vec![33, 33])).unwrap();
    let output = gradex(&["explain", "--baseline", baseline.to_str().unwrap()], &[&cat], &out);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("[33, 33]"), "{}", stderr(&output));
}

#[test]
fn maps_at_several_points_are_fused() {
    let out = folder("fused");
    let cat = fixture("images/chelsea.png");
    let coarse = |more: &[&str]| {
        let arguments = [&["explain", "--json", "--save-npy", "--class", "285", "--method", "grad-cam"], more, &SMALL];
        let output = gradex(&arguments.concat(), &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        let explanation = explanations(&json(&output).remove(0))[0].clone();
        (read_npy(file(&explanation, "coarse")).unwrap(), explanation)
    };
    let stretched = |map: &Tensor| {
        let least = map.iter().copied().fold(f32::INFINITY, f32::min);
        let most = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        map.mapv(|value| (value - least) / (most - least))
    };
    // Two points of one size: nothing is resized.
    let (first, second) = ("_blocks.9", "_blocks.8");
    let (one, other) = (stretched(&coarse(&["--point", first]).0), stretched(&coarse(&["--point", second]).0));
    let both = ["--point", first, "--point", second];
    for (fuse, expected) in [
        (&[][..], &one * &other),
        (&["--fuse", "product"], &one * &other),
        (&["--fuse", "mean"], (&one + &other) / 2.0),
    ] {
        let (fused, explanation) = coarse(&[&both[..], fuse].concat());
        let apart = fused.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{fuse:?}: {apart}");
        assert_eq!(explanation["fused"]["points"], serde_json::json!(["_blocks.9.add", "_blocks.8._bn2"]));
        assert_eq!(explanation["fused"]["fusion"], fuse.get(1).copied().unwrap_or("product"));
        assert_eq!(explanation["method"], "grad-cam");
    }
    let (single, explanation) = coarse(&["--point", first]);
    assert!(explanation["fused"].is_null() && explanation["point"] == "_blocks.9.add");
    assert!(names(&out).contains("chelsea-33x33-285-grad-cam-mean-of-_blocks.9.add+_blocks.8._bn2-activated.png"));
    let finest = coarse(&["--point", first, "--point", "_blocks.4"]);
    assert!(finest.0.shape()[0] > single.shape()[0] && finest.1["point"].as_str().unwrap().starts_with("_blocks.4"));
}

/// What a run took beyond the picture's own forward pass.
fn passes(report: &Value) -> [u64; 2] {
    let of = |kind: &str| report["passes"][kind].as_u64().unwrap();
    [of("forwards") - 1, of("backwards")]
}

#[test]
fn classes_and_methods_share_passes() {
    let out = folder("passes");
    let cat = fixture("images/chelsea.png");
    for (methods, classes, [forwards, backwards]) in [
        ("grad-cam", "1", [0, 3]), // The runner-up and the middle class are explained to compare.
        ("grad-cam,grad-cam++,layer-cam", "1", [0, 3]),
        ("grad-cam,layer-cam,gradient", "4", [0, 5]),
        ("epsilon-plus", "4", [0, 5]),
        ("rise", "1", [6, 0]),
        ("rise", "4", [6, 0]),
        ("rise,grad-cam,smooth-grad", "4", [6 + 4 * 6, 5 + 4]),
        ("eigen-cam", "4", [0, 0]),
    ] {
        let arguments = ["explain", "--json", "--samples", "6", "--method", methods, "--top-k", classes];
        let output = gradex(&[&arguments[..], &SMALL].concat(), &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        let report = json(&output).remove(0);
        assert_eq!(explanations(&report).len(), methods.split(',').count() * classes.parse::<usize>().unwrap());
        assert_eq!(passes(&report), [forwards, backwards], "{methods} of {classes} classes");
    }
}

#[test]
fn a_method_that_does_not_apply_does_not_lose_the_others() {
    let out = folder("refused");
    let cat = fixture("images/chelsea.png");
    let arguments = ["explain", "--json", "--class", "285", "--method", "rise,grad-cam", "--point", "_blocks.9"];
    let output = gradex(&[&arguments[..], &SMALL].concat(), &[&cat], &out);
    assert_eq!(code(&output), Some(1));
    let report = json(&output).remove(0);
    assert_eq!(explanations(&report)[0]["method"], "grad-cam");
    assert!(file(&explanations(&report)[0], "overlay").exists());
    assert_eq!((&report["refused"][0]["method"], explanations(&report).len()), (&"rise".into(), 1));
    assert!(stderr(&output).contains("rise cannot be applied: it is taken at `input`"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_between_passes_and_leaves_whole_files() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let out = folder("interrupted");
    let mut child = Command::new(env!("CARGO_BIN_EXE_gradex"))
        .args(["explain", "--method", "grad-cam", "--method", "rise", "--samples", "10000000", "--class", "285"])
        .args(SMALL)
        .arg(fixture("images/chelsea.png"))
        .arg("--out")
        .arg(&out)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = out.join("chelsea-33x33-285-grad-cam-none.png");
    let start = Instant::now();
    while !first.exists() && start.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success() && first.exists());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    for name in names(&out) {
        assert!(Photograph::open(out.join(&name)).is_ok(), "{name} is whole");
    }
}

#[test]
fn words_of_methods_that_mean_nothing_exit_with_2_and_say_what_there_is() {
    let out = folder("methods-usage");
    let cat = fixture("images/chelsea.png");
    for (arguments, said) in [
        (&["--method", "all", "--method", "grad-cat"][..], "grad-cam"),
        (&["--method", "grad-cat"], "or all of them"),
        (&["--versus", "Egyptian bat"], "`Egyptian cat`"),
        (&["--class", "tabby", "--versus", "281"], "the class itself"),
        (&["--contrast-point", "_swish"], "not a contrastive method"),
        (&["--samples", "0"], "a whole number from 1"),
        (&["--samples", "many"], "a whole number from 1"),
        (&["--samples", "1e12"], "a whole number from 1 to 10000000"),
        (&["--samples", "-5"], "a whole number from 1"),
        (&["--top-k", "0"], "a whole number from 1"),
        (&["--noise-level", "0"], "a part of the image's range"),
        (&["--noise-level", "-0.1"], "a part of the image's range"),
        (&["--noise-level", "1e9"], "at most 10"),
        (&["--noise-level", "NaN"], "a part of the image's range"),
        (&["--class", "-1"], "-1"),
        (&["--seed", "many"], "--seed"),
        (&["--window", "0"], "a whole number from 1"),
        (&["--stride", "0"], "a whole number from 1"),
        (&["--batch", "0"], "a whole number from 1"),
        (&["--baseline", "noise"], "zero, blur, or"),
        (&["--rule", "conv2d = flat"], "--method lrp"),
        (&["--method", "lrp", "--rule", "conv2d"], "SELECTOR = RULE"),
        (&["--method", "lrp", "--rule", "conv3d = flat"], "nearest: `conv2d`"),
        (&["--method", "lrp", "--rule", "conv2d = gamma", "--rule", "_blocks.9.bn3 = pass"], "`_blocks.9._bn2`"),
        (&["--method", "lrp", "--rule", "conv2d = z-box(2, 1)"], "not below"),
        (&["--point", "_blocks.9", "--point", "_blocks.9.add"], "given twice"),
        (&["--method", "lrp"], "--rule"),
        (&["--fuse", "mean"], "two points"),
        (&["--point", "_swish", "--point", "_blocks.5", "--fuse", "sum"], "mean, product"),
        (&["--point", "_swish", "--point", "_fc"], "not an image"),
        (&["--ledger"], "grad-cam keeps no account"),
        (&["--stretch", "0"], "--stretch"),
        (&["--stretch", "101"], "--stretch"),
        (&["--stretch", "NaN"], "--stretch"),
    ] {
        let output = gradex(&[&["explain"], arguments].concat(), &[&cat], &out);
        assert_eq!(code(&output), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
    assert!(names(&out).is_empty());
}

#[test]
fn the_listing_of_methods_is_aligned_and_there_as_json() {
    let out = folder("methods-listing");
    let all: Vec<methods::About> = methods::all(&Settings::default()).iter().map(|method| method.about()).collect();
    let text = String::from_utf8(gradex(&["methods"], &[], &out).stdout).unwrap();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), all.len() + 1);
    let column = |text: &str, part: &str| text[..text.find(part).unwrap()].chars().count();
    let starts: BTreeSet<[usize; 3]> = lines[1..]
        .iter()
        .zip(&all)
        .map(|(line, about)| {
            [column(line, about.summary), column(line, &format!("  {}", about.cost)) + 2, column(line, about.paper)]
        })
        .collect();
    assert_eq!(starts.len(), 1, "{text}");

    let listing = json(&gradex(&["methods", "--json"], &[], &out)).remove(0);
    let listed = listing["methods"].as_array().unwrap();
    assert_eq!(listed.len(), all.len());
    for (line, about) in listed.iter().zip(&all) {
        let expected = serde_json::json!({
            "name": about.name, "summary": about.summary, "cost": about.cost, "paper": about.paper
        });
        assert_eq!(*line, expected);
    }
    assert_eq!(listing["extrapolation"][0]["name"], "activated");
}
