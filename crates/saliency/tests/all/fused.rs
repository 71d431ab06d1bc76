//! One method at several points, fused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::common::{check_heatmap, explain, find, network, noise, noise_for, pooled};
use gradex_engine::{Network, NodeId, Tensor};
use gradex_saliency::methods::{Fused, Fusion, GradCam, LayerCam, Prism};
use gradex_saliency::{Cost, Error, Explainer, Extrapolation, Method, Target};
use ndarray::Array3;

fn points(network: &Network, names: &[&str]) -> Vec<NodeId> {
    names.iter().map(|name| find(network, name)).collect()
}

/// A method's map at a point, stretched to `[0, 1]` at the size of the input: what `--extrapolate none` shows.
fn stretched(network: &Network, method: impl Method + 'static, point: NodeId, input: &Tensor) -> Array3<f32> {
    let explainer = Explainer::new(network).method(method).point(point).extrapolation(Extrapolation::NONE);
    explain(&explainer, input, &[1]).remove(0).fine.values
}

#[test]
fn means_and_products_are_of_stretched_maps_at_the_largest_size() {
    let network = network(3, pooled, noise_for);
    let input = noise(7, &[1, 3, 12, 10]);
    // `relu1` has the input's size, so that the fused map does.
    let points = points(&network, &["relu2", "relu1", "pool2"]);
    let maps: Vec<_> = points.iter().map(|point| stretched(&network, LayerCam, *point, &input)).collect();
    for fusion in [Fusion::Mean, Fusion::Product] {
        let fused = Fused::new(Arc::new(LayerCam), points.clone(), fusion).unwrap();
        let explanation = explain(&Explainer::new(&network).method(fused), &input, &[1]).remove(0);
        assert_eq!((explanation.coarse.point, explanation.method), (points[1], "layer-cam"));
        check_heatmap(&explanation.fine, &input, "fused");
        for (pixel, actual) in explanation.coarse.values.indexed_iter() {
            let expected = match fusion {
                Fusion::Mean => maps.iter().map(|map| map[pixel]).sum::<f32>() / 3.0,
                Fusion::Product => maps.iter().map(|map| map[pixel]).product(),
            };
            assert!((actual - expected).abs() < 1e-6, "{fusion:?} {pixel:?}: {actual} {expected}");
        }
    }
}

#[test]
fn one_point_is_the_map_stretched_and_components_fuse_too() {
    let network = network(3, pooled, noise_for);
    let input = noise(7, &[2, 3, 12, 10]);
    let point = find(&network, "relu1");
    let fused = Fused::new(Arc::new(Prism), vec![point, find(&network, "relu2")], Fusion::Mean).unwrap();
    let explanations = explain(&Explainer::new(&network).method(fused), &input, &[1, 2]);
    assert_eq!(explanations[1].coarse.values.dim(), (3, 12, 10));
    let alone = Fused::new(Arc::new(LayerCam), vec![point], Fusion::Product).unwrap();
    let image = noise(7, &[1, 3, 12, 10]);
    let explanation = explain(&Explainer::new(&network).method(alone), &image, &[1]).remove(0);
    assert_eq!(explanation.coarse.values, stretched(&network, LayerCam, point, &image));
}

#[test]
fn all_points_share_one_backward_pass() {
    let network = network(3, pooled, noise_for);
    let fused = Fused::new(Arc::new(GradCam), points(&network, &["relu2", "relu1", "pool2"]), Fusion::Mean).unwrap();
    let explainer = Explainer::new(&network).method(fused.clone());
    let tape = explainer.forward(&noise(7, &[1, 3, 12, 10])).unwrap();
    let run = explainer.run(&tape, &[Target::Class(1)]).unwrap();
    explainer.explain_by(&run, &fused).unwrap();
    assert_eq!(run.cost(), Cost { forwards: 0, backwards: 1 });
}

#[test]
fn a_blank_map_blanks_the_product_with_its_reason_and_no_point_is_refused() {
    // Class 0 has no weights: its gradient is zero everywhere.
    let silenced = |index: u32, parameter: &gradex_engine::Parameter| {
        let mut values = noise_for(index, parameter);
        if parameter.name == "fc.weight" {
            values.index_axis_mut(ndarray::Axis(0), 0).fill(0.0);
        }
        values
    };
    let network = network(3, pooled, silenced);
    let fused = Fused::new(Arc::new(GradCam), points(&network, &["relu2", "relu1"]), Fusion::Product).unwrap();
    let explanation = explain(&Explainer::new(&network).method(fused), &noise(7, &[1, 3, 12, 10]), &[0]).remove(0);
    assert_eq!(explanation.fine.reason, Some(gradex_saliency::Reason::ZeroGradient));
    let error = Fused::new(Arc::new(GradCam), Vec::new(), Fusion::Mean).unwrap_err();
    assert!(matches!(error, Error::Inapplicable { method: "grad-cam", .. }), "{error}");
}
