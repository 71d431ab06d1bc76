//! The rest of a forward pass with other values at a node, against the whole pass that leads to them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{every_layer, find, message, network, noise};
use gradex_engine::{Network, NodeId, Retain, Tensor};
use ndarray::{Axis, concatenate};

fn every_tensor(network: &Network, input: &Tensor) -> gradex_engine::Tape {
    network.forward(input, &Retain::all()).unwrap()
}

#[test]
fn the_tapes_own_values_give_its_own_logits() {
    let network = network(3, every_layer);
    let tape = every_tensor(&network, &noise(5, &[2, 3, 17, 13]));
    let leads = network.graph().leads_to(network.graph().logits());
    for id in network.graph().ids().filter(|id| leads[id.index()]) {
        for image in 0..2 {
            let own = tape.output(id).unwrap().index_axis(Axis(0), image).insert_axis(Axis(0)).to_owned();
            let twice = concatenate![Axis(0), own, own];
            let logits = network.resume(&tape, image, id, &twice).unwrap();
            for row in logits.outer_iter() {
                assert_eq!(row, tape.image_logits(image).unwrap().into_dyn(), "{}", network.graph().node(id).name);
            }
        }
    }
}

#[test]
fn another_image_from_the_input_is_that_image() {
    let network = network(3, every_layer);
    let [one, other] = [5, 6].map(|seed| noise(seed, &[1, 3, 9, 9]));
    let tape = every_tensor(&network, &one);
    let expected = every_tensor(&network, &other);
    assert_eq!(&network.resume(&tape, 0, NodeId::INPUT, &other).unwrap(), expected.logits().unwrap());
}

#[test]
fn what_lies_beside_a_point_is_needed_and_enough() {
    let network = network(3, every_layer);
    let (point, input) = (find(&network, "relu6"), noise(5, &[1, 3, 17, 13]));
    let beside = network.graph().beside(point);
    assert_eq!(beside, [find(&network, "pool")]);
    let enough = network.forward(&input, &Retain::logits().nodes(&[point]).nodes(&beside)).unwrap();
    let values = enough.output(point).unwrap();
    assert_eq!(&network.resume(&enough, 0, point, values).unwrap(), enough.logits().unwrap());
    let lacking = network.forward(&input, &Retain::logits().nodes(&[point])).unwrap();
    assert!(message(network.resume(&lacking, 0, point, values)).contains("Retain"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let network = network(3, every_layer);
    let tape = every_tensor(&network, &noise(5, &[1, 3, 17, 13]));
    let relu = find(&network, "relu");
    assert!(message(network.resume(&tape, 0, relu, &Tensor::zeros(vec![1, 8, 3, 3]))).contains("takes"));
    let values = tape.output(relu).unwrap();
    assert!(network.resume(&tape, 1, relu, values).is_err(), "no such image");
    let aux = find(&network, "aux");
    assert!(message(network.resume(&tape, 0, aux, tape.output(aux).unwrap())).contains("do not depend"));
    assert!(message(network.resume(&tape, 0, relu, &(values * f32::NAN))).contains("NaN"));
}
