//! `gradex evaluate`: what it measures, and that it can be stopped, resumed and misled.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gradex::formats::write_npy;
use gradex::{Photograph, Tensor, write_png};
use ndarray::Array3;

use common::{code, fixture, folder, stderr};
use serde_json::Value;

/// Quick: a small input, few steps.
const QUICK: [&str; 4] = ["--size", "64", "--steps", "2"];
const METRICS: [&str; 2] = ["--metrics", "insertion-deletion,insertion,deletion,drop,gini"];

fn evaluate(arguments: &[&str], inputs: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
    command.arg("evaluate").args(QUICK).args(arguments).arg("--out").arg(out).arg(inputs);
    command
}

fn run(arguments: &[&str], inputs: &Path, out: &Path) -> Output {
    evaluate(arguments, inputs, out).output().unwrap()
}

fn lines(out: &Path) -> Vec<String> {
    fs::read_to_string(out.join("results.jsonl")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Each map's metrics, by input, method and mode.
fn measured(out: &Path) -> BTreeMap<[String; 3], Value> {
    let of_line = |line: String| {
        let record: Value = serde_json::from_str(&line).unwrap();
        let key = ["input", "method", "extrapolation"].map(|key| record[key].as_str().unwrap().to_owned());
        (key, record["metrics"].clone())
    };
    lines(out).into_iter().map(of_line).collect()
}

/// The summary without times.
fn summary(out: &Path) -> Value {
    let mut summary: Value = serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    for row in summary["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("milliseconds");
    }
    summary
}

fn row<'s>(summary: &'s Value, metric: &str, method: &str, extrapolation: &str) -> &'s Value {
    let rows = summary["rows"].as_array().unwrap();
    let is = |row: &&Value| row["metric"] == metric && row["method"] == method && row["extrapolation"] == extrapolation;
    rows.iter().find(is).unwrap_or_else(|| panic!("no {metric} of {method}, {extrapolation} in {summary}"))
}

