//! The forward pass: what it refuses, what it keeps, and what its results do not depend on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::common::{bits, every_layer, find, graph, message, network, noise, tensor};
use gradex_engine::layers::{Conv2d, Flatten, Linear, MaxPool2d, Relu, Relu6};
use gradex_engine::{Cache, Network, NodeId, Retain, Tensor};
use ndarray::{Axis, ShapeBuilder, Slice, concatenate};

/// Everything that a forward and a backward pass compute, as bits.
fn everything(network: &Network, input: &Tensor) -> Vec<Vec<u32>> {
    let tape = network.forward(input, &Retain::all()).unwrap();
    let seed = noise(9, tape.logits().unwrap().shape());
    let ids: Vec<NodeId> = network.graph().ids().collect();
    let gradients = network.gradient(&tape, seed, &ids).unwrap();
    ids.iter().flat_map(|id| [bits(tape.output(*id).unwrap()), bits(&gradients[id])]).collect()
}

#[test]
fn an_input_that_is_no_number_is_refused() {
    let network = network(3, every_layer);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut input = noise(1, &[2, 3, 9, 9]);
        *input.last_mut().unwrap() = value;
        let error = message(network.forward(&input, &Retain::logits()));
        assert!(error.contains("`input` holds NaN or infinite values"), "{error}");
    }
}

#[test]
fn a_wrong_input_is_refused_by_shape_inference() {
    let network = network(3, every_layer);
    for shape in [&[1, 3, 9][..], &[1, 4, 9, 9], &[0, 3, 9, 9], &[1, 3, 9, 0]] {
        let error = message(network.forward(&Tensor::zeros(shape), &Retain::logits()));
        assert_eq!(error, message(network.graph().shapes(shape)), "{shape:?}");
    }
}

/// Four convolutions of one weight each; `rectifier` follows the second.
fn chain(weights: [f32; 4], rectified_by_relu6: bool) -> Network {
    let graph = graph(1, |graph| {
        let mut x = NodeId::INPUT;
        for index in 1..=4 {
            x = graph.add(format!("conv{index}"), Conv2d::new(1, 1, 1).no_bias(), x);
            if index == 2 && rectified_by_relu6 {
                x = graph.add("relu6", Relu6, x);
            } else if index == 2 {
                x = graph.add("relu", Relu, x);
            }
        }
    });
    let weight = |(index, weight)| (format!("conv{index}.weight"), tensor(&[1, 1, 1, 1], &[weight]));
    graph.bind(BTreeMap::from_iter((1..).zip(weights).map(weight))).unwrap()
}

#[test]
fn an_overflow_is_refused_at_the_node_where_it_first_shows() {
    let one = tensor(&[1, 1, 1, 1], &[1.0]);
    let cases = [
        ([1e30, 1e30, 1.0, 1.0], "conv2"),
        ([1e30, 1e-30, 1e30, 1e30], "conv4"),
        // An infinity times zero: the output is NaN, but the culprit lies before.
        ([1e20, 1e20, 0.0, 1.0], "conv2"),
    ];
    for (weights, node) in cases {
        for retain in [Retain::logits(), Retain::all()] {
            let error = message(chain(weights, false).forward(&one, &retain));
            assert_eq!(error, format!("the output of node `{node}` holds NaN or infinite values"), "{weights:?}");
        }
    }
}

#[test]
fn an_overflow_that_a_ceiling_takes_away_is_none_of_the_logits() {
    let one = tensor(&[1, 1, 1, 1], &[1.0]);
    let tape = chain([1e30, 1e30, 2.0, 3.0], true).forward(&one, &Retain::logits()).unwrap();
    assert_eq!(tape.logits().unwrap(), &tensor(&[1, 1, 1, 1], &[36.0]));
}

#[test]
fn the_tape_keeps_what_was_asked_for_and_nothing_else() {
    let network = network(3, every_layer);
    let input = noise(1, &[2, 3, 9, 7]);
    let everything = network.forward(&input, &Retain::all()).unwrap();
    let relu6 = find(&network, "relu6");
    let cases = [
        (Retain::logits(), None),
        (Retain::logits().channel_sums(&[NodeId::INPUT, relu6]), None),
        (Retain::from(relu6), Some(relu6)),
        (Retain::all(), Some(NodeId::INPUT)),
    ];
    for (retain, from) in cases {
        let tape = network.forward(&input, &retain).unwrap();
        assert_eq!(tape.logits().unwrap(), everything.logits().unwrap(), "{retain:?}");
        assert_eq!(tape.input_shape(), input.shape());
        for id in network.graph().ids() {
            let name = &network.graph().node(id).name;
            assert_eq!(tape.shape(id), everything.output(id).unwrap().shape(), "{name}");
            if name == "fc" || from.is_some_and(|from| id >= from) {
                assert_eq!(tape.output(id), everything.output(id), "{name} {retain:?}");
            } else {
                assert!(tape.output(id).is_err(), "{name} is kept, which {retain:?} did not ask for");
            }
        }
    }
}

