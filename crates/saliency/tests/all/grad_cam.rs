//! Grad-CAM by hand, and what may be asked of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{INPUT, explain, find, network, noise, noise_for, pooled, tensor};
use gradex_engine::layers::{Conv2d, Flatten, Linear, MaxPool2d, Relu, Softmax};
use gradex_engine::{GraphBuilder, Network, Retain, Tensor};
use gradex_saliency::{Error, Explainer, Extrapolation, Target};
use ndarray::{Axis, array, concatenate};

/// Two channels of 2x2 pixels through a rectifier, and two classes that read every pixel.
fn two_channels() -> Network {
    let add_nodes = |graph: &mut GraphBuilder| {
        let pre = graph.add("pre", MaxPool2d::new(1, 1), INPUT);
        let relu = graph.add("relu", Relu, pre);
        let flat = graph.add("flat", Flatten, relu);
        let fc = graph.add("fc", Linear { bias: false, ..Linear::new(8, 2) }, flat);
        graph.add("probabilities", Softmax, fc);
    };
    // The channels' means: 1 and -1 for the first class, -1 and 2 for the second.
    let weight = [2.0, 0.0, -1.0, 3.0, -4.0, 0.0, 0.0, 0.0, 0.0, -4.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0];
    network(2, add_nodes, |_, parameter| tensor(&parameter.shape, &weight))
}

fn two_channel_image() -> Tensor {
    tensor(&[1, 2, 2, 2], &[1.0, 2.0, 3.0, 4.0, -1.0, 0.0, 2.0, 1.0])
}

#[test]
fn two_channels_by_hand() {
    let network = two_channels();
    let (input, relu) = (two_channel_image(), find(&network, "relu"));
    for (point, class, expected) in [
        // x0 - x1 and 2 x1 - x0 of the rectified image, where positive.
        (relu, 0, array![[1.0, 2.0], [1.0, 3.0]]),
        (relu, 1, array![[0.0, 0.0], [1.0, 0.0]]),
        // Before the rectifier the second channel's gradient is cut to its lower row: means 0, and 4/4; the raw image.
        (find(&network, "pre"), 0, array![[1.0, 2.0], [3.0, 4.0]]),
        (find(&network, "pre"), 1, array![[0.0, 0.0], [0.0, 0.0]]),
        // A max-pool of one pixel changes neither.
        (INPUT, 0, array![[1.0, 2.0], [3.0, 4.0]]),
    ] {
        let explainer = Explainer::new(&network).point(point);
        let coarse = &explain(&explainer, &input, &[class])[0].coarse;
        assert_eq!((coarse.point, coarse.map()), (point, expected.view()), "point {} class {class}", point.index());
    }
}

#[test]
fn classes_over_one_tape_do_not_change_each_other() {
    let network = network(3, pooled, noise_for);
    let input = noise(7, &[1, 3, 12, 10]);
    for mode in Extrapolation::ALL {
        let explainer = Explainer::new(&network).extrapolation(mode);
        let tape = explainer.forward(&input).unwrap();
        let maps = |classes: [usize; 5]| {
            let mut maps = classes.map(|class| {
                let explanation = explainer.explain(&tape, &[class]).unwrap().remove(0);
                assert!(matches!(explanation.target, Target::Class(explained) if explained == class));
                (class, explanation.coarse, explanation.fine)
            });
            maps.sort_by_key(|(class, ..)| *class);
            maps
        };
        let forwards = maps([0, 1, 2, 3, 4]);
        assert_eq!(forwards, maps([3, 1, 4, 0, 2]), "{mode}");
        assert_eq!(forwards[2].1, explain(&explainer, &input, &[2])[0].coarse, "a tape of its own, {mode}");
        assert!(forwards.iter().any(|(_, coarse, _)| coarse.values != forwards[0].1.values), "{mode}");
    }
}

#[test]
fn an_image_of_a_batch_is_explained_as_it_is_alone() {
    let network = network(3, pooled, noise_for);
    // Of very different ranges: a maximum or a mean over the batch would show.
    let images = [(1, 1.0), (2, 100.0), (3, 0.01)].map(|(seed, scale)| noise(seed, &[1, 3, 12, 10]) * scale);
    let batch = concatenate(Axis(0), &images.each_ref().map(|image| image.view())).unwrap();
    let classes = [4, 1, 2];
    for point in ["relu2", "relu1", "pool2", "input"] {
        for mode in Extrapolation::ALL {
            let explainer = Explainer::new(&network).point(find(&network, point)).extrapolation(mode);
            let together = explain(&explainer, &batch, &classes);
            assert_eq!(together.len(), 3);
            for (index, ((image, class), actual)) in images.iter().zip(classes).zip(&together).enumerate() {
                let alone = explain(&explainer, image, &[class]).remove(0);
                assert_eq!(
                    (actual.image, &actual.coarse, &actual.fine),
                    (index, &alone.coarse, &alone.fine),
                    "{point} {mode}"
                );
            }
        }
    }
}

