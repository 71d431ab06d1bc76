//! Planned runs and walks back of every architecture against those layer by layer, with generated parameters on small images.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gradex_engine::{Algorithm, Choice, Network, NodeId, Retain, Tape, Tensor};
use gradex_models::{ARCHITECTURES, Architecture, Model, generated_input};

/// How far Winograd's rounding may move a value, in units of its tensor's largest.
const WINOGRAD: f32 = 1e-4;

/// What is kept: nothing, what Grad-CAM asks for, single nodes in the midst of what is fused, everything.
fn retains(network: &Network) -> Vec<Retain> {
    let point = network.graph().default_point();
    let some: Vec<NodeId> = network.graph().ids().skip(1).step_by(3).collect();
    vec![
        Retain::logits(),
        Retain::from(point).channel_sums(&[NodeId::INPUT]),
        Retain::logits().nodes(&some),
        Retain::all(),
    ]
}

/// The planned run of `network` keeps what is asked for, each tensor the same as layer by layer.
fn compare(network: &Network, input: &Tensor, layerwise: &Tape, retain: &Retain, same: fn(&Tensor, &Tensor) -> bool) {
    let planned = network.forward(input, retain).unwrap();
    for id in network.graph().ids() {
        let name = &network.graph().node(id).name;
        let kept = id == network.graph().logits() || retain.keeps(id);
        assert_eq!(planned.output(id).is_ok(), kept, "{name} {retain:?}");
        if kept {
            assert!(same(planned.output(id).unwrap(), layerwise.output(id).unwrap()), "{name} {retain:?}");
        }
    }
    if let Ok(sums) = planned.channel_sums(NodeId::INPUT) {
        let expected = layerwise.channel_sums(NodeId::INPUT).unwrap();
        assert_eq!((&sums.sums, &sums.max), (&expected.sums, &expected.max));
    }
}

fn close(planned: &Tensor, layerwise: &Tensor) -> bool {
    let largest = layerwise.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    planned.iter().zip(layerwise).all(|(a, b)| (a - b).abs() <= WINOGRAD * largest)
}

fn check(architecture: &'static Architecture, size: [usize; 2]) {
    let input = generated_input(&[1, 3, size[0], size[1]], 1);
    let network = Model::generated(architecture, 3).unwrap().network.with_choice(Choice::Exact);
    let everything = Retain::all().channel_sums(&[NodeId::INPUT]);
    let layerwise = network.forward_layerwise(&input, &everything).unwrap();
    for retain in retains(&network) {
        compare(&network, &input, &layerwise, &retain, |planned, layerwise| planned == layerwise);
    }
    let seed = generated_input(layerwise.logits().unwrap().shape(), 2);
    let ends = [network.graph().default_point(), NodeId::INPUT];
    let expected = network.gradient_layerwise(&layerwise, seed.clone(), &ends).unwrap();
    for retain in [Retain::all(), Retain::gradient(network.graph(), NodeId::INPUT)] {
        let tape = network.forward(&input, &retain).unwrap();
        assert_eq!(network.gradient(&tape, seed.clone(), &ends).unwrap(), expected, "{} {retain:?}", architecture.name);
    }
    // Winograd's transforms of the weights of large networks would take long.
    if ["vgg11_bn", "resnet18", "resnet50"].contains(&architecture.name) {
        for algorithm in [Algorithm::Winograd, Algorithm::Winograd2x2] {
            let network = network.clone().with_choice(Choice::Forced(algorithm));
            compare(&network, &input, &layerwise, &everything, close);
        }
    }
}

/// Every architecture of this family; at a size that cuts tiles, windows and blocks.
fn check_family(prefix: &str) {
    let family = ARCHITECTURES.iter().filter(|architecture| architecture.name.starts_with(prefix));
    assert!(family.inspect(|architecture| check(architecture, [33, 47])).count() > 0, "{prefix}");
}

#[test]
fn vgg() {
    check_family("vgg");
}

#[test]
fn resnet() {
    check_family("resnet");
}

#[test]
fn resnext() {
    check_family("resnext");
}

#[test]
fn wide_resnet() {
    check_family("wide_resnet");
}

#[test]
fn efficientnet() {
    check_family("efficientnet");
}

#[test]
fn what_is_kept_and_how_many_threads_there_are_changes_no_bit() {
    let input = generated_input(&[1, 3, 48, 56], 1);
    for name in ["resnet18", "efficientnet-lite0"] {
        let network = Model::generated(Architecture::find(name).unwrap(), 3).unwrap().network;
        let everything = network.forward(&input, &Retain::all()).unwrap();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for retain in retains(&network) {
                let tape = pool.install(|| network.forward(&input, &retain)).unwrap();
                assert_eq!(tape.logits().unwrap(), everything.logits().unwrap(), "{name} {threads}");
            }
        }
    }
}
