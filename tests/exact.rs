//! Maps with the fastest convolutions against maps with exact sums.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use gradex_engine::{Choice, Network, Retain};
use gradex_models::{Architecture, Model, generated_input};
use gradex_saliency::methods::{ContrastiveExcitationBackprop, ExcitationBackprop, GradCam, Gradient, Lrp};
use gradex_saliency::{Explainer, Method, Target};

/// How far Winograd's rounding may move a value of a map, which is in `[0, 1]`: CAM methods and relevance.
const MOST: f32 = 1e-4;
/// Of the difference of two maps that are nearly the same.
const MOST_CONTRASTIVE: f32 = 1e-3;
/// Of a gradient at the input: where rounding turns a rectifier over, what goes back through it comes or goes.
const MOST_OF_GRADIENTS: f32 = 0.1;

fn map(network: &Network, method: &Arc<dyn Method>, class: usize) -> Vec<f32> {
    let explainer = Explainer::new(network).methods(vec![Arc::clone(method)]);
    let input = generated_input(&[1, 3, 96, 112], 1);
    let tape = explainer.forward(&input).expect("a forward pass");
    let explanation = explainer.explain(&tape, &[Target::Class(class)]).expect("an explanation").remove(0);
    explanation.fine.map().iter().copied().collect()
}

#[test]
fn the_fastest_maps_are_the_exact_ones_but_for_rounding() {
    let methods: [(Arc<dyn Method>, f32); 5] = [
        (Arc::new(GradCam), MOST),
        (Arc::new(ExcitationBackprop), MOST),
        (Arc::new(Lrp::epsilon_plus()), MOST),
        (Arc::new(ContrastiveExcitationBackprop::default()), MOST_CONTRASTIVE),
        (Arc::new(Gradient), MOST_OF_GRADIENTS),
    ];
    for name in ["vgg11_bn", "resnet18", "resnet50"] {
        let network = Model::generated(Architecture::find(name).expect("known"), 3).expect("a model").network;
        let logits = |network: &Network| {
            let tape = network.forward(&generated_input(&[1, 3, 96, 112], 1), &Retain::logits()).expect("a pass");
            tape.logits().expect("logits").clone()
        };
        let exact = network.clone().with_choice(Choice::Exact);
        assert_ne!(logits(&network), logits(&exact), "{name}: no convolution is computed another way");
        for (method, most) in &methods {
            for class in [0, 999] {
                let what = format!("{name}, {}, class {class}", method.about().name);
                let (fastest, exact) = (map(&network, method, class), map(&exact, method, class));
                assert!(fastest.contains(&1.0), "{what}: a blank map shows nothing");
                let pairs = fastest.into_iter().zip(exact);
                let largest = pairs.map(|(fastest, exact)| (fastest - exact).abs()).fold(0.0, f32::max);
                assert!(largest <= *most, "{what}: {largest:e}");
            }
        }
    }
}
