//! Why is the map blank? A network for each answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{INPUT, classify, constants, explain, find, network, noise, noise_for, pooled, tensor};
use gradex_engine::layers::{Conv2d, Relu};
use gradex_engine::{GraphBuilder, Network, Parameter, Tensor};
use gradex_saliency::methods::{
    Cam, ElementWiseCam, GradCam, GradCamPlusPlus, HiResCam, LayerCam, Prism, ScoreCam, XGradCam,
};
use gradex_saliency::{Error, Explainer, Extrapolation, Method, Reason};

/// A convolution of one pixel, a rectifier, and a class that is `weight` times the mean.
fn one_stage(graph: &mut GraphBuilder) {
    let x = graph.add("conv", Conv2d::new(1, 1, 1), INPUT);
    let x = graph.add("relu", Relu, x);
    classify(graph, 1, 1, x);
}

fn reason(network: &Network, method: impl Method + 'static, point: &str, input: &Tensor) -> Option<Reason> {
    let explainer = Explainer::new(network).method(method).point(find(network, point));
    let explanation = explain(&explainer, input, &[0]).remove(0);
    assert_eq!(explanation.fine.reason.is_some(), explanation.fine.values.iter().all(|value| *value == 0.0));
    explanation.fine.reason
}

fn ramp() -> Tensor {
    tensor(&[1, 1, 2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
}

#[test]
fn a_class_that_everything_speaks_against_has_no_positive_evidence() {
    let against = network(1, one_stage, constants(&[("conv.weight", 1.0), ("fc.weight", -1.0)]));
    let expected = Some(Reason::NoPositiveEvidence);
    assert_eq!(reason(&against, GradCam, "relu", &ramp()), expected);
    assert_eq!(reason(&against, GradCamPlusPlus, "relu", &ramp()), expected);
    assert_eq!(reason(&against, XGradCam, "relu", &ramp()), expected);
    assert_eq!(reason(&against, HiResCam, "relu", &ramp()), expected);
    assert_eq!(reason(&against, LayerCam, "relu", &ramp()), expected);
    assert_eq!(reason(&against, ElementWiseCam, "relu", &ramp()), expected);
    assert_eq!(reason(&against, Cam, "relu", &ramp()), expected);
    // Signed maps still say how much speaks against it.
    let explainer = Explainer::new(&against).method(Cam);
    let coarse = explain(&explainer, &ramp(), &[0]).remove(0).coarse;
    assert_eq!(coarse.map(), (-ramp()).to_shape((2, 3)).unwrap());
}

#[test]
fn a_closed_rectifier_behind_the_point_leaves_no_gradient() {
    let values = [("conv.weight", 1.0), ("conv.bias", -100.0), ("fc.weight", 1.0)];
    let closed = network(1, one_stage, constants(&values));
    let expected = Some(Reason::ZeroGradient);
    assert_eq!(reason(&closed, GradCam, "conv", &ramp()), expected);
    assert_eq!(reason(&closed, LayerCam, "conv", &ramp()), expected);
    assert_eq!(reason(&closed, HiResCam, "input", &ramp()), expected);
    // As the advice says, a method that needs no gradient still sees the activations.
    assert!(Reason::ZeroGradient.advice().contains("score-cam"));
    assert_eq!(reason(&closed, ScoreCam::default(), "input", &ramp()), None);
}

#[test]
fn a_point_where_nothing_is_active_is_silent() {
    let values = [("conv.weight", 1.0), ("conv.bias", -100.0), ("fc.weight", 1.0)];
    let closed = network(1, one_stage, constants(&values));
    let expected = Some(Reason::SilentPoint);
    assert_eq!(reason(&closed, GradCam, "relu", &ramp()), expected);
    assert_eq!(reason(&closed, Cam, "relu", &ramp()), expected);
    assert_eq!(reason(&closed, ScoreCam::default(), "relu", &ramp()), expected);
    assert_eq!(reason(&closed, Prism, "relu", &ramp()), expected);
}

#[test]
fn a_map_that_is_the_same_everywhere_is_constant() {
    let open = network(1, one_stage, constants(&[("conv.weight", 1.0), ("fc.weight", 1.0)]));
    let even = tensor(&[1, 1, 2, 3], &[2.0; 6]);
    let expected = Some(Reason::Constant);
    assert_eq!(reason(&open, GradCam, "relu", &even), expected);
    assert_eq!(reason(&open, Prism, "relu", &even), expected);
    // One pixel is the same everywhere.
    assert_eq!(reason(&open, GradCam, "relu", &tensor(&[1, 1, 1, 1], &[3.0])), expected);
    assert_eq!(reason(&open, GradCam, "relu", &ramp()), None);
}

#[test]
fn evidence_where_an_earlier_layer_is_silent_has_no_activation() {
    // The first stage is closed; the second is active through its bias alone.
    let silenced = |index: u32, parameter: &Parameter| match parameter.name.as_str() {
        "conv1.weight" => Tensor::zeros(&parameter.shape[..]),
        "conv1.bias" => Tensor::from_elem(&parameter.shape[..], -1.0),
        "conv2.bias" | "fc.weight" => Tensor::from_elem(&parameter.shape[..], 1.0),
        _ => noise_for(index, parameter),
    };
    let network = network(3, pooled, silenced);
    let input = noise(5, &[1, 3, 12, 10]);
    let of = |mode| {
        let explainer = Explainer::new(&network).extrapolation(mode);
        explain(&explainer, &input, &[0]).remove(0).fine.reason
    };
    assert_eq!(of(Extrapolation::ACTIVATED), Some(Reason::NoActivation));
    assert!(Reason::NoActivation.advice().contains("--extrapolate none"));
    assert_eq!(of(Extrapolation::NONE), Some(Reason::Constant), "the next reason in the way");
}

#[test]
fn every_reason_says_something_of_its_own_and_what_to_try() {
    use Reason::{Constant, NoActivation, NoPositiveEvidence, SilentPoint, ZeroGradient};
    let all = [NoPositiveEvidence, ZeroGradient, SilentPoint, NoActivation, Constant];
    for (index, reason) in all.iter().enumerate() {
        assert!(!reason.advice().is_empty() && !reason.to_string().is_empty());
        for other in &all[..index] {
            assert_ne!(reason.to_string(), other.to_string());
            assert_ne!(reason.advice(), other.advice());
        }
    }
}

#[test]
fn numbers_that_overflow_are_errors_that_name_the_node_and_say_what_to_try() {
    // 1e30 * 1e30 at the convolution, in the forward pass.
    let large = network(1, one_stage, constants(&[("conv.weight", 1e30), ("fc.weight", 1.0)]));
    let error = Explainer::new(&large).forward(&tensor(&[1, 1, 1, 1], &[1e30])).unwrap_err();
    assert!(error.to_string().contains("output of node `conv` holds NaN or infinite values"), "{error}");
    assert!(error.advice().is_some_and(|advice| advice.contains("normalised")), "{error}");
    // NaN in the image itself.
    let error = Explainer::new(&large).forward(&tensor(&[1, 1, 1, 1], &[f32::NAN])).unwrap_err();
    assert!(error.to_string().contains("`input` holds NaN"), "{error}");
    assert!(error.advice().is_some());
    // A map that leaves the range of f32 though activations and gradients do not.
    let wide = network(1, one_stage, constants(&[("conv.weight", 1e20), ("fc.weight", 1e15)]));
    let explainer = Explainer::new(&wide).method(HiResCam).point(find(&wide, "relu"));
    let tape = explainer.forward(&tensor(&[1, 1, 1, 1], &[1.0])).unwrap();
    assert!(explainer.explain(&tape, &[0]).is_ok());
    let target = gradex_saliency::Target::custom(|_| gradex_saliency::Objective {
        score: 1.0,
        gradient: ndarray::Array1::from_elem(1, 1e10),
    });
    let error = explainer.explain(&tape, &[target]).unwrap_err();
    assert_eq!(error, Error::NonFinite { what: "HiResCAM map".to_owned() });
    assert!(error.advice().is_some());
}

#[test]
fn a_class_that_the_network_has_not_and_a_point_that_leads_nowhere_have_advice() {
    let network = network(3, pooled, noise_for);
    let explainer = Explainer::new(&network);
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    let error = explainer.explain(&tape, &[9]).unwrap_err();
    assert_eq!(error, Error::NoSuchClass { class: 9, classes: 5 });
    assert!(error.advice().is_some_and(|advice| advice.contains("another model")), "{error}");
    let explainer = Explainer::new(&network).point(find(&network, "aux"));
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    let error = explainer.explain(&tape, &[0]).unwrap_err();
    assert!(matches!(error, Error::Unrelated { .. }) && error.advice().is_some(), "{error}");
}
