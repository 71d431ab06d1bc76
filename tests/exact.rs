//! Maps with the fastest convolutions against maps with exact sums.
#![allow(clippy::expect_used)]

use gradex_engine::{Choice, Network, Retain};
use gradex_models::{Architecture, Model, generated_input};
use gradex_saliency::{Explainer, Target};

/// How far Winograd's rounding may move a value of an extrapolated Grad-CAM map, which is in `[0, 1]`.
const MOST: f32 = 1e-4;

fn map(network: &Network, class: usize) -> Vec<f32> {
    let explainer = Explainer::new(network);
    let input = generated_input(&[1, 3, 96, 112], 1);
    let tape = explainer.forward(&input).expect("a forward pass");
    let explanation = explainer.explain(&tape, &[Target::Class(class)]).expect("an explanation").remove(0);
    explanation.fine.map().iter().copied().collect()
}

#[test]
fn the_fastest_maps_are_the_exact_ones_but_for_rounding() {
    for name in ["vgg11_bn", "resnet18", "resnet50"] {
        let network = Model::generated(Architecture::find(name).expect("known"), 3).expect("a model").network;
        let logits = |network: &Network| {
            let tape = network.forward(&generated_input(&[1, 3, 96, 112], 1), &Retain::logits()).expect("a pass");
            tape.logits().expect("logits").clone()
        };
        let exact = network.clone().with_choice(Choice::Exact);
        assert_ne!(logits(&network), logits(&exact), "{name}: no convolution is computed another way");
        for class in [0, 999] {
            let (fastest, exact) = (map(&network, class), map(&exact, class));
            assert!(fastest.contains(&1.0), "{name}, class {class}: a blank map shows nothing");
            let pairs = fastest.into_iter().zip(exact);
            let largest = pairs.map(|(fastest, exact)| (fastest - exact).abs()).fold(0.0, f32::max);
            assert!(largest <= MOST, "{name}, class {class}: {largest:e}");
        }
    }
}
