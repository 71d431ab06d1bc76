//! `gradex plan`, and the ways to choose how convolutions are computed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::process::Command;

fn gradex(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gradex")).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn line<'a>(plan: &'a str, start: &str) -> &'a str {
    plan.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} is not in\n{plan}"))
}

#[test]
fn a_plan_says_what_computes_each_step_and_why() {
    let (done, plan) = gradex(&["plan", "--model", "resnet50"]);
    assert!(done);
    assert!(line(&plan, "conv1 + bn1 + relu ").contains("direct"));
    let bottleneck = line(&plan, "layer1.0.conv2 + layer1.0.bn2 + layer1.0.relu_1 ");
    assert!(bottleneck.contains("64 x 56 x 56") && bottleneck.contains("winograd"), "{bottleneck}");
    // The sum waits for the shortcut's convolution, which runs last.
    let shortcut = "layer1.0.downsample.0 + layer1.0.downsample.1 + layer1.0.add + layer1.0.relu_2 ";
    assert!(line(&plan, shortcut).contains("no 3x3 window"));
    assert!(line(&plan, "memory: ").contains("parameters 102."), "{plan}");

    let (_, exact) = gradex(&["plan", "--model", "resnet50", "--exact"]);
    assert!(!exact.contains("winograd") && line(&exact, "layer1.0.conv2 ").contains("direct"));
    let (_, small) = gradex(&["plan", "--model", "resnet18", "--size", "32", "--algorithm", "winograd"]);
    assert!(line(&small, "layer4.1.conv2 ").contains("winograd"));
}

#[test]
fn what_was_asked_for_is_the_reason_and_what_computes_nothing_is_refused() {
    let (_, exact) = gradex(&["plan", "--model", "resnet18", "--exact"]);
    assert!(line(&exact, "layer1.0.conv1 ").ends_with("exact sums asked for"), "{exact}");
    assert!(line(&exact, "conv1 ").ends_with("no 3x3 window of stride 1 in one group"), "{exact}");
    let (_, direct) = gradex(&["plan", "--model", "resnet18", "--algorithm", "direct"]);
    assert!(line(&direct, "layer1.0.conv1 ").ends_with("asked for"), "{direct}");
    for arguments in [&["plan", "--model", "resnet18"][..], &["plan", "--model", "vgg16", "--size", "96"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_gradex")).args(arguments).args(["--algorithm", "depthwise"]).output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && said.contains("no convolution that depthwise can compute"),
            "{said}"
        );
    }
}

#[test]
fn a_level_that_is_none_is_a_wrong_use_of_every_command_and_an_empty_one_is_the_usual() {
    let run = |level: &str, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
        command.args(arguments).env("GRADEX_LEVEL", level).output().unwrap().status.code()
    };
    for arguments in [&["plan"][..], &["classify", "nowhere.png"], &["explain", "nowhere.png"], &["models"]] {
        assert_eq!(run("nonsense", arguments), Some(2), "{arguments:?}");
    }
    assert_eq!(run("", &["plan"]), Some(0));
}

#[test]
fn a_plan_is_for_the_point_that_is_asked_for() {
    let passes = |arguments: &[&str]| {
        let (done, plan) = gradex(&[&["plan", "--size", "96"], arguments].concat());
        assert!(done);
        plan.split("passes ").nth(1).unwrap().split('M').next().unwrap().parse::<usize>().unwrap()
    };
    assert!(passes(&["--point", "_blocks.0"]) > passes(&[]));
    assert!(!gradex(&["plan", "--point", "nowhere"]).0);
}

#[test]
fn a_plan_is_for_the_settings_that_are_given() {
    let passes = |arguments: &[&str]| {
        let (done, plan) = gradex(&[&["plan", "--size", "96", "--method"], arguments].concat());
        assert!(done, "{arguments:?}");
        plan.split("passes ").nth(1).unwrap().split('M').next().unwrap().parse::<usize>().unwrap()
    };
    for method in ["smooth-grad", "integrated-gradients", "rise"] {
        assert!(passes(&[method, "--samples", "8"]) > passes(&[method, "--samples", "1"]), "{method}");
    }
    assert!(passes(&["lrp", "--rule", "conv2d = gamma(0.25)"]) > 0);
    assert!(!gradex(&["plan", "--method", "lrp"]).0 && !gradex(&["plan", "--samples", "0"]).0);
}

#[test]
fn a_plan_is_for_the_weights_that_are_given() {
    let weights = common::fixture("../weights/efficientnet-lite0.safetensors");
    let plan = |model: &[&str], weights: &str| gradex(&[&["plan", "--weights", weights], model].concat());
    let (done, told) = plan(&[], weights.to_str().unwrap());
    assert!(done && line(&told, "weights ").contains("efficientnet-lite0.safetensors: 33M at least"), "{told}");
    assert_eq!(told.lines().filter(|line| !line.starts_with("weights ")).collect::<Vec<_>>(), {
        let (_, without) = gradex(&["plan"]);
        without.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(!plan(&["--model", "resnet18"], weights.to_str().unwrap()).0, "weights of another architecture");
    assert!(!plan(&[], "nowhere.safetensors").0);
}

#[test]
fn unknown_algorithms_and_two_wishes_are_refused() {
    assert!(!gradex(&["plan", "--algorithm", "fft"]).0);
    assert!(!gradex(&["plan", "--exact", "--algorithm", "direct"]).0);
}

/// Sums in another order, by another algorithm.
#[test]
fn an_algorithm_moves_probabilities_by_less_than_a_ten_thousandth() {
    let photograph = common::fixture("images/chelsea.png");
    let probabilities = |choice: &[&str]| {
        let arguments = [&["classify", photograph.to_str().unwrap(), "--json", "--size", "64"][..], choice].concat();
        let (done, json) = gradex(&arguments);
        assert!(done);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        let predictions = report["predictions"].as_array().unwrap().clone();
        predictions.iter().map(|one| one["probability"].as_f64().unwrap()).collect::<Vec<f64>>()
    };
    let exact = probabilities(&["--exact"]);
    for other in [probabilities(&[]), probabilities(&["--algorithm", "direct"])] {
        assert!(exact.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-4), "{exact:?} {other:?}");
    }
}
