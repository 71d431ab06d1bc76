//! Every layer against its definition in float64: values, finite differences, and the adjoint identity.

#![allow(clippy::unwrap_used)]

use gradex_engine::{Layer, Params, Tensor, values};
use gradex_models::uniform;
use gradex_tests::oracle::{self, Exact};
use gradex_tests::{Case, LayerCase, Tolerance, cases, difference};

const STEP: f64 = 1e-6;

/// The layers of all golden cases.
fn layers() -> Vec<(Case, LayerCase)> {
    let read = |case: Case| {
        let layer = LayerCase::read(&case);
        (case, layer)
    };
    cases("layers").into_iter().map(read).collect()
}

/// Inputs in general position: no two equal, none at a kink of the layer, some beyond both ends of a relu6.
fn generic(layer: &LayerCase) -> Vec<Tensor> {
    let input = |(index, shape): (usize, &[usize])| {
        let mut values = uniform(17, &format!("input {index}")).map(|value| 2.0 + 7.0 * value);
        Tensor::from_shape_simple_fn(shape, || values.next().unwrap())
    };
    layer.inputs.iter().map(Tensor::shape).enumerate().map(input).collect()
}

fn dot(a: &Exact, b: &Exact) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn forward_is_the_definition() {
    for (case, layer) in layers() {
        for inputs in [layer.inputs.clone(), generic(&layer)] {
            let expected =
                oracle::forward(&layer.op, &layer.params, &inputs.iter().map(oracle::exact).collect::<Vec<_>>());
            let (output, _) = layer.op.forward(&layer.params, &inputs.iter().collect::<Vec<_>>()).unwrap();
            assert_eq!(output.shape(), expected.shape(), "{}", case.name());
            let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
            assert_eq!(layer.op.output_shape(&shapes).unwrap(), output.shape(), "{}", case.name());
            let difference =
                difference(&values(&output), &expected.into_iter().collect::<Vec<_>>(), Tolerance::Relative(2e-6));
            assert!(difference.is_within(), "{}: {difference}", case.name());
        }
    }
}

#[test]
fn backward_is_the_finite_difference_of_the_definition() {
    for (case, layer) in layers() {
        let inputs = generic(&layer);
        let gradients = layer.at_site(&inputs, |site, _| layer.op.backward(site, &layer.upstream)).unwrap();
        let upstream = oracle::exact(&layer.upstream);
        let exact: Vec<Exact> = inputs.iter().map(oracle::exact).collect();
        for (which, gradient) in gradients.iter().enumerate() {
            let slope = |index: usize| {
                let at = |offset: f64| {
                    let mut moved = exact.clone();
                    moved[which].as_slice_mut().unwrap()[index] += offset;
                    dot(&oracle::forward(&layer.op, &layer.params, &moved), &upstream)
                };
                (at(STEP) - at(-STEP)) / (2.0 * STEP)
            };
            // Every value of small inputs, and a spread of those of large ones.
            let indices: Vec<usize> = (0..gradient.len()).step_by(gradient.len().div_ceil(97)).collect();
            let actual: Vec<f32> = indices.iter().map(|index| values(gradient)[*index]).collect();
            let expected: Vec<f64> = indices.iter().map(|index| slope(*index)).collect();
            let difference = difference(&actual, &expected, Tolerance::Relative(1e-5));
            assert!(difference.is_within(), "{} input {which}: {difference}", case.name());
        }
    }
}

#[test]
fn transpose_is_the_adjoint_of_every_affine_layer() {
    let mut kinds = std::collections::BTreeSet::new();
    for (case, layer) in layers() {
        let Some(affine) = layer.op.affine() else { continue };
        kinds.insert(layer.op.kind());
        let inputs = generic(&layer);
        let (borrowed, shapes): (Vec<&Tensor>, Vec<&[usize]>) = inputs.iter().map(|x| (x, x.shape())).unzip();
        let linear = Params { bias: None, ..layer.params.clone() };
        let forward = oracle::exact(&affine.apply(&linear, &borrowed).unwrap());
        let backward = affine.transpose(&linear, &layer.upstream, &shapes).unwrap();
        let g = oracle::exact(&layer.upstream);
        let left = dot(&forward, &g);
        let right: f64 = inputs.iter().zip(&backward).map(|(x, b)| dot(&oracle::exact(x), &oracle::exact(b))).sum();
        let scale = (dot(&forward, &forward) * dot(&g, &g)).sqrt();
        assert!((left - right).abs() <= 1e-6 * scale, "{}: <Ax, g> = {left}, <x, A'g> = {right}", case.name());
    }
    assert_eq!(kinds.len(), 9, "affine kinds with cases: {kinds:?}");
}

#[test]
fn upstream_of_another_shape_is_refused() {
    for (case, layer) in layers() {
        let error = layer.at_site(&layer.inputs, |site, output| {
            let mut shape = output.shape().to_vec();
            shape[0] += 1;
            layer.op.backward(site, &Tensor::zeros(shape))
        });
        assert!(matches!(error, Err(gradex_engine::Error::Shape { .. })), "{}: {error:?}", case.name());
    }
}
