//! Occlusion and RISE: against slow loops, and what may be asked of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use crate::common::{INPUT, network, noise, noise_for, pooled};
use gradex_engine::{Retain, Tensor};
use gradex_saliency::methods::{Baseline, Occlusion, Rise};
use gradex_saliency::{Error, Explainer, Method, Reason};
use ndarray::{Array2, Array3, Array4, Axis, Ix4};

const SHAPE: [usize; 4] = [1, 3, 11, 9];

/// The map of class 2 of a small network, and the same network's logit of class 2 of any image.
fn explained<M: Method + 'static>(method: M, input: &Tensor) -> (Array2<f32>, impl Fn(&Array4<f32>) -> f64 + use<M>) {
    let network = network(3, pooled, noise_for);
    let map = {
        let explainer = Explainer::new(&network).method(method);
        let tape = explainer.forward(input).unwrap();
        explainer.explain(&tape, &[2]).unwrap().remove(0).coarse.map().to_owned()
    };
    let score = move |image: &Array4<f32>| {
        let tape = network.forward(&image.clone().into_dyn(), &Retain::logits()).unwrap();
        f64::from(tape.logits().unwrap()[[0, 2]])
    };
    (map, score)
}

fn four_axes(input: &Tensor) -> Array4<f32> {
    input.clone().into_dimensionality::<Ix4>().unwrap()
}

#[test]
fn occlusion_is_the_mean_drop_over_the_windows_of_each_pixel() {
    let input = noise(3, &SHAPE);
    let image = four_axes(&input);
    let given = Arc::new(Array3::from_shape_fn((3, 11, 9), |(c, y, x)| 0.1 * (c + y * x) as f32));
    for (window, stride, baseline) in [
        (4, 3, Baseline::Zero),
        (5, 5, Baseline::Given(Arc::clone(&given))),
        (9, 1, Baseline::Blur(2.0)),
        (1, 1, Baseline::Zero),
    ] {
        let shown = baseline.of("test", image.index_axis(Axis(0), 0)).unwrap();
        let method = Occlusion { window: Some(window), stride: Some(stride), baseline, batch: 4 };
        let (map, score) = explained(method, &input);
        let (mut drops, mut counts) = (Array2::<f64>::zeros((11, 9)), Array2::<f64>::zeros((11, 9)));
        let starts = |side: usize| (0..side).step_by(stride).take((side - window).div_ceil(stride) + 1);
        for (top, left) in starts(11).flat_map(|top| starts(9).map(move |left| (top, left))) {
            let inside = |y: usize, x: usize| (top..top + window).contains(&y) && (left..left + window).contains(&x);
            let hidden =
                Array4::from_shape_fn(
                    image.dim(),
                    |(n, c, y, x)| {
                        if inside(y, x) { shown[[c, y, x]] } else { image[[n, c, y, x]] }
                    },
                );
            let drop = score(&image) - score(&hidden);
            for ((y, x), sum) in drops.indexed_iter_mut().filter(|((y, x), _)| inside(*y, *x)) {
                *sum += drop;
                counts[[y, x]] += 1.0;
            }
        }
        assert!(counts.iter().all(|count| *count > 0.0), "every pixel is hidden once or more");
        for ((place, actual), sum) in map.indexed_iter().zip(&drops) {
            assert!((f64::from(*actual) - sum / counts[place]).abs() < 1e-5, "{window} {stride} {place:?}");
        }
    }
}

#[test]
fn rise_is_the_mean_mask_weighted_by_the_score() {
    let input = noise(3, &SHAPE);
    let image = four_axes(&input);
    for rise in [
        Rise { seed: 9, masks: 20, ..Rise::default() },
        Rise { seed: 1, masks: 5, cells: 3, probability: 0.2, batch: 2 },
        Rise { masks: 4, probability: 1.0, ..Rise::default() },
    ] {
        let (map, score) = explained(rise, &input);
        let mut sum = Array2::<f64>::zeros((11, 9));
        for sample in 0..rise.masks {
            let mask = rise.mask(sample, [11, 9]).unwrap();
            let weight = score(&(&image * &mask));
            sum.zip_mut_with(&mask, |sum, seen| *sum += weight * f64::from(*seen));
        }
        for (actual, sum) in map.iter().zip(&sum) {
            assert!((f64::from(*actual) - sum / (rise.masks as f64 * rise.probability)).abs() < 1e-5, "{rise:?}");
        }
    }
}

#[test]
fn masks_are_cells_that_were_resized_and_shifted() {
    let rise = Rise { seed: 7, probability: 0.3, ..Rise::default() };
    let size = [64, 45];
    let masks: Vec<Array2<f32>> = (0..400).map(|sample| rise.mask(sample, size).unwrap()).collect();
    let mean: f64 = masks.iter().flatten().map(|seen| f64::from(*seen)).sum::<f64>() / (400 * 64 * 45) as f64;
    assert!((mean - 0.3).abs() < 0.02, "the expectation is the probability: {mean}");
    for mask in &masks {
        assert!(mask.iter().all(|seen| (0.0..=1.0).contains(seen)));
        // A cell is 10 rows high and 7 columns wide: bilinear, so no neighbours lie further apart than 1/10 and 1/7.
        let far = |axis, cell: f32| {
            mask.axis_windows(Axis(axis), 2).into_iter().any(|pair| {
                let [near, next] = [0, 1].map(|index| pair.index_axis(Axis(axis), index).to_owned());
                (near - next).iter().any(|difference| difference.abs() > 1.0 / cell + 0.03)
            })
        };
        assert!(!far(0, 10.0) && !far(1, 7.0));
    }
    assert_eq!(masks[3], rise.mask(3, size).unwrap());
    assert_ne!(masks[3], masks[4]);
    assert_ne!(masks[3], Rise { seed: 8, ..rise }.mask(3, size).unwrap());
    for size in [[1, 1], [1, 30], [3, 5], [7, 7], [8, 6]] {
        assert_eq!(rise.mask(0, size).unwrap().shape(), size);
    }
}

