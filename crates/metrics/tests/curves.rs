//! Deletion and insertion on models whose curves are known.
#![allow(clippy::unwrap_used)]

mod common;

use std::cell::RefCell;

use common::{contributions, dot, each, linear, noise};
use gradex_engine::layers::{AdaptiveAvgPool2d, Flatten, Linear};
use gradex_engine::{GraphBuilder, NodeId, Tensor};
use gradex_metrics::{Curve, Deletion, Error, Insertion, Probability, Scorer, hottest_first};
use gradex_saliency::methods::Baseline;
use ndarray::{Array2, Array3, arr2};

const SHAPE: [usize; 3] = [3, 4, 5];

/// A linear model, an image, what each pixel adds, and these sums hottest first.
fn case() -> (Array3<f32>, Array3<f32>, Array2<f32>, Vec<f64>) {
    let (weight, image) = (noise(1, SHAPE), noise(2, SHAPE));
    let map = contributions(&weight, &image);
    let mut sorted: Vec<f64> = map.iter().map(|value| f64::from(*value)).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    (weight, image, map, sorted)
}

fn assert_near(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((actual - expected).abs() < 1e-5, "{actual} {expected}");
    }
}

#[test]
fn deletion_of_a_linear_model_takes_away_the_largest_terms_first() {
    let (weight, image, map, sorted) = case();
    let deletion = Deletion { steps: 20, ..Deletion::default() };
    let curve = deletion.curve(&linear(weight), image.view(), map.view()).unwrap();
    let expected: Vec<f64> = (0..=20).map(|gone| sorted[gone..].iter().sum()).collect();
    assert_near(&curve.scores, &expected);
    let area = expected.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0 / 20.0).sum();
    assert_near(&[curve.area()], &[area]);
    assert_eq!((curve.fractions[0], curve.fractions[5], curve.fractions[20]), (0.0, 0.25, 1.0));
}

#[test]
fn insertion_of_a_linear_model_adds_the_largest_terms_first() {
    let (weight, image, map, sorted) = case();
    let insertion = Insertion { baseline: Baseline::Zero, steps: 20, ..Insertion::default() };
    let curve = insertion.curve(&linear(weight), image.view(), map.view()).unwrap();
    assert_near(&curve.scores, &(0..=20).map(|seen| sorted[..seen].iter().sum()).collect::<Vec<f64>>());
}

#[test]
fn no_map_is_better_than_the_right_one() {
    let (weight, image, map, _) = case();
    let area = |map: &Array2<f32>| {
        let scorer = linear(weight.clone());
        let insertion = Insertion { baseline: Baseline::Zero, ..Insertion::default() };
        let curve = |curve: Result<Curve, Error>| curve.unwrap().area();
        [
            curve(Deletion::default().curve(&scorer, image.view(), map.view())),
            curve(insertion.curve(&scorer, image.view(), map.view())),
        ]
    };
    let [deletion, insertion] = area(&map);
    for seed in 10..60 {
        let [other_deletion, other_insertion] = area(&noise(seed, [1, 4, 5]).index_axis_move(ndarray::Axis(0), 0));
        assert!(deletion < other_deletion && other_insertion < insertion, "{seed}");
    }
}

#[test]
fn curves_begin_and_end_at_image_and_baseline() {
    let (weight, image, map, _) = case();
    let blurred = Baseline::Blur(10.0).of("test", image.view()).unwrap();
    let insertion = Insertion::default().curve(&linear(weight.clone()), image.view(), map.view()).unwrap();
    let ends = [insertion.scores[0], insertion.scores[16]];
    assert_near(&ends, &[dot(&weight, blurred.view()), dot(&weight, image.view())]);
    let deletion = Deletion::default().curve(&linear(weight.clone()), image.view(), map.view()).unwrap();
    assert_near(&[deletion.scores[0], deletion.scores[16]], &[dot(&weight, image.view()), 0.0]);
}

#[test]
fn steps_exchange_even_shares_and_batches_do_not_matter() {
    // The score is the share of pixels that are gone.
    let count = each(|image| image.iter().filter(|x| **x == 0.0).count() as f64 / 60.0);
    let (image, map) = (Array3::ones(SHAPE), noise(3, [1, 4, 5]).index_axis_move(ndarray::Axis(0), 0));
    let of = |steps, batch| {
        let deletion = Deletion { steps, batch, ..Deletion::default() };
        deletion.curve(&count, image.view(), map.view()).unwrap()
    };
    assert_near(&of(4, 8).scores, &[0.0, 0.25, 0.5, 0.75, 1.0]);
    // Of 20 pixels 20/3 are 7 and 40/3 are 13.
    assert_near(&of(3, 8).scores, &[0.0, 0.35, 0.65, 1.0]);
    assert_near(&of(1, 8).scores, &[0.0, 1.0]);
    for batch in [1, 2, 7, 100] {
        assert_eq!(of(9, batch), of(9, 8));
    }
}

