//! PRISM: three principal components as colours, whatever the order of channels or pixels and the sign that a solver finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{INPUT, attribute, check_heatmap, explain, find, network, noise, noise_for, pooled, tape, tensor};
use gradex_engine::Tensor;
use gradex_saliency::methods::{EigenCam, Prism};
use gradex_saliency::{Explainer, Extrapolation, Reason, Target};
use ndarray::{Array2, Array3, ArrayView1, Axis};

/// The components of an image, taken at the input of a network that takes as many channels.
fn components(image: &Tensor) -> (Array3<f32>, Option<Reason>) {
    let channels = image.shape()[1];
    let network = network(channels, |graph| crate::common::classify(graph, channels, 2, INPUT), noise_for);
    let mut maps = attribute(&network, &tape(&network, image), Prism, INPUT, &[Target::Class(0)]).unwrap();
    let map = maps.remove(0);
    (map.values, map.reason)
}

fn assert_same(actual: &Array3<f32>, expected: &Array3<f32>, what: &str) {
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((actual - expected).abs() <= 1e-5 * largest, "{what}: {actual} {expected}");
    }
}

#[test]
fn components_are_uncorrelated_have_mean_zero_and_carry_what_varies_most() {
    // More channels than pixels, and fewer.
    for shape in [[1, 7, 6, 5], [1, 40, 3, 4]] {
        let image = noise(3, &shape);
        let (maps, _) = components(&image);
        let rows: Vec<Vec<f64>> =
            maps.outer_iter().map(|map| map.iter().map(|value| f64::from(*value)).collect()).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let energy: Vec<f64> = rows.iter().map(|row| dot(row, row)).collect();
        assert!(energy[0] > energy[1] && energy[1] > energy[2] && energy[2] > 0.0, "{energy:?}");
        for (index, row) in rows.iter().enumerate() {
            assert!(row.iter().sum::<f64>().abs() < 1e-5, "{shape:?}");
            rows[..index].iter().for_each(|other| assert!(dot(row, other).abs() < 1e-5 * energy[0], "{shape:?}"));
        }
        // No direction in the space of channels varies more than the first component.
        let x = image.index_axis(Axis(0), 0).mapv(f64::from).into_dimensionality::<ndarray::Ix3>().unwrap();
        for seed in 0..50 {
            let direction = noise(seed, &[shape[1]]).mapv(f64::from);
            let norm = dot(&direction.iter().copied().collect::<Vec<_>>(), direction.as_slice().unwrap()).sqrt();
            let add = |sum: Array2<f64>, (plane, weight): (_, &f64)| sum + &(&plane * (weight / norm));
            let projection = x.outer_iter().zip(&direction).fold(Array2::zeros((shape[2], shape[3])), add);
            let mean = projection.mean().unwrap();
            assert!(projection.iter().map(|value| (value - mean).powi(2)).sum::<f64>() <= energy[0]);
        }
    }
}

#[test]
fn neither_the_order_of_channels_nor_of_pixels_matters() {
    for (channels, height, width) in [(7, 6, 5), (40, 3, 4)] {
        let image = noise(3, &[1, channels, height, width]);
        let (expected, _) = components(&image);
        let reversed = |axis: usize, tensor: &Tensor| {
            let mut tensor = tensor.clone();
            tensor.invert_axis(Axis(axis));
            tensor.as_standard_layout().into_owned()
        };
        assert_same(&components(&reversed(1, &image)).0, &expected, "channels reversed");
        let mut mirrored = expected.clone();
        mirrored.invert_axis(Axis(2));
        assert_same(&components(&reversed(3, &image)).0, &mirrored, "mirrored");
        assert_same(&components(&(&image + 5.0)).0, &expected, "a constant added");
        assert_same(&components(&(&image * 3.0)).0, &(expected * 3.0), "scaled");
    }
}

#[test]
fn signs_follow_the_mean_activation() {
    // Two channels that rise together, and their negative: the component follows their mean both times.
    let image = tensor(&[1, 2, 1, 4], &[0.0, 1.0, 2.0, 3.0, 0.0, 2.0, 4.0, 6.0]);
    let expected = ArrayView1::from(&[-1.5, -0.5, 0.5, 1.5]).mapv(|value: f32| value * 5f32.sqrt());
    for (image, sign) in [(image.clone(), 1.0), (-image, -1.0)] {
        let (maps, _) = components(&image);
        for (actual, expected) in maps.index_axis(Axis(0), 0).iter().zip(&expected) {
            assert!((actual - sign * expected).abs() < 1e-5, "{maps}");
        }
        assert!(maps.index_axis(Axis(0), 1).iter().all(|value| *value == 0.0), "a second component of one direction");
    }
    // Where the mean says nothing, the largest pixel is positive.
    let opposed = tensor(&[1, 2, 1, 4], &[0.0, 1.0, 0.0, 3.0, 0.0, -1.0, 0.0, -3.0]);
    assert!(components(&opposed).0[[0, 0, 3]] > 1.0);
    assert!(components(&-opposed).0[[0, 0, 3]] > 1.0);
}

#[test]
fn what_does_not_vary_is_blank_and_says_so() {
    assert_eq!(components(&Tensor::zeros(&[1, 4, 3, 3][..])).1, Some(Reason::SilentPoint));
    for (shape, value) in [([1, 4, 3, 3], 0.1), ([1, 4, 1, 1], 7.3), ([1, 30, 3, 3], 1e30)] {
        let (maps, reason) = components(&Tensor::from_elem(&shape[..], value));
        assert!(maps.iter().all(|value| *value == 0.0) && reason == Some(Reason::Constant), "{maps}");
    }
}

#[test]
fn prism_is_extrapolated_and_eigen_cam_is_its_first_component() {
    let network = network(3, pooled, noise_for);
    let input = noise(7, &[1, 3, 24, 20]);
    for mode in Extrapolation::ALL {
        let explainer = Explainer::new(&network).method(Prism).extrapolation(mode);
        let explanation = explain(&explainer, &input, &[0]).remove(0);
        assert_eq!(explanation.coarse.values.dim(), (3, 12, 10));
        assert_eq!(explanation.fine.values.dim(), (3, 24, 20));
        check_heatmap(&explanation.fine, &input, &mode.to_string());
        let other = explain(&explainer, &input, &[4]).remove(0);
        assert_eq!(explanation.coarse, other.coarse, "the same for all classes");
    }
    for point in ["relu2", "pool2", "relu1"].map(|name| find(&network, name)) {
        let tape = tape(&network, &input);
        let of = |map: Vec<gradex_saliency::CoarseMap>| map[0].map().to_owned();
        let prism = of(attribute(&network, &tape, Prism, point, &[Target::Class(0)]).unwrap());
        assert_eq!(prism, of(attribute(&network, &tape, EigenCam, point, &[Target::Class(0)]).unwrap()));
    }
}