#[test]
fn classes_that_do_not_fit_are_refused() {
    let network = network(3, pooled, noise_for);
    let explainer = Explainer::new(&network);
    let tape = explainer.forward(&noise(1, &[2, 3, 8, 8])).unwrap();
    let refused = |classes: &[usize]| explainer.explain(&tape, classes).unwrap_err();
    assert_eq!(refused(&[0, 5]), Error::NoSuchClass { class: 5, classes: 5 });
    assert_eq!(refused(&[usize::MAX, 0]), Error::NoSuchClass { class: usize::MAX, classes: 5 });
    for classes in [&[][..], &[0], &[0, 1, 2]] {
        assert_eq!(refused(classes), Error::TargetsPerImage { images: 2, targets: classes.len() });
    }
    assert_eq!(refused(&[0, 5]).to_string(), "there is no class 5: the network has classes 0 to 4");
    assert_eq!(refused(&[0]).to_string(), "1 targets for 2 images; give one for each image");
}

#[test]
fn points_without_a_map_are_refused_by_name() {
    let network = network(3, pooled, noise_for);
    let input = noise(1, &[1, 3, 8, 8]);
    for (name, shape) in [("fc", vec![1, 5]), ("flat", vec![1, 8])] {
        let point = find(&network, name);
        let error = Explainer::new(&network).point(point).forward(&input).unwrap_err();
        assert_eq!(error, Error::NotAnImage { point: name.to_owned(), shape });
        let tape = network.forward(&input, &Retain::all()).unwrap();
        assert_eq!(Explainer::new(&network).point(point).explain(&tape, &[0]).unwrap_err(), error);
    }
    let explainer = Explainer::new(&network).point(find(&network, "aux"));
    let tape = explainer.forward(&input).unwrap();
    assert_eq!(explainer.explain(&tape, &[0]).unwrap_err(), Error::Unrelated { point: "aux".to_owned() });
}

#[test]
fn a_network_whose_logits_are_no_list_of_classes_is_an_error() {
    let network = network(3, |graph| graph.add("conv", Conv2d::new(3, 5, 1), INPUT), noise_for);
    let explainer = Explainer::new(&network).point(INPUT);
    let tape = explainer.forward(&noise(1, &[1, 3, 4, 4])).unwrap();
    let error = explainer.explain(&tape, &[2]).unwrap_err().to_string();
    assert!(error.contains("[1, 5, 4, 4]"), "{error}");
}

#[test]
fn a_tape_that_another_explainer_made_is_an_error_where_it_lacks_something() {
    let network = network(3, pooled, noise_for);
    let input = noise(1, &[1, 3, 8, 8]);
    let explainer = |point: &str, mode| Explainer::new(&network).point(find(&network, point)).extrapolation(mode);
    let [activated, published, none] = Extrapolation::ALL;
    let ask = |asked: Explainer<'_>, made: Explainer<'_>| {
        asked.explain(&made.forward(&input).unwrap(), &[0]).map_err(|error| error.to_string())
    };
    for (asked, made, lacks) in [
        (explainer("relu2", activated), explainer("relu2", none), "channel sums"),
        (explainer("relu2", published), explainer("relu2", activated), "channel sums"),
        (explainer("relu1", none), explainer("relu2", none), "output"),
    ] {
        let error = ask(asked, made).unwrap_err();
        assert!(error.contains("the tape does not hold") && error.contains(lacks), "{error}");
    }
    assert!(ask(explainer("relu2", none), explainer("relu1", published)).is_ok());
}

#[test]
fn a_tape_of_another_network_is_an_error() {
    let (small, large) = (two_channels(), network(3, pooled, noise_for));
    let image = noise(1, &[1, 3, 8, 8]);
    let small_tape = Explainer::new(&small).forward(&two_channel_image()).unwrap();
    let large_tape = Explainer::new(&large).forward(&image).unwrap();
    for mode in Extrapolation::ALL {
        assert!(Explainer::new(&large).extrapolation(mode).explain(&small_tape, &[0]).is_err(), "{mode}");
        assert!(Explainer::new(&small).extrapolation(mode).explain(&large_tape, &[0]).is_err(), "{mode}");
    }
}

#[test]
fn a_point_of_another_network_is_an_error() {
    let (small, large) = (two_channels(), network(3, pooled, noise_for));
    for mode in Extrapolation::ALL {
        let explainer = Explainer::new(&small).point(find(&large, "fc")).extrapolation(mode);
        assert!(explainer.forward(&two_channel_image()).is_err(), "{mode}");
    }
    let explainer = Explainer::new(&small).point(find(&large, "fc"));
    assert!(explainer.excitations(two_channel_image().shape(), find(&large, "fc")).is_err());
}

#[test]
fn a_gradient_that_overflows_is_an_error() {
    // Logits that cancel, of gradients that do not: 1e38 * 100 a channel.
    let add_nodes = |graph: &mut GraphBuilder| {
        let pool = graph.add("pool", MaxPool2d::new(1, 1), INPUT);
        let scale = graph.add("scale", Conv2d::new(1, 1, 1).no_bias(), pool);
        let flat = graph.add("flat", Flatten, scale);
        graph.add("fc", Linear { bias: false, ..Linear::new(1, 1) }, flat);
    };
    let network = network(1, add_nodes, |_, parameter| Tensor::from_elem(&parameter.shape[..], 1e30));
    let explainer = Explainer::new(&network).point(find(&network, "pool"));
    let tape = explainer.forward(&tensor(&[1, 1, 1, 1], &[1e-30])).unwrap();
    let error = explainer.explain(&tape, &[0]).unwrap_err().to_string();
    assert!(error.contains("gradient sent back by node `scale`"), "{error}");
}
