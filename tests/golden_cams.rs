//! Class activation maps against pytorch-grad-cam, TorchRay and float64 formulas, on networks with generated weights.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_engine::Retain;
use gradex_models::{Architecture, Model, generated_input, generated_parameters};
use gradex_saliency::methods::{Settings, all};
use gradex_saliency::{Explainer, Target};
use gradex_tests::{Case, Tolerance, cases, difference};

/// Part of the largest value of a map.
const LARGEST_RELATIVE_ERROR: f64 = 1e-3;
const SMALLEST_COSINE: f64 = 0.99999;

/// Every map that the case has, at each of its points; the number of maps.
fn check_case(case: &Case, model: &Model) -> usize {
    let input = generated_input(&case.numbers("input_shape"), case.number("seed") as u64);
    assert_eq!(Some(&*Case::hash(&input)), case.generated_hash("input"), "{}: generated input", case.name());
    let graph = model.network.graph();
    let points: Vec<_> = case.texts("/points").iter().map(|name| graph.find(name).expect("a point")).collect();
    let earliest = *points.iter().min().expect("a point");
    let retain = Retain::from(earliest).nodes(&[gradex_engine::NodeId::INPUT]);
    let tape = model.network.forward(&input, &retain).expect("a forward pass");
    let mut checked = 0;
    for method in all(&Settings::default()) {
        let name = method.about().name;
        for (index, point) in points.iter().enumerate() {
            let file = format!("expected_{name}_{index}");
            if !case.has(&file) {
                continue;
            }
            let explainer = Explainer::new(&model.network).methods(vec![method.clone()]).point(*point);
            let run = explainer.run(&tape, &[Target::Class(case.number("class"))]).expect("a run");
            let map = method.attribute(&run, *point).expect("a map").remove(0);
            let actual: Vec<f32> = map.values.iter().copied().collect();
            let expected: Vec<f64> = case.tensor(&file).iter().map(|value| f64::from(*value)).collect();
            let difference = difference(&actual, &expected, Tolerance::Relative(LARGEST_RELATIVE_ERROR));
            assert!(
                difference.is_within() && difference.cosine >= SMALLEST_COSINE,
                "{} {file}: {difference}\n    regenerate by `{}`",
                case.name(),
                case.regenerate()
            );
            checked += 1;
        }
    }
    checked
}

/// All cases of an architecture; `maps` is how many maps they hold.
fn check_architecture(name: &str, maps: usize) {
    let architecture = || Architecture::find(name).expect("architecture");
    let mut model: Option<Model> = None;
    let mut checked = 0;
    for case in cases("cams").iter().filter(|case| case.text("arch") == name) {
        let seed = case.number("seed") as u64;
        let model = model.get_or_insert_with(|| {
            let parameters = generated_parameters(&architecture().graph().expect("graph"), seed);
            Model::new(architecture(), parameters).expect("model")
        });
        checked += check_case(case, model);
    }
    assert_eq!(checked, maps, "{name}: maps compared");
}

#[test]
fn vgg16() {
    check_architecture("vgg16", 2 * 2 * 8);
}

/// The methods of a pass a channel too, on a small image.
#[test]
fn vgg11_bn() {
    check_architecture("vgg11_bn", 2 * 2 * 8 + 2 * 2);
}

/// As [`vgg11_bn`].
#[test]
fn resnet18() {
    check_architecture("resnet18", 2 * 2 * 8 + 2 * 2);
}

#[test]
fn resnet50() {
    check_architecture("resnet50", 2 * 2 * 8);
}
