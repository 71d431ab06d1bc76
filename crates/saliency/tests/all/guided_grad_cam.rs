//! Guided Grad-CAM: where it lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::common::{INPUT, find, network, noise, noise_for, pooled};
use gradex_saliency::Explainer;
use gradex_saliency::methods::{GradCam, GuidedGradCam, LayerCam};

#[test]
fn guided_grad_cam_lies_at_the_input_and_only_where_grad_cam_is_positive() {
    let network = network(3, pooled, noise_for);
    let input = noise(1, &[1, 3, 16, 16]);
    let explainer = Explainer::new(&network).methods(vec![Arc::new(GradCam), Arc::new(GuidedGradCam)]);
    let tape = explainer.forward(&input).unwrap();
    let mut shown = 0;
    for class in 0..5 {
        let explanations = explainer.explain(&tape, &[class]).unwrap();
        let [cam, guided] = &explanations[..] else { panic!("two methods") };
        assert_eq!((cam.coarse.point, guided.coarse.point), (find(&network, "relu2"), INPUT));
        assert_eq!(guided.coarse.map().shape(), [16, 16]);
        let blank = cam.coarse.values.iter().all(|value| *value == 0.0);
        shown += usize::from(!blank);
        if blank {
            assert_eq!(guided.fine.reason, cam.coarse.reason);
        }
        // Half a pixel of the map, two of the input, and as much again for the resizing.
        for ((y, x), value) in guided.coarse.map().indexed_iter().filter(|(_, value)| **value != 0.0) {
            let near = |place: usize| place.saturating_sub(2) / 2..(place / 2 + 2).min(8);
            let positive = near(y).any(|row| near(x).any(|column| cam.coarse.map()[[row, column]] > 0.0));
            assert!(positive, "class {class} at {y}, {x}: {value}");
        }
    }
    assert!(shown > 0, "some class has evidence");
}

#[test]
fn it_is_the_same_beside_any_other_method() {
    let network = network(3, pooled, noise_for);
    let explainer = |methods| Explainer::new(&network).methods(methods);
    let alone = explainer(vec![Arc::new(GuidedGradCam)]);
    let beside = explainer(vec![Arc::new(LayerCam), Arc::new(GuidedGradCam), Arc::new(GradCam)]);
    let tape = beside.forward(&noise(1, &[1, 3, 16, 16])).unwrap();
    for class in 0..5 {
        let expected = alone.explain(&tape, &[class]).unwrap().remove(0);
        let found = beside.explain(&tape, &[class]).unwrap().remove(1);
        assert_eq!((&found.coarse, &found.fine), (&expected.coarse, &expected.fine), "class {class}");
    }
}
