//! Batch norms folded into convolutions: another network, the same function, the same nodes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{every_layer, find, network, noise};
use gradex_engine::layers::{BatchNorm2d, Conv2d, Relu};
use gradex_engine::{GraphBuilder, NodeId, Retain};

#[test]
fn every_output_but_the_convolutions_stays() {
    let plain = network(3, every_layer);
    let folded = plain.fold_batch_norms().unwrap();
    assert_eq!(plain.unfolded_batch_norms(), [find(&plain, "bn")]);
    assert_eq!(folded.unfolded_batch_norms(), []);
    let input = noise(7, &[2, 3, 17, 13]);
    let [before, after] = [&plain, &folded].map(|network| network.forward(&input, &Retain::all()).unwrap());
    for id in plain.graph().ids() {
        let name = &plain.graph().node(id).name;
        let apart = before.output(id).unwrap() - after.output(id).unwrap();
        let apart = apart.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        assert_eq!(&folded.graph().node(id).name, name);
        assert_eq!(apart > 1e-3, name == "stem", "{name} is {apart} apart");
    }
}

#[test]
fn a_convolution_that_others_read_is_left_alone() {
    let shared = |graph: &mut GraphBuilder| {
        let conv = graph.add("conv", Conv2d::new(3, 4, 1), NodeId::INPUT);
        graph.add("bn", BatchNorm2d::new(4), conv);
        graph.add("relu", Relu, conv);
    };
    let first = |graph: &mut GraphBuilder| graph.add("bn", BatchNorm2d::new(3), NodeId::INPUT);
    for network in [network(3, shared), network(3, first)] {
        let folded = network.fold_batch_norms().unwrap();
        assert_eq!(folded.unfolded_batch_norms(), [find(&network, "bn")]);
        let input = noise(3, &[1, 3, 5, 4]);
        let [before, after] = [&network, &folded].map(|network| network.forward(&input, &Retain::logits()).unwrap());
        assert_eq!(before.logits().unwrap(), after.logits().unwrap());
    }
}