#[test]
fn positions_of_maxima_are_kept_with_the_tensors() {
    let network = network(3, every_layer);
    let input = noise(1, &[1, 3, 9, 7]);
    let pool = find(&network, "pool");
    let has_positions = |retain: &Retain| {
        let tape = network.forward(&input, retain).unwrap();
        matches!(network.site(&tape, pool).cache, Cache::Positions(_))
    };
    assert!(has_positions(&Retain::from(pool)));
    assert!(!has_positions(&Retain::from(find(&network, "depthwise"))));
    assert!(!has_positions(&Retain::logits().channel_sums(&[pool])));
}

#[test]
fn channel_sums_are_sums_and_maxima_of_each_image() {
    let network = network(3, every_layer);
    let nodes = ["input", "stem", "relu6", "means"].map(|name| find(&network, name));
    for (size, node) in [[9, 7], [5, 16], [3, 43]].into_iter().flat_map(|size| nodes.map(|node| (size, node))) {
        let input = noise(1, &[3, 3, size[0], size[1]]);
        let tape = network.forward(&input, &Retain::all().channel_sums(&nodes)).unwrap();
        let (tensor, sums) = (tape.output(node).unwrap(), tape.channel_sums(node).unwrap());
        let [n, channels, height, width] = tensor.shape() else { panic!("an image") };
        assert_eq!(sums.channels, *channels);
        assert_eq!(sums.sums.dim(), (*n, *height, *width));
        for ((image, y, x), actual) in sums.sums.indexed_iter() {
            let expected: f64 = (0..*channels).map(|c| f64::from(tensor[[image, c, y, x]])).sum();
            assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
        }
        for (image, max) in tensor.outer_iter().zip(&sums.max) {
            assert_eq!(image.iter().copied().reduce(f32::max), Some(*max));
        }
    }
    let input = noise(1, &[3, 3, 9, 7]);
    let stem = network.forward(&input, &Retain::all().channel_sums(&nodes[1..2])).unwrap();
    assert!(message(stem.channel_sums(nodes[0])).contains("channel sums"));
}

/// The largest of negative values is negative, not a zero that a search started from.
#[test]
fn the_maximum_of_negative_values_is_negative() {
    let network =
        graph(1, |graph| graph.add("relu", Relu, NodeId::INPUT)).bind(BTreeMap::<String, Tensor>::new()).unwrap();
    let input = tensor(&[2, 1, 1, 2], &[-3.0, -2.0, -5.0, -7.0]);
    let tape = network.forward(&input, &Retain::logits().channel_sums(&[NodeId::INPUT])).unwrap();
    assert_eq!(tape.channel_sums(NodeId::INPUT).unwrap().max, [-2.0, -5.0]);
}

#[test]
fn channel_sums_of_what_is_no_image_are_refused_by_name() {
    let network = network(3, every_layer);
    let retain = Retain::logits().channel_sums(&[find(&network, "flat")]);
    let error = message(network.forward(&noise(1, &[1, 3, 9, 9]), &retain));
    assert!(error.starts_with("node `flat`: a sum over channels takes a tensor of shape [n, c, h, w]"), "{error}");
}

#[test]
fn logits_of_one_image() {
    let network = network(3, every_layer);
    let tape = network.forward(&noise(1, &[2, 3, 9, 9]), &Retain::logits()).unwrap();
    for image in 0..2 {
        let expected = tape.logits().unwrap().index_axis(Axis(0), image);
        assert_eq!(tape.image_logits(image).unwrap().into_dyn(), expected);
    }
    assert!(message(tape.image_logits(2)).contains("logits [n, classes] with n > 2, not [2, 5]"));

    let image = chain([1.0; 4], false).forward(&tensor(&[1, 1, 1, 1], &[1.0]), &Retain::logits()).unwrap();
    assert!(message(image.image_logits(0)).contains("not [1, 1, 1, 1]"));
}

