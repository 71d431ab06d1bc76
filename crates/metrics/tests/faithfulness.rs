//! Average drop and increase, ROAD and infidelity on models whose answers are known.
#![allow(clippy::unwrap_used)]

mod common;

use common::{contributions, dot, each, linear, noise};
use gradex_metrics::{DropIncrease, Error, Infidelity, Road, Square};
use gradex_saliency::methods::Baseline;
use ndarray::{Array2, Array3, Axis, s};

const SHAPE: [usize; 3] = [3, 12, 10];

fn map(seed: u64) -> Array2<f32> {
    noise(seed, [1, SHAPE[1], SHAPE[2]]).index_axis_move(Axis(0), 0)
}

#[test]
fn a_linear_score_drops_by_what_the_map_hides() {
    let (weight, image) = (noise(1, SHAPE).mapv(f32::abs), noise(2, SHAPE).mapv(f32::abs));
    let seen = map(3).mapv(f32::abs);
    let measured = DropIncrease::of(&linear(weight.clone()), image.view(), seen.view(), &Baseline::Zero).unwrap();
    let kept = dot(&weight, (&image * &seen).view()) / dot(&weight, image.view());
    assert!((measured.drop - (1.0 - kept)).abs() < 1e-6 && !measured.increase, "{measured:?} {kept}");
    // Negative evidence that the map hides raises the score: nothing drops.
    let split = Array3::from_shape_fn(SHAPE, |(_, y, _)| if y < 6 { 1.0 } else { -0.5 });
    let upper = Array2::from_shape_fn((12, 10), |(y, _)| if y < 6 { 1.0 } else { 0.0 });
    let measured = DropIncrease::of(&linear(split), Array3::ones(SHAPE).view(), upper.view(), &Baseline::Zero).unwrap();
    assert_eq!(measured, DropIncrease { drop: 0.0, increase: true });
    let all = DropIncrease::of(&linear(weight), image.view(), Array2::ones((12, 10)).view(), &Baseline::Zero).unwrap();
    assert_eq!(all, DropIncrease { drop: 0.0, increase: false });
}

#[test]
fn drop_asks_for_a_map_that_is_stretched() {
    let measured = DropIncrease::of(&linear(noise(1, SHAPE)), noise(2, SHAPE).view(), map(3).view(), &Baseline::Zero);
    assert!(matches!(measured, Err(Error::Setting { what: "map", .. })));
}

#[test]
fn imputed_pixels_are_the_weighted_means_of_their_neighbours() {
    let image = noise(4, SHAPE);
    let road = Road { noise: 0.0, ..Road::default() };
    let ring = |y: usize, x: usize| (2..9).contains(&y) && (1..8).contains(&x) && (y, x) != (5, 5);
    let removed: Vec<usize> = (0..120).filter(|place| ring(place / 10, place % 10) || *place < 3).collect();
    let imputed = road.imputed(image.view(), &removed);
    for place in 0..120 {
        let (y, x) = (place / 10, place % 10);
        for channel in 0..3 {
            if !removed.contains(&place) {
                assert_eq!(imputed[[channel, y, x]], image[[channel, y, x]]);
                continue;
            }
            let (mut sum, mut total) = (0.0, 0.0);
            for (row, column) in (y.saturating_sub(1)..=(y + 1).min(11))
                .flat_map(|row| (x.saturating_sub(1)..=(x + 1).min(9)).map(move |column| (row, column)))
            {
                let weight = [0.0, 1.0 / 6.0, 1.0 / 12.0][row.abs_diff(y) + column.abs_diff(x)];
                sum += weight * f64::from(imputed[[channel, row, column]]);
                total += weight;
            }
            assert!((f64::from(imputed[[channel, y, x]]) - sum / total).abs() < 1e-5, "{channel} {y} {x}");
        }
    }
}

#[test]
fn imputation_continues_a_plane() {
    let image = Array3::from_shape_fn((1, 40, 30), |(_, y, x)| 0.1 * y as f32 - 0.2 * x as f32 + 1.0);
    let inner: Vec<usize> =
        (0..1200).filter(|place| (1..39).contains(&(place / 30)) && (1..29).contains(&(place % 30))).collect();
    let imputed = Road { noise: 0.0, ..Road::default() }.imputed(image.view(), &inner);
    for (imputed, original) in imputed.iter().zip(&image) {
        assert!((imputed - original).abs() < 1e-4, "{imputed} {original}");
    }
}

