//! Extrapolations between the modes: which tensors, what they multiply by, and how they are written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{INPUT, classify, constants, find, network, noise_for, pooled};
use gradex_engine::layers::{Conv2d, MaxPool2d, Relu};
use gradex_engine::{GraphBuilder, NodeId, Tensor};
use gradex_saliency::extrapolate::{Scale, extrapolate};
use gradex_saliency::{CoarseMap, Explainer, Extrapolation};
use ndarray::Array3;

fn parsed(text: &str) -> Extrapolation {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn each_setting_chooses_its_tensors() {
    let network = network(3, pooled, noise_for);
    for (point, text, expected) in [
        ("pool2", "activated", &["relu1", "pool1"][..]),
        ("pool2", "activated(skip=smaller)", &["relu1", "pool1", "pool2"]),
        ("pool2", "activated(skip=never)", &["relu1", "pool1", "pool2"]),
        ("pool2", "activated(tensors=last)", &["relu1", "relu2"]),
        ("pool2", "activated(tensors=last,skip=never)", &["relu1", "relu2", "pool2"]),
        // `aux` is as large as they are, but leads nowhere.
        ("pool2", "activated(tensors=every)", &["relu1", "pool1", "relu2"]),
        ("pool2", "activated(tensors=finest)", &["relu1"]),
        ("pool2", "activated(tensors=coarsest)", &["pool1"]),
        ("pool2", "activated(tensors=coarsest,skip=never)", &["pool2"]),
        ("relu1", "activated(tensors=coarsest)", &[]),
        ("relu1", "activated(tensors=finest)", &[]),
        ("relu2", "published(skip=smaller)", &["relu1", "pool1", "aux"]),
        ("relu2", "published(skip=not-larger)", &["relu1"]),
        ("relu2", "none(skip=never)", &[]),
    ] {
        let explainer = Explainer::new(&network).extrapolation(parsed(text));
        let chosen = explainer.excitations(&[1, 3, 12, 10], find(&network, point)).unwrap();
        let name = |id: &NodeId| network.graph().node(*id).name.clone();
        assert_eq!(chosen.iter().map(name).collect::<Vec<_>>(), expected, "{text} at {point}");
    }
}

/// What a map that is 1 everywhere becomes over one tensor of these values.
fn gains(text: &str, excitation: [f32; 16]) -> Vec<f32> {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("conv1", Conv2d::new(1, 1, 1), INPUT);
        let x = graph.add("relu1", Relu, x);
        let x = graph.add("pool", MaxPool2d::new(2, 2), x);
        classify(graph, 1, 2, x);
    };
    let network = network(1, add_nodes, constants(&[("conv1.weight", 1.0)]));
    let point = find(&network, "pool");
    let explainer = Explainer::new(&network).point(point).extrapolation(parsed(text));
    let tape = explainer.forward(&Tensor::from_shape_vec(&[1, 1, 4, 4][..], excitation.to_vec()).unwrap()).unwrap();
    let excitations = explainer.excitations(tape.input_shape(), point).unwrap();
    assert_eq!(excitations, [find(&network, "relu1")]);
    let ones = CoarseMap { point, values: Array3::ones((1, 2, 2)), reason: None, note: None };
    extrapolate(parsed(text), &ones, &tape, 0, &excitations).unwrap().values.into_iter().collect()
}

#[test]
fn scale_and_power_shape_the_factor() {
    let excitation: [f32; 16] = std::array::from_fn(|place| (place as f32 + 1.0).powi(3));
    let mean = excitation.iter().sum::<f32>() / 16.0;
    let cases: [(&str, &dyn Fn(usize) -> f32); 8] = [
        ("activated", &|place| excitation[place]),
        ("activated(power=0.5)", &|place| excitation[place].sqrt()),
        ("activated(power=2)", &|place| excitation[place].powi(2)),
        ("activated(scale=min-max,power=2)", &|place| (excitation[place] - 1.0).powi(2)),
        ("activated(scale=rank)", &|place| place as f32),
        ("activated(scale=rank,power=2)", &|place| (place as f32 + 0.5).powi(2)),
        ("activated(scale=saturating)", &|place| excitation[place] / (excitation[place] + mean)),
        ("activated(scale=tensor)", &|place| excitation[place]),
    ];
    for (text, formula) in cases {
        let [low, high] = [formula(0), formula(15)];
        for (place, found) in gains(text, excitation).into_iter().enumerate() {
            let expected = (formula(place) - low) / (high - low);
            assert!((found - expected).abs() < 1e-5, "{text} at {place}: {found}, expected {expected}");
        }
    }
}

/// One standard deviation above the mean and more is 1, one below and less is 0.
#[test]
fn the_finish_may_clip_a_score() {
    let excitation: [f32; 16] = std::array::from_fn(|place| place as f32);
    let found = gains("activated(finish=score)", excitation);
    let deviation = (excitation.iter().map(|value| (value - 7.5).powi(2)).sum::<f32>() / 15.0).sqrt();
    for (value, found) in excitation.into_iter().zip(found) {
        let expected = (((value - 7.5) / deviation).clamp(-1.0, 1.0) + 1.0) / 2.0;
        assert!((found - expected).abs() < 1e-5, "{value}: {found}, expected {expected}");
    }
}

#[test]
fn texts_are_read_as_they_are_written() {
    for (text, written) in [
        ("activated", "activated"),
        (" activated( power = 0.5 , tensors=last ) ", "activated(tensors=last,power=0.5)"),
        ("activated(power=1)", "activated"),
        ("published(skip=not-larger)", "published(skip=not-larger)"),
        ("activated(tensors=none)", "none"),
        ("none(tensors=first)", "activated"),
        ("activated(scale=min-max)", "activated(scale=min-max)"),
    ] {
        assert_eq!(parsed(text).to_string(), written, "{text}");
        assert_eq!(parsed(written), parsed(text), "{text}");
    }
    let settings = "activated(tensors=strided,skip=never,scale=tensor,evidence=signed,finish=score)";
    assert_eq!(parsed(settings), Extrapolation::PUBLISHED);
    assert_eq!(parsed("activated(scale=rank)"), Extrapolation { scale: Scale::Rank, ..Extrapolation::ACTIVATED });
}

#[test]
fn texts_that_mean_nothing_are_answered() {
    for (text, said) in [
        ("more", "there are: activated, published, none"),
        ("activated(power=0.5", "a `)` is missing"),
        ("activated(power)", "`power` is not written NAME=VALUE"),
        ("activated()", "is not written NAME=VALUE"),
        ("activated(power=0)", "`0` is no number above 0"),
        ("activated(power=inf)", "`inf` is no number above 0"),
        ("activated(powers=1)", "there are: tensors, skip, scale, power, evidence, finish"),
        ("activated(tensors=deep)", "`deep` is none of none, first, last, every"),
    ] {
        let error = text.parse::<Extrapolation>().unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    for (setting, values) in Extrapolation::forms() {
        for value in values.split(", ").filter(|value| !value.contains(' ')) {
            parsed(&format!("activated({setting}={value})"));
        }
    }
}
