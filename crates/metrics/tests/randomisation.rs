//! Networks that forget, layer by layer.
#![allow(clippy::unwrap_used)]

use gradex_engine::layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, Relu};
use gradex_engine::{GraphBuilder, Network, NodeId, Params, Tensor};
use gradex_metrics::{learned_layers, randomised};
use gradex_saliency::Random;

fn network() -> Network {
    let mut graph = GraphBuilder::new(3);
    let x = graph.add("conv1", Conv2d::new(3, 16, 3).padding(1), NodeId::INPUT);
    let x = graph.add("bn1", BatchNorm2d::new(16), x);
    let x = graph.add("relu", Relu, x);
    let x = graph.add("conv2", Conv2d::new(16, 24, 3), x);
    let x = graph.add("mean", AdaptiveAvgPool2d::new(1), x);
    let x = graph.add("flat", Flatten, x);
    graph.add("fc", Linear::new(24, 10), x);
    let graph = graph.finish().unwrap();
    let (random, mut place) = (Random::stream(1, 1), 0);
    let parameters = graph.parameters().into_iter().map(|wanted| {
        let values = Tensor::from_shape_simple_fn(&wanted.shape[..], || {
            place += 1;
            (3.0 + 0.2 * random.normal(place)) as f32
        });
        (wanted.name, values)
    });
    let parameters = parameters.collect();
    graph.bind(parameters).unwrap()
}

fn weights(network: &Network, name: &str) -> Vec<f32> {
    network.params(network.graph().find(name).unwrap()).weight.as_ref().unwrap().tensor().iter().copied().collect()
}

#[test]
fn layers_forget_from_the_logits_down_and_only_they() {
    let network = network();
    let layers = learned_layers(&network);
    let names: Vec<&str> = layers.iter().map(|id| network.graph().node(*id).name.as_str()).collect();
    assert_eq!(names, ["fc", "conv2", "conv1"]);
    for count in 0..=3 {
        let forgetful = randomised(&network, &layers[..count], 7).unwrap();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(weights(&forgetful, name) == weights(&network, name), place >= count, "{count} {name}");
        }
        assert_eq!(weights(&forgetful, "bn1"), weights(&network, "bn1"));
    }
    let all = randomised(&network, &layers, 7).unwrap();
    let fc = randomised(&network, &layers[..1], 7).unwrap();
    assert_eq!(weights(&all, "fc"), weights(&fc, "fc"), "a longer cascade continues a shorter one");
    assert_ne!(weights(&all, "fc"), weights(&randomised(&network, &layers, 8).unwrap(), "fc"));
}

#[test]
fn what_is_drawn_has_the_mean_and_the_deviation_of_what_was_learned() {
    let network = network();
    let forgetful = randomised(&network, &learned_layers(&network), 7).unwrap();
    let drawn = weights(&forgetful, "conv2");
    let mean = drawn.iter().map(|value| f64::from(*value)).sum::<f64>() / drawn.len() as f64;
    let variance = drawn.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
    assert!((mean - 3.0).abs() < 0.02 && (variance.sqrt() - 0.2).abs() < 0.02, "{mean} {variance}");
}

#[test]
fn parameters_of_another_shape_are_refused() {
    let network = network();
    let fc = network.graph().find("fc").unwrap();
    let error =
        network.with_params(fc, Params { weight: Some(Tensor::zeros(vec![10, 23]).into()), bias: None }).unwrap_err();
    assert!(error.to_string().contains("fc.weight"), "{error}");
}