#[test]
fn methods_are_measured_beside_baselines_and_compared() {
    let (inputs, out) = (fixture("images"), folder("evaluated"));
    let output = run(&METRICS, &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let summary = summary(&out);
    for (method, mode) in
        [("grad-cam", "none"), ("grad-cam", "activated"), ("random", "none"), ("centre", "none"), ("edges", "none")]
    {
        let of = |metric| row(&summary, metric, method, mode)["mean"].as_f64().unwrap();
        assert!((of("insertion-deletion") - (of("insertion") - of("deletion"))).abs() < 1e-5, "{method} {mode}");
        assert!((0.0..=1.0).contains(&of("drop")) && (0.0..1.0).contains(&of("gini")));
        assert_eq!(row(&summary, "gini", method, mode)["n"], 3);
    }
    assert!((row(&summary, "gini", "random", "none")["mean"].as_f64().unwrap() - 1.0 / 3.0).abs() < 0.01);
    assert_eq!(summary["comparisons"].as_array().unwrap().len(), 5);
    let weights = summary["settings"]["weights_sha256"].as_str().unwrap();
    assert!(fs::read_to_string(fixture("../weights/README.md")).unwrap().contains(weights), "{weights}");
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert!(
        csv.starts_with("metric,better,method,extrapolation,mean,low,high,n,milliseconds,blank,photographs\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1 + 5 * 5);
    let digits = |field: &str| field.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    let is_short = |field: &str| field.parse::<f64>().is_err() || field.contains('e') || digits(field) <= 7;
    assert!(csv.lines().skip(1).all(|line| line.split(',').skip(4).all(is_short)), "{csv}");
    let compared = fs::read_to_string(out.join("comparisons.csv")).unwrap();
    assert!(compared.lines().count() == 1 + 5 && compared.contains(",undecided\n"), "{compared}");
    for (key, expected) in [("level", 0.95), ("fewest_photographs", 6.0)] {
        assert_eq!(summary["statistics"][key], expected, "{summary}");
    }
    assert!(summary["program_sha256"].is_string(), "{summary}");
    let told = String::from_utf8(output.stdout).unwrap();
    for said in [
        "deletion (lower is better)",
        "Does the sharpening help here?",
        "grad-cam, activated against none: ",
        "Nothing is decided: that takes 6 photographs or more, and no comparison has more than 3.",
    ] {
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn settings_of_the_extrapolation_are_compared_with_any_of_them() {
    let (inputs, out) = (fixture("images"), folder("settings"));
    let settings = ["--extrapolate", "activated,activated(power=2,skip=never)", "--against", "activated"];
    let output = run(&[&["--metrics", "gini"][..], &settings].concat(), &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let (summary, name) = (summary(&out), "activated(skip=never,power=2)");
    let of = |mode| row(&summary, "gini", "grad-cam", mode)["mean"].as_f64().unwrap();
    let [compared] = &summary["comparisons"].as_array().unwrap()[..] else { panic!("{summary}") };
    assert_eq!((&compared["extrapolation"], &compared["against"]), (&name.into(), &"activated".into()));
    assert!((compared["difference"].as_f64().unwrap() - (of(name) - of("activated"))).abs() < 1e-5, "{summary}");
    assert!(of(name) > of("activated"), "a higher power makes maps sparser");
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert!(csv.contains(&format!(",grad-cam,\"{name}\",")), "{csv}");
}

#[test]
fn whoever_stops_and_resumes_finds_what_one_run_finds() {
    let (inputs, whole, parts) = (fixture("images"), folder("in-one-run"), folder("in-parts"));
    assert_eq!(code(&run(&METRICS, &inputs, &whole)), Some(0));
    let mut child = evaluate(&METRICS, &inputs, &parts).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while lines(&parts).len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(100), "nothing is written");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let before = lines(&parts);
    assert!(before.len() < lines(&whole).len() && !parts.join("summary.json").exists());
    let output = run(&METRICS, &inputs, &parts);
    assert_eq!(code(&output), Some(0));
    assert!(
        stderr(&output).contains(&format!("holds {} results of these settings", before.len())),
        "{}",
        stderr(&output)
    );
    assert_eq!(lines(&parts)[..before.len()], before, "what was there is not measured again");
    assert_eq!(lines(&parts).len(), lines(&whole).len());
    assert_eq!(measured(&parts), measured(&whole));
    assert_eq!(summary(&parts), summary(&whole));

    // Half a line, as a power cut leaves it.
    let text = fs::read_to_string(parts.join("results.jsonl")).unwrap();
    fs::write(parts.join("results.jsonl"), &text[..text.len() - 40]).unwrap();
    let output = run(&METRICS, &inputs, &parts);
    assert!(stderr(&output).contains("half a line"), "{}", stderr(&output));
    assert_eq!((measured(&parts), summary(&parts)), (measured(&whole), summary(&whole)));
    // Other settings do not take these results for their own.
    let output = run(&["--metrics", "gini"], &inputs, &parts);
    assert!(stderr(&output).contains("results of other settings"), "{}", stderr(&output));
    assert_eq!((code(&output), lines(&parts).len()), (Some(0), 2 * lines(&whole).len()));
    // Nor do convolutions that round otherwise.
    let output = run(&["--metrics", "gini", "--exact"], &inputs, &parts);
    assert_eq!((code(&output), lines(&parts).len()), (Some(0), 3 * lines(&whole).len()));
    assert_eq!(summary(&parts)["settings"]["convolution"], "exact");
}

#[test]
fn an_unreadable_image_and_a_broken_journal_are_named() {
    let (inputs, out) = (folder("evaluate-inputs"), folder("evaluate-broken"));
    fs::copy(fixture("images/chelsea.png"), inputs.join("a.png")).unwrap();
    fs::write(inputs.join("b.png"), "no picture").unwrap();
    let gini = ["--metrics", "gini"];
    let output = run(&gini, &inputs, &out);
    assert_eq!(code(&output), Some(1));
    assert!(
        stderr(&output).contains("b.png") && stderr(&output).contains("1 of the inputs failed"),
        "{}",
        stderr(&output)
    );
    assert_eq!((summary(&out)["failed"].clone(), lines(&out).len()), (1.into(), 5));
    assert!(summary(&out)["failures"][0]["input"].as_str().unwrap().ends_with("b.png"));
    fs::write(out.join("results.jsonl"), "{\"settings\": 1}\n").unwrap();
    let output = run(&gini, &inputs, &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("results.jsonl, line 1"), "{}", stderr(&output));
}

/// Without the quick arguments nothing is loaded: the words alone are wrong.
#[test]
fn words_that_mean_nothing_are_refused() {
    let (inputs, out) = (fixture("images"), folder("evaluate-usage"));
    for (arguments, said) in [
        (&["--metrics", "deletoin"][..], "did you mean `deletion`"),
        (&["--metrics", "pointing"], "--boxes FILE or --masks DIR"),
        (&["--metrics", "grid-2x2"], "needs inputs of 4 classes, and these show 3"),
        (&["--methods", "gradcam"], "did you mean `grad-cam`?"),
        (&["--metrics", ""], "a name is empty"),
        (&["--seed", "-1"], "a whole number from 0"),
        (&["--extrapolate", "activated", "--against", "none"], "--against none: it is not one of those"),
        (&["--extrapolate", "more"], "more"),
        (&["--extrapolate", "none,activated(power=0)"], "`0` is no number above 0"),
        (&["--against", "published"], "--against published: it is not one of those in --extrapolate"),
        (&["--threshold", "0"], "--threshold"),
        (&["--boxes", "a.csv", "--masks", "b"], "cannot be used with"),
        (&["--steps", "0"], "--steps"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
        let output = command.arg("evaluate").args(arguments).arg("--out").arg(&out).arg(&inputs).output().unwrap();
        assert_eq!(code(&output), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn annotations_say_where_the_object_is() {
    let (inputs, out): (PathBuf, _) = (folder("annotated"), folder("annotated-out"));
    fs::copy(fixture("images/chelsea.png"), inputs.join("cat.png")).unwrap();
    // All but the last rows of the photograph, 451 x 300: nearly all of the evidence.
    let csv = folder("annotated-boxes").join("boxes.csv");
    fs::write(&csv, "file,xmin,ymin,xmax,ymax\ncat.png,0,0,451,290\n").unwrap();
    let metrics = ["--metrics", "pointing,energy,iou"];
    let output = run(&[&metrics[..], &["--boxes", csv.to_str().unwrap()]].concat(), &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let boxes = summary(&out);
    let mean = |summary: &Value, metric| row(summary, metric, "grad-cam", "activated")["mean"].as_f64().unwrap();
    assert_eq!(mean(&boxes, "pointing"), 1.0);
    assert!(mean(&boxes, "energy") > 0.9 && (0.0..1.0).contains(&mean(&boxes, "iou")), "{boxes}");
    // The photograph itself, nowhere black, as its mask: the object is everywhere.
    let output = run(&[&metrics[..], &["--masks", inputs.to_str().unwrap()]].concat(), &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!((mean(&summary(&out), "pointing"), mean(&summary(&out), "energy")), (1.0, 1.0));
    fs::write(&csv, "file,xmin\n").unwrap();
    let output = run(&[&metrics[..], &["--boxes", csv.to_str().unwrap()]].concat(), &inputs, &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("boxes.csv: its first line names no column `ymin`"), "{}", stderr(&output));
}

#[test]
fn the_other_metrics_are_measured_too() {
    let (inputs, out) = (folder("one-input"), folder("other-metrics"));
    fs::copy(fixture("images/chelsea.png"), inputs.join("cat.png")).unwrap();
    let metrics = "road,infidelity,max-sensitivity,randomisation,class-swap,edge-similarity,entropy,increase";
    let output = run(&["--metrics", metrics, "--layers", "2"], &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let summary = summary(&out);
    let of = |metric, method, mode| row(&summary, metric, method, mode)["mean"].as_f64().unwrap();
    for metric in metrics.split(',') {
        assert!(of(metric, "grad-cam", "activated").is_finite(), "{metric}");
    }
    // The mean over the depths at which there is a map.
    let journal = measured(&out);
    let metrics = &journal.iter().find(|(key, _)| key[1..] == ["grad-cam", "activated"]).unwrap().1;
    let depths = ["randomisation:_fc", "randomisation:_conv_stem"].map(|depth| metrics.get(depth).unwrap());
    let found: Vec<f64> = depths.into_iter().filter_map(|depth| depth.as_f64().map(f64::abs)).collect();
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    assert!((mean - of("randomisation", "grad-cam", "activated")).abs() < 1e-5, "{metrics}");
    assert!((of("randomisation:_fc", "edges", "none") - 1.0).abs() < 1e-9);
    // What knows nothing of the network does not notice that it forgets, nor which class is asked about.
    for metric in ["randomisation", "class-swap"] {
        assert!((of(metric, "edges", "none") - 1.0).abs() < 1e-9);
        assert!(of(metric, "grad-cam", "none") < 0.99);
    }
    assert!((of("edge-similarity", "edges", "none") - 1.0).abs() < 1e-9);
    assert_eq!(of("max-sensitivity", "centre", "none"), 0.0);
    for method in ["grad-cam", "random", "centre", "edges"] {
        assert!((0.0..=1.0).contains(&of("infidelity", method, "none")), "{method}");
    }
}

#[test]
fn a_photograph_counts_once_however_often_it_is_given() {
    let (inputs, out) = (folder("repeated"), folder("repeated-out"));
    for name in ["a.png", "copy.png"] {
        fs::copy(fixture("images/chelsea.png"), inputs.join(name)).unwrap();
    }
    let mut command = evaluate(&["--metrics", "gini"], &inputs, &out);
    let output = command.arg(inputs.join("a.png")).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(row(&summary(&out), "gini", "grad-cam", "activated")["n"], 1);
    let said = stderr(&output);
    assert!(said.contains("a.png is given twice: it counts once"), "{said}");
    assert!(
        said.lines().any(|line| line.contains("copy.png shows the network what") && line.contains("a.png")),
        "{said}"
    );
}

#[test]
fn blank_maps_are_told_of_and_maps_without_extrapolation_are_measured_once() {
    let (inputs, out) = (folder("grey"), folder("grey-out"));
    write_npy(&inputs.join("grey.npy"), &Tensor::zeros(vec![3, 64, 64])).unwrap();
    let output = run(&["--metrics", "gini", "--methods", "grad-cam,gradient"], &inputs, &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let summary = summary(&out);
    let edges = row(&summary, "gini", "edges", "none");
    assert_eq!([&edges["mean"], &edges["n"], &edges["blank"]], [&Value::Null, &0.into(), &1.into()]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("n 0 of 1, 1 blank")
            && told.contains("Nothing to extrapolate, so measured once, as none: gradient")
    );
    let of_gradient = summary["rows"].as_array().unwrap().iter().filter(|row| row["method"] == "gradient");
    assert_eq!(of_gradient.map(|row| row["extrapolation"].as_str().unwrap()).collect::<Vec<_>>(), ["none"]);
}

#[test]
fn annotations_of_other_photographs_are_an_error_before_anything_is_made() {
    let (inputs, parent) = (folder("annotated-others"), folder("annotated-others-out"));
    fs::copy(fixture("images/chelsea.png"), inputs.join("cat.png")).unwrap();
    let boxes = parent.join("boxes.csv");
    fs::write(&boxes, "file,xmin,ymin,xmax,ymax\nother.png,0,0,9,9\n").unwrap();
    let out = parent.join("out");
    for annotations in [["--boxes", boxes.to_str().unwrap()], ["--masks", parent.to_str().unwrap()]] {
        let output = run(&[&["--metrics", "energy"][..], &annotations].concat(), &inputs, &out);
        assert_eq!(code(&output), Some(1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("is of any input") && stderr(&output).contains("cat.png"),
            "{}",
            stderr(&output)
        );
        assert!(!out.exists());
    }
    // They speak of an input, and all miss it.
    fs::write(&boxes, "file,xmin,ymin,xmax,ymax\ncat.png,451,300,460,310\ncat.png,460,0,470,10\n").unwrap();
    let black = folder("annotated-black");
    let picture = Photograph::from_pixels(Array3::zeros((300, 451, 3))).unwrap();
    write_png(black.join("cat.png"), picture.pixels()).unwrap();
    for (annotations, said) in [
        (["--boxes", boxes.to_str().unwrap()], "boxes.csv: every box of an input lies outside"),
        (["--masks", black.to_str().unwrap()], "every mask of an input is black"),
    ] {
        let output = run(&[&["--metrics", "energy"][..], &annotations].concat(), &inputs, &out);
        assert_eq!(code(&output), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(said) && !out.exists(), "{}", stderr(&output));
    }
    let output = run(&["--metrics", "energy", "--masks", "no/such"], &inputs, &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("cannot read the folder no/such"), "{}", stderr(&output));
    // Made for a photograph of another size: it is refused, not misplaced.
    let coco = parent.join("boxes.json");
    let image = r#"{"id": 1, "file_name": "cat.png", "width": 902, "height": 600}"#;
    let boxed = r#"{"image_id": 1, "bbox": [0, 0, 9, 9]}"#;
    fs::write(&coco, format!(r#"{{"images": [{image}], "annotations": [{boxed}]}}"#)).unwrap();
    let output = run(&["--metrics", "energy", "--boxes", coco.to_str().unwrap()], &inputs, &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("902 x 600 pixels, and it has 451 x 300"), "{}", stderr(&output));
}

#[test]
fn boxes_by_a_name_that_two_photographs_have_are_an_error() {
    let (inputs, parent) = (folder("one-name"), folder("one-name-out"));
    let mut photographs = Vec::new();
    for (place, photograph) in [("a", "chelsea.png"), ("b", "coffee.png")] {
        fs::create_dir(inputs.join(place)).unwrap();
        photographs.push(inputs.join(place).join("x.png"));
        fs::copy(fixture("images").join(photograph), photographs.last().unwrap()).unwrap();
    }
    let (boxes, out) = (parent.join("boxes.csv"), parent.join("out"));
    let arguments = ["--metrics", "energy", "--boxes", boxes.to_str().unwrap()];
    let run = |text: &str| {
        fs::write(&boxes, format!("file,xmin,ymin,xmax,ymax\n{text}")).unwrap();
        evaluate(&arguments, &photographs[0], &out).arg(&photographs[1]).output().unwrap()
    };
    let output = run("x.png,0,0,99,99\n");
    let said = stderr(&output);
    assert_eq!(code(&output), Some(1), "{said}");
    assert!(
        said.contains("x.png may be of ") && photographs.iter().all(|one| said.contains(one.to_str().unwrap())),
        "{said}"
    );
    assert!(!out.exists());
    let output = run("a/x.png,0,0,99,99\nb/x.png,0,0,99,99\n");
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(row(&summary(&out), "energy", "grad-cam", "none")["n"], 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_ends_the_run_at_a_whole_line() {
    let (inputs, out) = (fixture("images"), folder("evaluate-full"));
    // Beyond one block a write fails, as it does on a full disk.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1; trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_gradex"), "evaluate"]);
    let output = command.args(QUICK).args(METRICS).arg("--out").arg(&out).arg(&inputs).output().unwrap();
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output).matches("cannot write to").count(), 1, "{}", stderr(&output));
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
}
