//! Methods at the pixels against TorchRay, captum and float64 formulas, on whole networks with generated weights.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_engine::{NodeId, Tensor};
use gradex_models::{Architecture, Model, generated_input, generated_parameters, uniform};
use gradex_saliency::methods::{
    FullGrad, Gradient, GuidedGradCam, Occlusion, Rise, full_gradient, guided_grad_cam, integrated_gradients,
    noisy_gradients,
};
use gradex_saliency::{Explainer, Method, Run, Target};
use gradex_tests::{Case, Tolerance, cases, difference};
use ndarray::Array3;

/// Part of the largest value, and the angle, that a map may lie apart.
const LARGEST_RELATIVE_ERROR: f64 = 1e-3;
const SMALLEST_COSINE: f64 = 0.99999;

/// Compares every `keep`-th value with a case's file.
fn check<'a>(case: &Case, file: &str, keep: &str, actual: impl IntoIterator<Item = &'a f32>) {
    let every = case.manifest["keep"][keep].as_u64().expect("every so many") as usize;
    let actual: Vec<f32> = actual.into_iter().copied().step_by(every).collect();
    let expected: Vec<f64> = case.tensor(&format!("expected_{file}")).iter().map(|value| f64::from(*value)).collect();
    let difference = difference(&actual, &expected, Tolerance::Relative(LARGEST_RELATIVE_ERROR));
    assert!(
        difference.is_within() && difference.cosine >= SMALLEST_COSINE,
        "{} {file}: {difference}\n    regenerate by `{}`",
        case.name(),
        case.regenerate()
    );
}

fn check_number(case: &Case, what: &str, actual: f64, expected: f64, scale: f64) {
    let within = LARGEST_RELATIVE_ERROR * scale;
    assert!((actual - expected).abs() <= within, "{} {what}: {actual}, expected {expected}", case.name());
}

/// A generated image `[c, h, w]` in `[-scale, scale)`.
fn generated(case: &Case, stream: &str, scale: f32) -> Array3<f32> {
    let shape = case.numbers("input_shape");
    let mut values = uniform(case.number("seed") as u64, stream);
    Array3::from_shape_simple_fn((shape[1], shape[2], shape[3]), || scale * values.next().expect("endless"))
}

fn check_attributions(case: &Case, run: &Run<'_>) {
    let baseline = generated(case, case.text("baseline"), 1.0);
    let integrated = integrated_gradients(run, 0, baseline.view(), case.number("steps"), 3).expect("a path");
    check(case, "integrated", "attribution", &integrated.attribution);
    let gap = case.manifest["gap"].as_f64().expect("a gap");
    check_number(case, "completeness gap", integrated.gap, gap, integrated.difference.abs());

    let streams = case.texts("/noise");
    let noise = |sample: usize| generated(case, streams[sample], 0.4);
    let moments = noisy_gradients(run, 0, streams.len(), noise).expect("moments");
    check(case, "smooth_grad", "attribution", &moments.mean);
    check(case, "var_grad", "attribution", &moments.variance);

    let point = run.graph().find(case.text("point")).expect("the point");
    check(case, "guided_grad_cam", "attribution", &guided_grad_cam(run, point).expect("a product")[0]);
}

fn check_full_gradient(case: &Case, run: &Run<'_>) {
    let full = full_gradient(run).expect("a full gradient");
    let name = |id: &NodeId| run.graph().node(*id).name.as_str();
    let nodes: Vec<&str> = [NodeId::INPUT].iter().chain(full.biases.iter().map(|(id, _)| id)).map(name).collect();
    assert_eq!(nodes, case.texts("/full_nodes"), "{}: nodes with biases", case.name());
    let sum = |part: &Tensor| part.iter().map(|value| f64::from(*value)).sum::<f64>();
    let parts = [&full.input].into_iter().chain(full.biases.iter().map(|(_, part)| part)).map(sum);
    let expected = case.array::<f64>("expected_full_parts");
    let largest = expected.iter().fold(0.0, |largest: f64, part| largest.max(part.abs()));
    for ((node, actual), expected) in nodes.iter().zip(parts).zip(&expected) {
        check_number(case, node, actual, *expected, largest);
    }
    check_number(case, "score", full.sum(0), f64::from(run.objective(0).expect("a score").score), largest);
}

fn check_maps(case: &Case, run: &Run<'_>) {
    let seed = case.number("seed") as u64;
    let (window, stride) = (Some(case.number("window")), Some(case.number("stride")));
    let methods: [(&str, &dyn Method); 4] = [
        ("gradient", &Gradient),
        ("full_grad", &FullGrad),
        ("occlusion", &Occlusion { window, stride, ..Occlusion::default() }),
        ("rise", &Rise { seed, masks: case.number("masks"), ..Rise::default() }),
    ];
    for (file, method) in methods {
        check(case, file, "map", method.attribute(run, NodeId::INPUT).expect("a map")[0].map());
    }
}

fn check_architecture(name: &str) {
    let mut cases = cases("gradients");
    cases.retain(|case| case.text("arch") == name);
    assert!(!cases.is_empty(), "no case of {name}");
    for case in cases {
        let seed = case.number("seed") as u64;
        let architecture = Architecture::find(name).expect("architecture");
        let parameters = generated_parameters(&architecture.graph().expect("graph"), seed);
        let model = Model::new(architecture, parameters).expect("model");
        let input = generated_input(&case.numbers("input_shape"), seed);
        assert_eq!(Some(&*Case::hash(&input)), case.generated_hash("input"), "{}: generated input", case.name());
        let explainer = Explainer::new(&model.network).method(GuidedGradCam);
        let tape = explainer.forward(&input).expect("a tape");
        let run = explainer.run(&tape, &[Target::Class(case.number("class"))]).expect("a run");
        check_maps(&case, &run);
        check_attributions(&case, &run);
        check_full_gradient(&case, &run);
    }
}

#[test]
fn vgg16() {
    check_architecture("vgg16");
}

#[test]
fn vgg11_bn() {
    check_architecture("vgg11_bn");
}

#[test]
fn resnet18() {
    check_architecture("resnet18");
}

#[test]
fn resnet50() {
    check_architecture("resnet50");
}
