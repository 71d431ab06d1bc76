//! A network whose weights are halves against the same network with the same numbers, bit for bit.
#![allow(clippy::expect_used)]

use gradex::formats::{StateDict, Stored};
use gradex_engine::{Choice, Network, NodeId, Retain, Tensor};
use gradex_models::{Architecture, EMBEDDED_ARCHITECTURE, EMBEDDED_WEIGHTS, Model, generated_input};
use gradex_saliency::methods::Lrp;
use gradex_saliency::{Explainer, Target};

fn networks() -> [Network; 2] {
    let architecture = Architecture::find(EMBEDDED_ARCHITECTURE).expect("known");
    let stored = StateDict::stored_from_bytes(EMBEDDED_WEIGHTS).expect("weights");
    assert!(stored.tensors.values().any(|tensor| matches!(tensor, Stored::Half(_))), "no halves to compare");
    let widened = StateDict::from_bytes(EMBEDDED_WEIGHTS).expect("weights");
    [
        gradex::model(architecture, stored).expect("a model").network,
        Model::new(architecture, widened.tensors).expect("a model").network,
    ]
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn logits_gradients_and_relevance_are_the_same() {
    let input = generated_input(&[2, 3, 96, 112], 1);
    for choice in [Choice::Fastest, Choice::Exact] {
        let [halves, numbers] = networks().map(|network| {
            let network = network.with_choice(choice);
            let tape = network.forward(&input, &Retain::all()).expect("a pass");
            let logits = tape.logits().expect("logits").clone();
            let found = network.gradient(&tape, logits.clone(), &[NodeId::INPUT]).expect("a gradient");
            let gradient = bits(found.get(&NodeId::INPUT).expect("at the input"));
            let layerwise = network.forward_layerwise(&input, &Retain::logits()).expect("a pass");
            let lrp = Explainer::new(&network).method(Lrp::epsilon_plus());
            let tape = lrp.forward(&input).expect("a pass");
            let relevance =
                lrp.explain(&tape, &[Target::Class(3), Target::Class(5)]).expect("an explanation").remove(0);
            let relevance: Vec<u32> = relevance.coarse.map().iter().map(|value| value.to_bits()).collect();
            (bits(&logits), bits(layerwise.logits().expect("logits")), gradient, relevance)
        });
        assert!(halves == numbers, "{choice:?}");
    }
}

#[test]
fn halves_take_half() {
    let [halves, numbers] = networks();
    let weights: usize = numbers.graph().parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
    assert_eq!(numbers.saved(), 0);
    // All but biases and batch norms.
    assert!(halves.saved() > 19 * weights / 10, "{} of {weights}", halves.saved());
}
