//! Seeds that go back together, against each by itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::common::{bits, every_layer, message, network, noise, tensor};
use gradex_engine::layers::{Add, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu, Softmax};
use gradex_engine::{GraphBuilder, Network, NodeId, Retain, Tape, Tensor};

const CLASSES: usize = 7;

/// Three linear layers behind images, as VGG has them.
fn deep(graph: &mut GraphBuilder) {
    let x = graph.add("conv", Conv2d::new(3, 5, 3).padding(1), NodeId::INPUT);
    let x = graph.add("relu", Relu, x);
    let x = graph.add("pool", MaxPool2d::new(2, 2), x);
    let x = graph.add("flat", Flatten, x);
    let x = graph.add("fc1", Linear::new(5 * 4 * 3, 37), x);
    let x = graph.add("relu1", Relu, x);
    let x = graph.add("drop", Dropout, x);
    let x = graph.add("fc2", Linear::new(37, 33), x);
    let x = graph.add("relu2", Relu, x);
    graph.add("fc3", Linear::new(33, CLASSES), x);
}

/// Residual blocks and one linear layer, as ResNet has them.
fn residual(graph: &mut GraphBuilder) {
    let mut x = graph.add("stem", Conv2d::new(3, 16, 3).padding(1), NodeId::INPUT);
    for block in ["a", "b"] {
        let y = graph.add(format!("{block}.conv"), Conv2d::new(16, 16, 3).padding(1), x);
        let y = graph.add(format!("{block}.bn"), BatchNorm2d::new(16), y);
        let sum = graph.join(format!("{block}.add"), Add, &[y, x]);
        x = graph.add(format!("{block}.relu"), Relu, sum);
    }
    let x = graph.add("flat", Flatten, x);
    graph.add("fc", Linear::new(16 * 8 * 6, CLASSES), x);
}

/// What no published network has: branches, sums and softmax where there is no image any more, and one of images that is
/// listed behind them.
fn branched(graph: &mut GraphBuilder) {
    let conv = graph.add("conv", Conv2d::new(3, 4, 3).padding(1), NodeId::INPUT);
    let flat = graph.add("flat", Flatten, conv);
    let a = graph.add("a", Linear::new(4 * 8 * 6, 19), flat);
    let b = graph.add("b", Relu, a);
    let sum = graph.join("sum", Add, &[a, b]);
    let late = graph.add("late", Relu, conv);
    let late = graph.add("late.flat", Flatten, late);
    let c = graph.add("c", Linear::new(4 * 8 * 6, 19), late);
    let soft = graph.add("soft", Softmax, c);
    let both = graph.join("both", Concat { axis: 1 }, &[sum, soft, sum]);
    graph.add("fc", Linear::new(57, CLASSES), both);
}

fn tape(network: &Network, images: usize) -> Tape {
    network.forward(&noise(9, &[images, 3, 8, 6]), &Retain::all()).unwrap()
}

#[test]
fn seeds_together_give_the_bits_of_each_alone() {
    for (name, network) in
        [("deep", network(3, deep)), ("residual", network(3, residual)), ("branched", network(3, branched))]
    {
        for images in [1, 2] {
            let tape = tape(&network, images);
            let one_hot =
                |class| Tensor::from_shape_fn(&[images, CLASSES][..], |at| f32::from(u8::from(at[1] == class)));
            let seeds: Vec<Tensor> = (0..CLASSES).map(one_hot).chain([noise(4, &[images, CLASSES])]).collect();
            let points: Vec<NodeId> = network.graph().ids().collect();
            for keep in [&points[..], &[NodeId::INPUT], &points[points.len() - 1..]] {
                let descents = network.descend(&tape, &seeds, keep).unwrap();
                assert_eq!(descents.len(), seeds.len());
                for (descent, seed) in descents.into_iter().zip(&seeds) {
                    assert_eq!(descent.keep(), keep);
                    let together = network.gradient_of(&tape, descent).unwrap();
                    let alone = network.gradient(&tape, seed.clone(), keep).unwrap();
                    let expected = network.gradient_layerwise(&tape, seed.clone(), keep).unwrap();
                    assert_eq!(together.len(), keep.len());
                    for (id, together) in &together {
                        let node = &network.graph().node(*id).name;
                        assert_eq!(bits(together), bits(&alone[id]), "{name} {node}, {images} images");
                        let largest = expected[id].iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
                        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * largest;
                        assert!(together.iter().zip(&expected[id]).all(near), "{name} {node}, {images} images");
                    }
                }
            }
        }
    }
}

#[test]
fn no_seed_is_no_descent_and_one_that_does_not_fit_is_refused() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(9, &[1, 3, 9, 7]), &Retain::all()).unwrap();
    assert!(network.descend(&tape, &[], &[NodeId::INPUT]).unwrap().is_empty());
    let seeds = [tensor(&[1, 5], &[0.0; 5]), tensor(&[1, 4], &[0.0; 4])];
    let said = message(network.descend(&tape, &seeds, &[NodeId::INPUT]));
    assert!(said.contains("a seed of the logits' shape [1, 5]"), "{said}");
    let descent = network.descend(&tape, &seeds[..1], &[NodeId::INPUT]).unwrap().remove(0);
    let larger = network.forward(&noise(9, &[2, 3, 9, 7]), &Retain::all()).unwrap();
    let said = message(network.gradient_of(&larger, descent));
    assert!(said.contains("another network's tape"), "{said}");
}