#[test]
fn noise_is_of_the_asked_deviation_and_seeded() {
    let image = Array3::zeros((3, 40, 40));
    let removed: Vec<usize> = (1..1600).collect();
    let imputed = |seed| Road { noise: 0.5, seed, ..Road::default() }.imputed(image.view(), &removed);
    let values = imputed(1);
    let variance = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / values.len() as f64;
    assert!((variance.sqrt() - 0.5).abs() < 0.02, "{variance}");
    assert_eq!(values, imputed(1));
    assert_ne!(values, imputed(2));
}

#[test]
fn road_finds_where_the_score_is_made() {
    // The score is the contrast of a checkerboard, which imputation wipes out, in the upper third.
    let image = Array3::from_shape_fn((1, 12, 10), |(_, y, x)| if (y + x).is_multiple_of(2) { 1.0 } else { -1.0 });
    let contrast = each(|image| image.slice(s![0, ..4, ..]).iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 40.0);
    let road = Road { fractions: vec![1.0 / 3.0], noise: 0.0, ..Road::default() };
    let upper = Array2::from_shape_fn((12, 10), |(y, _)| -(y as f32));
    let found = |map: &Array2<f32>| road.of(&contrast, image.view(), map.view()).unwrap();
    assert!(found(&upper) > 0.8, "{}", found(&upper));
    assert!((found(&upper) + found(&(-&upper))).abs() < 1e-12, "hot and cold change places");
    assert_eq!(Road { batch: 1, ..road.clone() }.of(&contrast, image.view(), upper.view()).unwrap(), found(&upper));
    for fractions in [vec![], vec![0.0], vec![0.5, 1.0], vec![f64::NAN]] {
        let refused = Road { fractions, ..Road::default() }.of(&contrast, image.view(), upper.view());
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}

#[test]
fn the_terms_of_a_linear_score_foretell_every_fall() {
    let (weight, image) = (noise(1, SHAPE), noise(2, SHAPE));
    let right = contributions(&weight, &image);
    let infidelity = Infidelity { samples: 30, batch: 7, ..Infidelity::default() };
    let falls = infidelity.falls(&linear(weight.clone()), image.view()).unwrap();
    let of = |map: &Array2<f32>| falls.infidelity(map.view()).unwrap().unwrap();
    assert!(of(&right) < 1e-10, "{}", of(&right));
    assert!(of(&(&right * 7.0)) < 1e-10, "a map has no unit");
    assert_eq!((of(&(-&right)), of(&Array2::zeros((12, 10)))), (1.0, 1.0));
    let wrong = of(&map(5));
    assert!(wrong > 0.5 && wrong <= 1.0, "{wrong}");
    assert_eq!(falls, Infidelity { batch: 100, ..infidelity }.falls(&linear(weight), image.view()).unwrap());
    for (Square { top, left, side }, fall) in falls.squares.iter().zip(&falls.falls) {
        let sum: f32 = right.slice(s![*top..top + side, *left..left + side]).sum();
        assert!((f64::from(sum) - fall).abs() < 1e-4);
    }
}

#[test]
fn squares_are_seeded_and_lie_in_the_image() {
    let infidelity = Infidelity { samples: 500, ..Infidelity::default() };
    let squares = infidelity.squares([40, 64]).unwrap();
    for side in [5, 20] {
        assert!(squares.iter().any(|square| square.side == side), "{side}");
    }
    assert!(
        squares
            .iter()
            .all(|Square { top, left, side }| (5..=20).contains(side) && top + side <= 40 && left + side <= 64)
    );
    assert!(
        squares.iter().any(|square| square.top + square.side == 40) && squares.iter().any(|square| square.left == 0)
    );
    assert_ne!(squares, Infidelity { seed: 1, ..infidelity.clone() }.squares([40, 64]).unwrap());
    for (samples, sides) in [(0, [0.1, 0.2]), (1, [0.0, 0.2]), (1, [0.3, 0.2]), (1, [0.5, 1.1])] {
        assert!(matches!(
            Infidelity { samples, sides, ..infidelity.clone() }.squares([9, 9]),
            Err(Error::Setting { .. })
        ));
    }
}

#[test]
fn nothing_can_be_foretold_of_a_score_that_never_changes() {
    let falls = Infidelity::default().falls(&each(|_| 0.3), noise(1, SHAPE).view()).unwrap();
    assert_eq!(falls.infidelity(map(1).view()).unwrap(), None);
    assert!(matches!(falls.infidelity(Array2::zeros((10, 12)).view()), Err(Error::Size { .. })));
}