#[test]
fn a_batch_gives_bit_for_bit_what_its_images_give_alone() {
    let network = network(3, every_layer);
    for size in [[9, 7], [1, 1], [1, 23], [32, 32]] {
        let images = [1, 2, 3].map(|seed| noise(seed, &[1, 3, size[0], size[1]]));
        let batch = concatenate(Axis(0), &images.each_ref().map(|image| image.view())).unwrap();
        let tape = network.forward(&batch, &Retain::all().channel_sums(&[find(&network, "means")])).unwrap();
        let seed = noise(9, &[3, 5]);
        let gradient = network.gradient(&tape, seed.clone(), &[NodeId::INPUT]).unwrap().remove(&NodeId::INPUT).unwrap();
        for (index, image) in images.iter().enumerate() {
            let only = |tensor: &Tensor| tensor.slice_axis(Axis(0), Slice::from(index..=index)).to_owned();
            let alone = network.forward(image, &Retain::all().channel_sums(&[find(&network, "means")])).unwrap();
            for id in network.graph().ids() {
                let name = &network.graph().node(id).name;
                assert_eq!(bits(&only(tape.output(id).unwrap())), bits(alone.output(id).unwrap()), "{name} {size:?}");
            }
            let [together, single] = [&tape, &alone].map(|tape| tape.channel_sums(find(&network, "means")).unwrap());
            assert_eq!(together.sums.index_axis(Axis(0), index), single.sums.index_axis(Axis(0), 0), "{size:?}");
            assert_eq!(together.max[index], single.max[0]);
            let single = network.gradient(&alone, only(&seed), &[NodeId::INPUT]).unwrap();
            assert_eq!(bits(&only(&gradient)), bits(&single[&NodeId::INPUT]), "gradient {size:?}");
        }
    }
}

#[test]
fn one_thread_gives_bit_for_bit_what_several_give() {
    let network = network(3, every_layer);
    let input = noise(1, &[2, 3, 61, 47]);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| everything(&network, &input))
    };
    let single = on(1);
    assert!(single == on(2) && single == on(5));
}

#[test]
fn the_layout_of_the_input_in_memory_does_not_matter() {
    let input = noise(1, &[2, 3, 9, 7]);
    let mut columns_first = Tensor::zeros(input.raw_dim().f());
    columns_first.assign(&input);
    assert!(columns_first.as_slice().is_none());
    let whole = network(3, every_layer);
    assert_eq!(everything(&whole, &columns_first), everything(&whole, &input));
    // A first layer that reads the input where it lies.
    let conv = network(3, |graph| {
        graph.add("conv", Conv2d::new(3, 32, 3), NodeId::INPUT);
    });
    let logits = |input| bits(conv.forward(input, &Retain::logits()).unwrap().logits().unwrap());
    assert_eq!(logits(&columns_first), logits(&input));
}

#[test]
fn images_side_by_side_have_the_logits_of_their_batch() {
    let network = network(3, every_layer);
    for count in 1..=5 {
        let images = noise(1, &[count, 3, 9, 9]);
        let batch = network.forward(&images, &Retain::logits()).unwrap();
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let logits = pool.install(|| network.logits(&images)).unwrap();
            assert_eq!(bits(&logits.into_dyn()), bits(batch.logits().unwrap()), "{count} images, {threads} threads");
        }
    }
}

#[test]
fn images_side_by_side_are_refused_as_their_batch_is() {
    let network = network(3, every_layer);
    let mut images = noise(1, &[4, 3, 9, 9]);
    images[[2, 0, 0, 0]] = f32::NAN;
    for images in [images, Tensor::zeros(&[0, 3, 9, 9][..]), Tensor::zeros(&[2, 4, 9, 9][..]), Tensor::zeros(&[][..])] {
        let error = message(network.logits(&images));
        assert_eq!(error, message(network.forward(&images, &Retain::logits())), "{:?}", images.shape());
    }
    let no_classifier = message(chain([1.0; 4], false).logits(&tensor(&[1, 1, 1, 1], &[1.0])));
    assert_eq!(no_classifier, "a classifier takes logits [n, classes], not [1, 1, 1, 1]");
}

#[test]
fn an_image_is_refused_for_a_number_that_nothing_reads() {
    let strided = network(16, |graph| {
        let conv = graph.add("conv", Conv2d::new(16, 16, 1).stride(2), NodeId::INPUT);
        let pool = graph.add("pool", MaxPool2d::new(8, 8), conv);
        let flat = graph.add("flat", Flatten, pool);
        graph.add("fc", Linear::new(16, 500), flat);
    });
    let mut images = noise(1, &[4, 16, 16, 16]);
    images[[2, 0, 1, 1]] = f32::NAN;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let error = message(pool.install(|| strided.logits(&images)));
    assert_eq!(error, message(strided.forward(&images, &Retain::logits())));
}
