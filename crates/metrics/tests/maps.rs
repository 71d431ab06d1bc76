//! What is measured on maps alone: localisation, complexity, robustness, baselines.
#![allow(clippy::unwrap_used)]

mod common;

use common::noise;
use gradex_metrics::{
    Error, MaxSensitivity, baselines, energy, entropy, gini, grid_pointing_game, iou, montage, pointing_game,
};
use ndarray::{Array2, Array3, Axis, arr2, s};

fn box_mask(size: (usize, usize), rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Array2<bool> {
    Array2::from_shape_fn(size, |(y, x)| rows.contains(&y) && columns.contains(&x))
}

fn spot(size: (usize, usize), at: (usize, usize)) -> Array2<f32> {
    Array2::from_shape_fn(size, |place| if place == at { 1.0 } else { 0.0 })
}

#[test]
fn pointing_hits_within_the_tolerance_and_takes_the_first_maximum() {
    let mask = box_mask((60, 60), 30..40, 30..40);
    let hit = |at, tolerance| pointing_game(spot((60, 60), at).view(), mask.view(), tolerance).unwrap();
    assert!(hit((35, 35), 0.0) && hit((39, 30), 0.0) && !hit((40, 30), 0.0));
    assert!(hit((15, 35), 15.0) && !hit((14, 35), 15.0));
    // From (21, 18) to (30, 30) it is 9, 12: 15.
    assert!(hit((21, 18), 15.0) && !hit((20, 18), 15.0));
    let flat = Array2::ones((60, 60));
    assert!(!pointing_game(flat.view(), mask.view(), 15.0).unwrap(), "the first maximum is the corner");
}

#[test]
fn energy_is_the_share_of_the_positive_part() {
    let map = arr2(&[[1.0, 2.0], [-5.0, 1.0]]);
    let mask = arr2(&[[false, true], [true, false]]);
    assert_eq!(energy(map.view(), mask.view()).unwrap(), Some(0.5));
    assert_eq!(energy((-&map.mapv(f32::abs)).view(), mask.view()).unwrap(), None);
}

#[test]
fn iou_is_that_of_the_thresholded_map() {
    let map = arr2(&[[1.0, 0.5], [0.2, 0.1]]);
    let mask = arr2(&[[true, false], [true, false]]);
    for (threshold, expected) in [(1.0, 1.0 / 2.0), (0.5, 1.0 / 3.0), (0.2, 2.0 / 3.0), (0.1, 2.0 / 4.0)] {
        assert_eq!(iou(map.view(), mask.view(), threshold).unwrap(), Some(expected), "{threshold}");
    }
    assert_eq!(iou(Array2::zeros((2, 2)).view(), mask.view(), 0.5).unwrap(), None);
    for threshold in [0.0, 1.5, f32::NAN] {
        assert!(matches!(iou(map.view(), mask.view(), threshold), Err(Error::Setting { .. })));
    }
}

#[test]
fn an_empty_mask_is_an_error_and_never_a_hit() {
    let (map, empty) = (Array2::ones((4, 4)), box_mask((4, 4), 0..0, 0..0));
    assert_eq!(pointing_game(map.view(), empty.view(), 15.0), Err(Error::EmptyMask));
    assert_eq!(energy(map.view(), empty.view()), Err(Error::EmptyMask));
    assert_eq!(iou(map.view(), empty.view(), 0.5), Err(Error::EmptyMask));
    let other = box_mask((4, 5), 0..1, 0..1);
    assert!(matches!(energy(map.view(), other.view()), Err(Error::Size { .. })));
    let nan = Array2::from_elem((4, 4), f32::NAN);
    assert!(matches!(energy(nan.view(), box_mask((4, 4), 0..1, 0..1).view()), Err(Error::NonFinite { .. })));
}

#[test]
fn a_grid_is_laid_out_row_by_row_and_scored_by_cells() {
    let images: Vec<Array3<f32>> = (0..9).map(|cell| Array3::from_elem((2, 3, 4), cell as f32)).collect();
    for side in [1, 2, 3] {
        let views: Vec<_> = images[..side * side].iter().map(|image| image.view()).collect();
        let grid = montage(&views, side).unwrap();
        assert_eq!(grid.dim(), (2, 3 * side, 4 * side));
        for (cell, image) in images[..side * side].iter().enumerate() {
            let (top, left) = (cell / side * 3, cell % side * 4);
            assert_eq!(grid.slice(s![.., top..top + 3, left..left + 4]), image);
            // Cell k has 3 · 4 pixels of k + 1.
            let map = grid.index_axis(Axis(0), 0).mapv(|value| value + 1.0);
            let (count, of_cell) = (side * side, cell as f64 + 1.0);
            let expected = of_cell / (count * (count + 1) / 2) as f64;
            let found = grid_pointing_game(map.view(), side, cell).unwrap().unwrap();
            assert!((found - expected).abs() < 1e-12, "{side} {cell}: {found} {expected}");
        }
    }
    let views: Vec<_> = images.iter().map(|image| image.view()).collect();
    assert!(matches!(montage(&views, 2), Err(Error::Setting { .. })));
    let odd = Array3::zeros((2, 3, 3));
    assert!(matches!(montage(&[views[0], views[1], views[2], odd.view()], 2), Err(Error::Size { .. })));
    let map = Array2::ones((4, 4));
    for (side, cell) in [(0, 0), (3, 0), (2, 4)] {
        assert!(matches!(grid_pointing_game(map.view(), side, cell), Err(Error::Setting { .. })), "{side} {cell}");
    }
    assert_eq!(grid_pointing_game(Array2::zeros((4, 4)).view(), 2, 0).unwrap(), None);
}

#[test]
fn gini_and_entropy_of_even_and_of_single_pixels() {
    let (even, single) = (Array2::from_elem((4, 5), -3.0), spot((4, 5), (2, 2)));
    let near =
        |value: Option<f64>, expected: f64| assert!((value.unwrap() - expected).abs() < 1e-12, "{value:?} {expected}");
    near(gini(even.view()), 0.0);
    near(gini(single.view()), 1.0 - 1.0 / 20.0);
    // Of 1, 3: 1 - 2 (1/4 · 3/4 + 3/4 · 1/4).
    near(gini(arr2(&[[1.0, -3.0]]).view()), 0.25);
    near(entropy(even.view()), 20f64.ln());
    near(entropy(single.view()), 0.0);
    near(entropy(arr2(&[[1.0, -3.0]]).view()), 0.25 * 4f64.ln() + 0.75 * (4.0 / 3.0f64).ln());
    let zero = Array2::zeros((2, 2));
    assert_eq!((gini(zero.view()), entropy(zero.view())), (None, None));
    let infinite = arr2(&[[f32::INFINITY, 1.0]]);
    assert_eq!((gini(infinite.view()), entropy(infinite.view())), (None, None));
}

#[test]
fn sensitivity_of_a_linear_map_is_that_of_its_input() {
    let image = noise(1, [1, 6, 7]);
    let sensitivity = MaxSensitivity { samples: 5, radius: 0.1, seed: 3 };
    let first = |image: &Array3<f32>| image.index_axis(Axis(0), 0).to_owned();
    let norm = |map: &Array2<f32>| map.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let found =
        sensitivity.of(image.view(), first(&image).view(), |changed| Ok(first(changed) * 1.0)).unwrap().unwrap();
    let moves = (0..5).map(|sample| norm(&(first(&sensitivity.changed(image.view(), sample)) - first(&image))));
    let expected = moves.fold(0.0, f64::max) / norm(&first(&image));
    assert!((found - expected).abs() < 1e-6 && found > 0.0, "{found} {expected}");
    let constant = sensitivity.of(image.view(), first(&image).view(), |_| Ok(first(&image))).unwrap();
    assert_eq!(constant, Some(0.0));
}

#[test]
fn changes_stay_within_the_radius_and_are_seeded() {
    let image = noise(1, [3, 20, 20]);
    let sensitivity = MaxSensitivity { samples: 2, radius: 0.1, seed: 3 };
    let range = image.iter().copied().fold(0.0, f32::max) - image.iter().copied().fold(0.0, f32::min);
    let changed = sensitivity.changed(image.view(), 0);
    let largest = (&changed - &image).iter().fold(0.0, |largest: f32, change| largest.max(change.abs()));
    assert!(largest <= 0.1001 * range && largest > 0.099 * range, "{largest} {range}");
    assert_eq!(changed, sensitivity.changed(image.view(), 0));
    assert_ne!(changed, sensitivity.changed(image.view(), 1));
    assert_ne!(changed, MaxSensitivity { seed: 4, ..sensitivity }.changed(image.view(), 0));
    let zero = Array2::zeros((20, 20));
    assert_eq!(sensitivity.of(image.view(), zero.view(), |_| Ok(zero.clone())).unwrap(), None);
    let refused = sensitivity.of(image.view(), zero.view(), |_| Ok(Array2::zeros((2, 2))));
    assert!(matches!(refused, Err(Error::Size { .. })));
    for (samples, radius) in [(0, 0.1), (1, 0.0), (1, f64::NAN)] {
        let refused = MaxSensitivity { samples, radius, seed: 0 }.of(image.view(), zero.view(), |_| Ok(zero.clone()));
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}

#[test]
fn baselines_know_of_the_image_at_most_its_edges() {
    let centre = baselines::centre([5, 9]);
    assert_eq!(centre[[2, 4]], 1.0);
    assert_eq!(centre[[0, 1]], centre[[4, 7]]);
    assert!(centre[[2, 4]] > centre[[2, 3]] && centre[[2, 3]] > centre[[1, 3]]);
    let random = baselines::random([30, 40], 5);
    assert_eq!(random, baselines::random([30, 40], 5));
    assert_ne!(random, baselines::random([30, 40], 6));
    assert!((random.mean().unwrap() - 0.5).abs() < 0.05);
    // A step of 3 between columns 3 and 4, the same in all channels: Sobel's weights sum to 4.
    let step = Array3::from_shape_fn((3, 6, 8), |(_, _, x)| if x > 3 { 3.0 } else { 0.0 });
    let edges = baselines::edges(step.view());
    for ((_, x), edge) in edges.indexed_iter() {
        assert_eq!(*edge, if x == 3 || x == 4 { 12.0 } else { 0.0 });
    }
    assert!(baselines::edges(Array3::ones((3, 4, 4)).view()).iter().all(|edge| *edge == 0.0));
}
