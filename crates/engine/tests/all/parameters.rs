//! Parameters by name: all must be there, with the right shapes, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::common::{graph, message, noise, state_of, tensor};
use gradex_engine::layers::{BatchNorm2d, Conv2d, Flatten, Linear};
use gradex_engine::{Error, Graph, NodeId, Retain, Tensor, is_bookkeeping};

type State = BTreeMap<String, Tensor>;

fn classifier() -> Graph {
    graph(3, |graph| {
        let conv = graph.add("layer1.0.conv", Conv2d::new(3, 4, 3).no_bias(), NodeId::INPUT);
        let bn = graph.add("layer1.0.bn", BatchNorm2d::new(4), conv);
        let flat = graph.add("flatten", Flatten, bn);
        graph.add("fc", Linear::new(16, 2), flat);
    })
}

/// The message where the classifier is bound to a state dict with this one fault.
fn refused(spoil: impl Fn(&mut State)) -> String {
    let mut state = state_of(&classifier());
    spoil(&mut state);
    message(classifier().bind(state))
}

#[test]
fn names_and_shapes_in_execution_order() {
    let parameters = classifier().parameters();
    let actual: Vec<(&str, &[usize])> = parameters.iter().map(|p| (&*p.name, &*p.shape)).collect();
    let expected: [(&str, &[usize]); 7] = [
        ("layer1.0.conv.weight", &[4, 3, 3, 3]),
        ("layer1.0.bn.weight", &[4]),
        ("layer1.0.bn.bias", &[4]),
        ("layer1.0.bn.running_mean", &[4]),
        ("layer1.0.bn.running_var", &[4]),
        ("fc.weight", &[2, 16]),
        ("fc.bias", &[2]),
    ];
    assert_eq!(actual, expected);
}

#[test]
fn a_missing_parameter_is_named_with_its_shape_and_the_three_nearest() {
    assert_eq!(
        refused(|state| {
            let weight = state.remove("layer1.0.conv.weight").unwrap();
            state.insert("module.layer1.0.conv.weight".to_owned(), weight);
        }),
        "the weights lack `layer1.0.conv.weight` [4, 3, 3, 3]; \
         nearest: `layer1.0.bn.weight`, `module.layer1.0.conv.weight`, `layer1.0.bn.bias`"
    );
    assert_eq!(message(classifier().bind(State::new())), "the weights lack `layer1.0.conv.weight` [4, 3, 3, 3]");
}

#[test]
fn unused_parameters_are_counted_and_the_first_is_named() {
    assert_eq!(
        refused(|state| {
            state.insert("layer1.0.conv.bias".to_owned(), noise(1, &[4]));
            state.insert("zoo.weight".to_owned(), noise(1, &[4]));
        }),
        "the weights hold 2 parameter(s) that the architecture does not have, first `layer1.0.conv.bias`; \
         nearest: `layer1.0.bn.bias`, `layer1.0.conv.weight`, `layer1.0.bn.weight`"
    );
}

#[test]
fn a_wrong_shape_is_named_with_both_shapes() {
    // As many values as it should have: only the shape tells.
    for shape in [&[16, 2][..], &[2, 4, 4], &[32]] {
        let error = refused(|state| drop(state.insert("fc.weight".to_owned(), noise(1, shape))));
        assert_eq!(error, format!("`fc.weight` has shape {shape:?} where the architecture has [2, 16]"));
    }
}

#[test]
fn a_parameter_that_is_no_number_is_named() {
    for name in ["layer1.0.conv.weight", "layer1.0.bn.running_mean", "fc.bias"] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let spoil = |state: &mut State| *state.get_mut(name).unwrap().last_mut().unwrap() = value;
            assert_eq!(refused(spoil), format!("the parameter `{name}` holds NaN or infinite values"));
        }
    }
}

/// A variance below `-epsilon` has no root, and `3e38 / sqrt(1e-5)` no place in `f32`.
#[test]
fn a_batch_norm_whose_scale_is_no_number_is_named() {
    for (name, value) in [("layer1.0.bn.running_var", -1.0), ("layer1.0.bn.weight", 3e38)] {
        let error = refused(|state| {
            state.insert("layer1.0.bn.running_var".to_owned(), Tensor::zeros(&[4][..]));
            *state.get_mut(name).unwrap().last_mut().unwrap() = value;
        });
        assert!(error.contains("`layer1.0.bn"), "{error}");
    }
}

#[test]
fn counters_of_training_steps_are_ignored() {
    let mut state = state_of(&classifier());
    state.insert("layer1.0.bn.num_batches_tracked".to_owned(), tensor(&[], &[f32::NAN]));
    assert!(classifier().bind(state).is_ok());
    assert!(is_bookkeeping("num_batches_tracked") && is_bookkeeping("a.b.num_batches_tracked"));
    assert!(!is_bookkeeping("num_batches_tracked.weight") && !is_bookkeeping("a.my_num_batches_tracked"));
}

#[test]
fn checking_reads_names_and_shapes_only() {
    let state = state_of(&classifier());
    let given = || state.iter().map(|(name, tensor)| (&**name, tensor.shape()));
    assert_eq!(classifier().check_parameters(given()), Ok(()));
    let missing = classifier().check_parameters(given().filter(|(name, _)| *name != "fc.bias"));
    assert!(matches!(missing, Err(Error::MissingParameter { name, .. }) if name == "fc.bias"));
}

#[test]
fn every_parameter_goes_to_its_own_place() {
    let input = noise(5, &[1, 3, 4, 4]);
    let logits = |state: State| {
        let network = classifier().bind(state).unwrap();
        network.forward(&input, &Retain::logits()).unwrap().logits().unwrap().clone()
    };
    let before = logits(state_of(&classifier()));
    for parameter in classifier().parameters() {
        let mut state = state_of(&classifier());
        state.get_mut(&parameter.name).unwrap().mapv_inplace(|value| value + 0.5);
        assert_ne!(logits(state), before, "{} does not matter", parameter.name);
    }
}
