//! Every layer, forward and backward, against PyTorch in float64.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use gradex_engine::{Layer, Tensor, values};
use gradex_tests::{Case, LayerCase, Tolerance, cases, difference};

/// What lies outside the tolerance in one case.
fn problems(case: &Case) -> Vec<String> {
    let layer = LayerCase::read(case);
    let (output, gradients) = layer.at_site(&layer.inputs, |site, output| {
        (output.clone(), layer.op.backward(site, &layer.upstream).expect("backward"))
    });
    assert_eq!(gradients.len(), layer.gradients.len(), "{}", case.name());

    let mut problems = Vec::new();
    let mut check = |file: &str, actual: &Tensor, tolerance: Tolerance| {
        let expected = case.array::<f64>(file);
        assert_eq!(actual.shape(), expected.shape(), "{} {file}", case.name());
        let difference = difference(&values(actual), expected.as_slice().expect("row-major"), tolerance);
        if !difference.is_within() {
            problems.push(format!("{} {file}: {difference}\n    regenerate by `{}`", case.name(), case.regenerate()));
        }
    };
    check("expected_output", &output, layer.tolerances[0]);
    for (file, gradient) in layer.gradients.iter().zip(&gradients) {
        check(file, gradient, layer.tolerances[1]);
    }
    problems
}

#[test]
fn every_layer_agrees_with_pytorch() {
    let problems: Vec<String> = cases("layers").iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_kind_of_layer_has_cases() {
    let mut counts = BTreeMap::new();
    for case in cases("layers") {
        *counts.entry(LayerCase::read(&case).op.kind()).or_insert(0) += 1;
    }
    let kinds: Vec<&str> = counts.into_keys().collect();
    let expected = [
        "adaptive_avg_pool2d",
        "add",
        "avg_pool2d",
        "batch_norm2d",
        "concat",
        "conv2d",
        "dropout",
        "flatten",
        "linear",
        "max_pool2d",
        "relu",
        "relu6",
        "softmax",
    ];
    assert_eq!(kinds, expected);
}
