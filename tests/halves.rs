//! A network whose weights are halves against the same network with the same numbers, bit for bit.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use gradex::formats::{StateDict, StorageDtype, Stored};
use gradex_engine::{Algorithm, Choice, Network, NodeId, Retain, Saved, Tensor};
use gradex_models::{
    Architecture, EMBEDDED_ARCHITECTURE, EMBEDDED_WEIGHTS, Model, generated_input, generated_parameters,
};
use gradex_saliency::methods::Lrp;
use gradex_saliency::{Explainer, Target};

fn networks() -> [Network; 2] {
    let architecture = Architecture::find(EMBEDDED_ARCHITECTURE).expect("known");
    of_both(architecture, EMBEDDED_WEIGHTS)
}

/// A network of 3x3 windows with generated parameters, rounded to halves.
fn residual_networks(of: &str) -> [Network; 2] {
    let architecture = Architecture::find("resnet18").expect("known");
    let tensors = generated_parameters(&architecture.graph().expect("a graph"), 3);
    let folder = std::env::temp_dir().join(format!("gradex-{of}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("resnet18.safetensors");
    let state = StateDict { tensors, ..StateDict::default() };
    state.write_safetensors(&path, StorageDtype::F16, &BTreeMap::new()).expect("written");
    let bytes = std::fs::read(&path).expect("read");
    std::fs::remove_dir_all(folder).expect("removed");
    of_both(architecture, &bytes)
}

fn of_both(architecture: &'static Architecture, weights: &[u8]) -> [Network; 2] {
    let stored = StateDict::stored_from_bytes(weights).expect("weights");
    assert!(stored.tensors.values().any(|tensor| matches!(tensor, Stored::Half(_))), "no halves to compare");
    let widened = StateDict::from_bytes(weights).expect("weights");
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
    let residual = || residual_networks("same-bits");
    for (networks, choice) in [
        (networks as fn() -> [Network; 2], Choice::Fastest),
        (networks, Choice::Exact),
        (residual, Choice::Fastest),
        (residual, Choice::Exact),
        (residual, Choice::Forced(Algorithm::Winograd)),
        (residual, Choice::Forced(Algorithm::Winograd2x2)),
    ] {
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
    let saved = |network: &Network| network.saved_by_halves(&[1, 3, 224, 224]).expect("figures");
    assert_eq!(saved(&numbers), Saved::default());
    // All but biases and batch norms.
    let Saved { parameters, copies } = saved(&halves);
    assert!(parameters > 19 * weights / 10 && copies == 0, "{parameters} and {copies} of {weights}");

    // Of the large convolutions nothing stays but what is packed, as it was: the same before the first pass and after it.
    let [halves, _] = residual_networks("half-the-memory");
    let large =
        [(512, 512, 3), (512, 256, 1), (256, 256, 3)].map(|(outputs, inputs, count)| outputs * inputs * 9 * count);
    for choice in [Choice::Fastest, Choice::Exact] {
        let network = halves.clone().with_choice(choice);
        let before = saved(&network);
        let large: usize = large.iter().sum();
        let least = if choice == Choice::Exact { [0, 2 * large] } else { [4 * large, 2 * large] };
        assert!(before.parameters >= least[0] && before.copies >= least[1], "{before:?} of {large}");
        network.forward(&generated_input(&[1, 3, 224, 224], 1), &Retain::logits()).expect("a pass");
        assert_eq!(saved(&network), before);
    }
}
