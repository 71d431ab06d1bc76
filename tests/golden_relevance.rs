//! Relevance under zennit's composites, and TorchRay's changed gradients and excitation backprop, on small networks and
//! torchvision's with generated weights, in float64.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_engine::{Network, Tensor};
use gradex_models::uniform;
use gradex_saliency::methods::{Settings, find};
use gradex_saliency::rules::Bounds;
use gradex_saliency::{Explainer, Target};
use gradex_tests::{Case, Tolerance, cases, difference, generated_network};
use serde_json::Value;

/// Part of the largest value of a map.
const LARGEST_RELATIVE_ERROR: f64 = 1e-3;
const SMALLEST_COSINE: f64 = 0.99999;

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

/// The image of a stream, in `[-2, 2)`.
fn image(case: &Case, stream: &str) -> Tensor {
    let mut values = uniform(case.number("seed") as u64, stream).map(|value| value * 2.0);
    Tensor::from_shape_simple_fn(case.numbers("input_shape"), || values.next().expect("endless"))
}

/// The bounds of the input that the case's z-box has.
fn bounds(case: &Case) -> Option<Bounds> {
    let list = |key: &str| -> Vec<f32> {
        let values = case.manifest["bounds"][key].as_array().expect("bounds");
        values.iter().map(|value| value.as_f64().expect("a number") as f32).collect()
    };
    case.manifest.get("bounds").map(|_| Bounds::new(&list("low"), &list("high")))
}

/// What is wrong with one map.
fn problem(case: &Case, network: &Network, map: &Value) -> Option<String> {
    let graph = network.graph();
    let node = |key: &str| graph.find(text(map, key)).expect("a node");
    let contrast_point = map.get("contrast_point").map(|_| node("contrast_point"));
    let settings = Settings { contrast_point, bounds: bounds(case), ..Settings::default() };
    let method = find(text(map, "method"), &settings).expect("a method");
    let explainer = Explainer::new(network).methods(vec![method.clone()]).point(node("point"));
    let tape = explainer.forward(&image(case, text(map, "stream"))).expect("a tape");
    let class = map["class"].as_u64().expect("a class") as usize;
    let run = explainer.run(&tape, &[Target::Class(class)]).expect("a run");
    let found = method.attribute(&run, node("point")).expect("a map").remove(0);

    let expected = case.tensor(text(map, "file"));
    assert_eq!(found.map().shape(), expected.shape(), "{} {map}", case.name());
    let actual: Vec<f32> = found.values.iter().copied().collect();
    let expected: Vec<f64> = expected.iter().map(|value| f64::from(*value)).collect();
    let difference = difference(&actual, &expected, Tolerance::Relative(LARGEST_RELATIVE_ERROR));
    let fits = difference.is_within() && difference.cosine >= SMALLEST_COSINE;
    let (name, again) = (case.name(), case.regenerate());
    (!fits).then(|| format!("{name} {}: {difference}\n    regenerate by `{again}`", text(map, "file")))
}

/// Every map of a network's cases, by zennit and by TorchRay.
fn check(network: &str) {
    let of = |folder: &str| {
        let mut cases = cases(folder);
        cases.retain(|case| case.text("network") == network);
        assert!(!cases.is_empty(), "no case of {network} below fixtures/{folder}");
        cases
    };
    let cases: Vec<Case> = of("composites").into_iter().chain(of("backprop")).collect();
    let bound = generated_network(&cases[0]);
    let mut problems = Vec::new();
    for case in &cases {
        assert_eq!(case.number("seed"), cases[0].number("seed"), "{}: one network for all cases", case.name());
        let maps = case.manifest["maps"].as_array().expect("maps");
        assert!(!maps.is_empty(), "{}: no map", case.name());
        problems.extend(maps.iter().filter_map(|map| problem(case, &bound, map)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn small_networks() {
    check("chain");
    check("branches");
}

#[test]
fn vgg16() {
    check("vgg16");
}

#[test]
fn vgg11_bn() {
    check("vgg11_bn");
}

#[test]
fn resnet18() {
    check("resnet18");
}

#[test]
fn resnet50() {
    check("resnet50");
}