#[test]
fn early_maps_lead_to_the_last_one() {
    let network = network(3, pooled, noise_for);
    let rise = Rise { masks: 10, batch: 4, ..Rise::default() };
    let occlusion = Occlusion { window: Some(4), stride: Some(4), batch: 4, ..Occlusion::default() };
    let methods: [(Arc<dyn Method>, &[usize]); 2] = [(Arc::new(rise), &[4, 8, 10]), (Arc::new(occlusion), &[4, 8, 9])];
    for (method, done) in methods {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let explainer = Explainer::new(&network).methods(vec![method]).watch({
            let seen = Arc::clone(&seen);
            move |progress| {
                seen.lock().unwrap().push((progress.done, progress.early.cloned().unwrap()));
                ControlFlow::Continue(())
            }
        });
        let tape = explainer.forward(&noise(1, &[1, 3, 12, 12])).unwrap();
        let map = explainer.explain(&tape, &[0]).unwrap().remove(0).coarse;
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|(done, _)| *done).collect::<Vec<_>>(), done);
        assert_eq!(seen.last().unwrap().1, map);
        assert_ne!(seen[0].1, map);
        assert_eq!(map.point, INPUT);
    }
}

#[test]
fn a_watcher_may_stop_them() {
    let network = network(3, pooled, noise_for);
    let rise: Arc<dyn Method> = Arc::new(Rise { masks: 10, batch: 4, ..Rise::default() });
    let occlusion: Arc<dyn Method> = Arc::new(Occlusion { window: Some(2), batch: 4, ..Occlusion::default() });
    for (method, total) in [(rise, 10), (occlusion, 25)] {
        let explainer = Explainer::new(&network).methods(vec![method]).watch(|_| ControlFlow::Break(()));
        let tape = explainer.forward(&noise(1, &[1, 3, 6, 6])).unwrap();
        assert_eq!(explainer.explain(&tape, &[0]).unwrap_err(), Error::Stopped { done: 4, total });
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_advice() {
    let refused = |method: Arc<dyn Method>, point: &str| {
        let network = network(3, pooled, noise_for);
        let point = network.graph().find(point).unwrap();
        let explainer = Explainer::new(&network).methods(vec![method]).point(point);
        let tape = explainer.forward(&noise(1, &[1, 3, 9, 6])).unwrap();
        let error = explainer.explain(&tape, &[0]).unwrap_err();
        assert!(matches!(error, Error::Inapplicable { .. }), "{error}");
        error.to_string()
    };
    let occlusion = |window, stride, batch| -> Arc<dyn Method> {
        Arc::new(Occlusion { window, stride, batch, ..Occlusion::default() })
    };
    let rise = Rise::default();
    for (method, point, words) in [
        (occlusion(Some(7), None, 1), "input", ["9x6", "1 to 6"]),
        (occlusion(Some(0), None, 1), "input", ["9x6", "1 to 6"]),
        (occlusion(Some(3), Some(0), 1), "input", ["stride of 0", "1 to 3"]),
        (occlusion(Some(3), Some(4), 1), "input", ["stride of 4", "1 to 3"]),
        (occlusion(Some(3), None, 0), "input", ["occlusion", "at least 1"]),
        (occlusion(None, None, 1), "relu1", ["`relu1`", "`input`"]),
        (Arc::new(Rise { masks: 0, ..rise }), "input", ["rise", "at least 1"]),
        (Arc::new(Rise { batch: 0, ..rise }), "input", ["rise", "at least 1"]),
        (Arc::new(Rise { cells: 0, ..rise }), "input", ["0 cells", "7"]),
        (Arc::new(Rise { probability: 0.0, ..rise }), "input", ["probability of 0", "(0, 1]"]),
        (Arc::new(Rise { probability: f64::NAN, ..rise }), "input", ["probability of NaN", "(0, 1]"]),
        (Arc::new(rise), "relu2", ["`relu2`", "`input`"]),
    ] {
        let error = refused(method, point);
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

#[test]
fn a_score_that_nothing_changes_has_a_blank_map() {
    let network = network(3, pooled, |_, parameter| Tensor::zeros(&parameter.shape[..]));
    let methods: Vec<Arc<dyn Method>> =
        vec![Arc::new(Occlusion::default()), Arc::new(Rise { masks: 3, ..Rise::default() })];
    let explainer = Explainer::new(&network).methods(methods);
    let tape = explainer.forward(&noise(1, &SHAPE)).unwrap();
    for explanation in explainer.explain(&tape, &[0]).unwrap() {
        assert!(explanation.coarse.values.iter().all(|value| *value == 0.0));
        assert_eq!(explanation.fine.reason, Some(Reason::NoPositiveEvidence), "{}", explanation.method);
    }
}
