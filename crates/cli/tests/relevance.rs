//! Relevance walks of the command: their accounts, and what is warned of.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{code, file, fixture, folder, gradex, json, stderr};
use gradex::formats::read_npy;
use serde_json::Value;

/// Small enough that every method is quick.
const SMALL: [&str; 2] = ["--size", "33"];

fn explanations(report: &Value) -> &[Value] {
    report["explanations"].as_array().unwrap()
}

#[test]
fn a_ledger_accounts_for_all_relevance() {
    let out = folder("ledger");
    let cat = fixture("images/chelsea.png");
    let methods = ["explain", "--class", "285", "--method", "epsilon-plus", "--method", "grad-cam"];
    let run = |more: &[&str]| gradex(&[&methods, more, &SMALL].concat(), &[&cat], &out);
    let report = json(&run(&["--json", "--ledger", "--save-npy"])).remove(0);
    assert!(explanations(&report)[1]["ledger"].is_null(), "grad-cam keeps none");
    let [ledger] = &explanations(&report)[0]["ledger"].as_array().unwrap()[..] else { panic!("one walk") };
    assert_eq!((&ledger["seed"], &ledger["seed_mass"]), (&1.0.into(), &1.0.into()));
    let number = |value: &Value| value.as_f64().unwrap();
    let kept = |kept: &Value| ["bias", "stabiliser", "padding"].iter().map(|part| number(&kept[part])).sum::<f64>();
    let entries = ledger["entries"].as_array().unwrap();
    assert!(entries.len() > 100, "every node on the way: {}", entries.len());
    assert!(entries.iter().all(|entry| !entry["why"].as_str().unwrap().is_empty()));
    assert_eq!(
        (&entries[0]["node"], &entries[0]["arrived"]),
        (&"_fc".into(), &ledger["seed"]),
        "the logits come first"
    );
    // Nothing is lost on the way: what the nodes keep and what arrives is what began, and the map is what arrives.
    let absorbed: f64 = entries.iter().map(|entry| kept(&entry["absorbed"])).sum();
    let arrived = number(&ledger["arrived"][0]["amount"]);
    assert!((kept(&ledger["absorbed"]) - absorbed).abs() < 1e-9);
    assert!(absorbed.abs() > 0.01 && (arrived + absorbed + number(&ledger["aside"]) - 1.0).abs() < 1e-3, "{arrived}");
    assert!(number(&ledger["unexplained"]).abs() < 1e-3 && ledger["warnings"] == serde_json::json!([]));
    let map = read_npy(file(&explanations(&report)[0], "coarse")).unwrap();
    assert!((map.iter().map(|value| f64::from(*value)).sum::<f64>() - arrived).abs() < 1e-4, "{arrived}");
    assert_eq!(ledger["arrived"][0]["node"], "input");
    let text = String::from_utf8(run(&["--ledger"]).stdout).unwrap();
    assert!(text.contains("unexplained") && text.contains("arrived at `input`"), "{text}");
    assert!(explanations(&json(&run(&["--json"])).remove(0))[0]["ledger"].is_null(), "only where it is asked for");

    let points = ["--point", "_blocks.9", "--point", "_blocks.4", "--json", "--ledger"];
    let report = json(&run(&points)).remove(0);
    let ledgers = explanations(&report)[0]["ledger"].as_array().unwrap();
    let arrived: Vec<&Value> = ledgers.iter().map(|ledger| &ledger["arrived"][0]["node"]).collect();
    assert_eq!(arrived, ["_blocks.9.add", "_blocks.4.add"], "the walk to each point");
}

#[test]
fn lost_relevance_is_warned_of_and_rules_tell_files_apart() {
    let out = folder("rules");
    let cat = fixture("images/chelsea.png");
    let run = |rule: &str| {
        let arguments = ["explain", "--json", "--class", "285", "--method", "lrp", "--extrapolate", "none", "--rule"];
        let output = gradex(&[&arguments[..], &[rule], &SMALL].concat(), &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        (json(&output).remove(0), stderr(&output))
    };
    let (whole, quiet) = run("weighted = epsilon");
    assert!(!quiet.contains("unexplained"), "{quiet}");
    let (lossy, warned) = run("conv2d = z-plus");
    let expected = ["lrp of Egyptian cat (285): linear `_fc` under `gradient`", "% of the seed", "in all"];
    assert!(expected.iter().all(|part| warned.contains(part)), "{warned}");
    let [whole, lossy] = [&whole, &lossy].map(|report| &explanations(report)[0]);
    assert_eq!(whole["parameters"]["rules"], "weighted = epsilon(1e-6)");
    assert_eq!(lossy["parameters"]["rules"], "conv2d = z-plus");
    assert_ne!(file(whole, "overlay"), file(lossy, "overlay"));
    assert!(file(whole, "overlay").exists() && file(lossy, "overlay").exists());
}
