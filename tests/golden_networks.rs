//! Whole networks against PyTorch in float64: logits, order of classes, Grad-CAM, extrapolation in every mode.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_engine::{NodeId, Retain, Tensor, values};
use gradex_models::{Architecture, Model, generated_input, generated_parameters};
use gradex_saliency::{Explainer, Extrapolation, top};
use gradex_tests::{Case, Tolerance, cases, difference};
use ndarray::ArrayView2;

/// Part of the largest logit, or of the largest value of a map.
const LARGEST_RELATIVE_ERROR: f64 = 1e-4;
const SMALLEST_COSINE: f64 = 0.99999;

fn check(case: &Case, file: &str, actual: &[f32]) {
    let expected: Vec<f64> = match file.starts_with("expected_fine") {
        true => case.tensor(file).iter().map(|value| f64::from(*value)).collect(),
        false => case.array::<f64>(file).into_iter().collect(),
    };
    let difference = difference(actual, &expected, Tolerance::Relative(LARGEST_RELATIVE_ERROR));
    assert!(
        difference.is_within() && difference.cosine >= SMALLEST_COSINE,
        "{} {file}: {difference}\n    regenerate by `{}`",
        case.name(),
        case.regenerate()
    );
}

fn flat(map: ArrayView2<'_, f32>) -> Vec<f32> {
    map.iter().copied().collect()
}

/// Names the first node whose root mean square is not PyTorch's.
fn check_every_node(case: &Case, model: &Model, input: &Tensor) {
    let graph = model.network.graph();
    let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    let expected: Vec<&str> = case.texts("/nodes").into_iter().filter(|name| names.contains(name)).collect();
    assert_eq!(names, expected, "{}: nodes and their order", case.name());
    let tape = model.network.forward(input, &Retain::all()).expect("forward");
    let rms = case.array::<f64>("expected_node_rms");
    for (name, expected) in case.texts("/nodes").iter().zip(&rms) {
        let Ok(id) = graph.find(name) else { continue };
        let output = tape.output(id).expect("retained");
        let squares: f64 = values(output).iter().map(|value| f64::from(*value).powi(2)).sum();
        let actual = (squares / output.len() as f64).sqrt();
        assert!(
            (actual - expected).abs() <= 1e-4 * expected,
            "{}: `{name}` is the first node that diverges: root mean square {actual:e}, expected {expected:e}",
            case.name()
        );
    }
}

/// Compares all that a case holds with what the model computes for `input`.
fn check_case(case: &Case, model: &Model, input: &Tensor) {
    check_every_node(case, model, input);
    let graph = model.network.graph();
    let name = |id: &NodeId| graph.node(*id).name.as_str();
    assert_eq!(name(&graph.default_point()), case.text("point"), "{}: default point", case.name());

    for mode in Extrapolation::ALL {
        let explainer = Explainer::new(&model.network).extrapolation(mode);
        let tape = explainer.forward(input).expect("forward");
        if mode != Extrapolation::NONE {
            let excitations = explainer.excitations(input.shape(), graph.default_point()).expect("excitations");
            let expected = case.texts(&format!("/excitations/{mode}"));
            assert_eq!(excitations.iter().map(name).collect::<Vec<_>>(), expected, "{} {mode}", case.name());
        } else {
            let logits = tape.logits().expect("logits");
            check(case, "expected_logits", &values(logits));
            let best: Vec<usize> =
                top(tape.image_logits(0).expect("logits"), 5).iter().map(|prediction| prediction.class).collect();
            assert_eq!(best, case.numbers("top5"), "{}: order of classes", case.name());
            let mixed = explainer.explain(&tape, &[case.number("mixed_class")]).expect("explanation").remove(0);
            check(case, "expected_coarse_mixed", &flat(mixed.coarse.map()));
        }
        let explanation = explainer.explain(&tape, &[case.number("class")]).expect("explanation").remove(0);
        check(case, "expected_coarse", &flat(explanation.coarse.map()));
        let file = format!("expected_fine_{mode}");
        assert_eq!(explanation.fine.reason, None, "{}", case.name());
        check(case, &file, &flat(explanation.fine.map()));
    }
}

/// All sizes of one architecture with generated parameters.
fn check_generated(name: &str) {
    let cases: Vec<Case> = cases("networks").into_iter().filter(|case| case.text("arch") == name).collect();
    assert!(cases.len() >= 2, "{name} needs a case at 224x224 and one at another size");
    for case in cases {
        let seed = case.number("seed") as u64;
        let architecture = Architecture::find(name).expect("architecture");
        let parameters = generated_parameters(&architecture.graph().expect("graph"), seed);
        let input = generated_input(&case.numbers("input_shape"), seed);
        assert_eq!(Some(&*Case::hash(&input)), case.generated_hash("input"), "{}: generated input", case.name());
        for (stream, tensor) in &parameters {
            if let Some(expected) = case.generated_hash(stream) {
                assert_eq!(Case::hash(tensor), expected, "{}: generated `{stream}`", case.name());
            }
        }
        check_case(&case, &Model::new(architecture, parameters).expect("model"), &input);
    }
}

#[test]
fn vgg16() {
    check_generated("vgg16");
}

#[test]
fn vgg11_bn() {
    check_generated("vgg11_bn");
}

#[test]
fn resnet18() {
    check_generated("resnet18");
}

#[test]
fn resnet50() {
    check_generated("resnet50");
}

#[test]
fn resnext50_32x4d() {
    check_generated("resnext50_32x4d");
}

/// The default model with its real weights, as the program carries them: on photographs and at an odd size.
#[test]
fn efficientnet_lite0() {
    let model = gradex::embedded().expect("the embedded model");
    let weights = |case: &Case| case.manifest["weights"]["dtype"].as_str().expect("a dtype").to_owned();
    let cases: Vec<Case> =
        cases("networks").into_iter().filter(|case| case.text("arch") == "efficientnet-lite0").collect();
    let (half, single): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| weights(case) == "float16");
    assert!(half.len() >= 4 && single.len() >= 3, "three photographs and an odd size");
    for case in half {
        let input = if case.has("resized") {
            let pixels = case.array::<u8>("resized").into_dimensionality().expect("[h, w, 3]");
            model.architecture.preprocessing.tensor(pixels.view()).expect("an input")
        } else {
            generated_input(&case.numbers("input_shape"), case.number("seed") as u64)
        };
        check_case(&case, &model, &input);
        // The published float32 weights say the same.
        let name = case.name().replace("lite0-", "lite0-float32-");
        if let Some(case) = single.iter().find(|case| case.name() == name) {
            let tape = model.network.forward(&input, &Retain::logits()).expect("forward");
            let logits = values(tape.logits().expect("logits")).into_owned();
            let expected: Vec<f64> = case.array::<f64>("expected_logits").into_iter().collect();
            let difference = difference(&logits, &expected, Tolerance::Relative(1e-2));
            assert!(difference.is_within(), "{name}: {difference}");
            assert_eq!(top(tape.image_logits(0).expect("logits"), 1)[0].class, case.number("class"), "{name}");
        }
    }
}