#[test]
fn no_more_images_than_asked_for_are_sent_at_once() {
    let sent = RefCell::new(Vec::new());
    let scorer = |images: &Tensor| {
        sent.borrow_mut().push(images.shape()[0]);
        Ok(vec![0.0; images.shape()[0]])
    };
    let deletion = Deletion { steps: 9, batch: 4, ..Deletion::default() };
    deletion.curve(&scorer, noise(1, SHAPE).view(), Array2::zeros((4, 5)).view()).unwrap();
    assert_eq!(*sent.borrow(), [4, 4, 2]);
}

#[test]
fn the_hottest_come_first_and_ties_follow_no_direction() {
    assert_eq!(hottest_first(arr2(&[[0.1, -3.0], [7.0, 0.2]]).view()).unwrap(), [2, 3, 0, 1]);
    let flat = hottest_first(Array2::zeros((30, 30)).view()).unwrap();
    let mean = |places: &[usize]| places.iter().sum::<usize>() as f64 / places.len() as f64;
    assert!((mean(&flat[..450]) - mean(&flat[450..])).abs() < 60.0);
    let signed_zeros = Array2::from_shape_fn((30, 30), |(y, _)| if y < 15 { 0.0 } else { -0.0 });
    assert_eq!(hottest_first(signed_zeros.view()).unwrap(), flat);
}

#[test]
fn probability_is_the_softmax_of_the_networks_logits() {
    let mut builder = GraphBuilder::new(1);
    let mean = builder.add("mean", AdaptiveAvgPool2d::new(1), NodeId::INPUT);
    let flat = builder.add("flat", Flatten, mean);
    builder.add("fc", Linear::new(1, 3), flat);
    let tensor = |shape: &[usize], values: &[f32]| Tensor::from_shape_vec(shape, values.to_vec()).unwrap();
    let state = [("fc.weight", tensor(&[3, 1], &[1.0, 2.0, 0.0])), ("fc.bias", tensor(&[3], &[0.0, 0.5, 0.0]))];
    let network = builder.finish().unwrap().bind(state.map(|(name, value)| (name.to_owned(), value)).into()).unwrap();
    let images = tensor(&[2, 1, 1, 2], &[0.0, 0.0, 1.0, 3.0]);
    let scores = Probability { network: &network, class: 1 }.scores(&images).unwrap();
    let softmax = |logits: [f64; 3]| logits[1].exp() / logits.iter().map(|logit| logit.exp()).sum::<f64>();
    assert_near(&scores, &[softmax([0.0, 0.5, 0.0]), softmax([2.0, 4.5, 0.0])]);
    let error = Probability { network: &network, class: 3 }.scores(&images).unwrap_err();
    assert!(error.to_string().contains("no class 3"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (image, map) = (noise(1, SHAPE), Array2::<f32>::zeros((4, 5)));
    let zero = |images: &Tensor| Ok(vec![0.0; images.shape()[0]]);
    let deletion = Deletion::default();
    let refused = |deletion: &Deletion, map: &Array2<f32>| deletion.curve(&zero, image.view(), map.view()).unwrap_err();
    assert!(matches!(refused(&deletion, &Array2::zeros((5, 4))), Error::Size { .. }));
    assert!(matches!(refused(&deletion, &Array2::from_elem((4, 5), f32::NAN)), Error::NonFinite { .. }));
    for (steps, batch) in [(0, 8), (21, 8), (4, 0)] {
        let error = refused(&Deletion { steps, batch, ..deletion.clone() }, &map);
        assert!(matches!(error, Error::Setting { .. }), "{error}");
    }
    let of = |scorer: &dyn Fn(&Tensor) -> gradex_metrics::Result<Vec<f64>>| {
        deletion.curve(&scorer, image.view(), map.view()).unwrap_err()
    };
    assert!(matches!(of(&|_| Ok(vec![0.0])), Error::Scores { images: 8, scores: 1 }));
    assert!(matches!(of(&|images| Ok(vec![f64::NAN; images.shape()[0]])), Error::NonFinite { .. }));
    assert!(matches!(of(&|_| Err(Error::Stopped)), Error::Stopped));
}
