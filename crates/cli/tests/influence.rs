//! How much of a picture is the class: what `gradex explain` says of it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{code, fixture, folder, gradex, json, stderr};
use serde_json::Value;

/// The influence of each explanation, what was said, and what was warned of.
fn influences(out: &str, arguments: &[&str]) -> (Vec<Value>, String, String) {
    let (out, cat) = (folder(out), fixture("images/chelsea.png"));
    let run = |more: &[&str]| {
        let output = gradex(&[&["explain", "--size", "64", "--class", "285"], arguments, more].concat(), &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        output
    };
    let (report, text) = (json(&run(&["--json"])).remove(0), run(&[]));
    let explanations = report["explanations"].as_array().unwrap();
    let influences = explanations.iter().map(|explanation| explanation["influence"].clone()).collect();
    (influences, String::from_utf8(text.stdout.clone()).unwrap(), stderr(&text))
}

#[test]
fn activations_and_another_class_are_told_as_json_and_in_words() {
    let (influences, said, _) = influences("influence", &["--method", "grad-cam"]);
    let influence = influences[0].as_object().unwrap();
    let mut keys: Vec<&str> = influence.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["activations", "other", "same_for_any_class", "unlike"]);
    let activations = influence["activations"].as_f64().unwrap();
    assert!((-1.0..=1.0).contains(&activations));
    let [other, unlike] = ["other", "unlike"].map(|key| &influence[key]);
    for other in [other, unlike] {
        assert_ne!(other["class"], 285, "another class than the one asked about");
        assert!(other["label"].is_string() && other["correlation"].as_f64().is_none_or(|found| found.abs() <= 1.0));
    }
    assert!(other["correlation"].is_number());
    assert_ne!(other["class"], unlike["class"]);
    let part = format!("activations alone explain {:.0} %", 100.0 * activations * activations);
    assert!(
        said.contains(&part) && [other, unlike].iter().all(|other| said.contains(other["label"].as_str().unwrap())),
        "{said}"
    );
}

#[test]
fn a_method_that_knows_no_class_is_warned_of() {
    let (influences, _, warned) = influences("influence-eigen", &["--method", "eigen-cam", "--extrapolate", "none"]);
    assert_eq!(influences[0]["activations"], Value::Null, "nothing was multiplied");
    assert!(influences[0]["unlike"]["correlation"].as_f64().unwrap() > 0.999);
    assert_eq!(influences[0]["same_for_any_class"], true);
    assert!(warned.contains("warning: ") && warned.contains("eigen-cam of Egyptian cat"), "{warned}");
    assert!(warned.contains("the same for any class"), "{warned}");
}

#[test]
fn another_class_is_asked_about_where_that_costs_little() {
    let methods = ["--method", "rise", "--method", "smooth-grad", "--samples", "8"];
    let (influences, ..) = influences("influence-passes", &methods);
    assert!(influences[0]["other"]["correlation"].is_number(), "the scores of both classes come of the same passes");
    assert_eq!(influences[1]["other"], Value::Null, "gradients at changed inputs are a class's own");
}
