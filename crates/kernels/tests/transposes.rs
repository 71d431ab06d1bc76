//! Transposes of what is no convolution, over blocks of channels, against the same plane by plane.
#![allow(clippy::expect_used)]

mod common;

use common::{bits, noise, packed, poisoned, unpacked};
use gradex_kernels::blocked::{
    Activation, Argmax, Epilogue, Gate, Layout, Slopes, View, average_pool_transpose_blocked, channel_sums, gate, map,
    max_pool_blocked, max_pool_transpose_blocked,
};
use gradex_kernels::{
    Error, Level, Padding, PoolShape, Span, average_pool_transpose, max_pool, max_pool_transpose, portable,
};

const CHANNELS: usize = 19;

/// Overlapping windows, ties, NaN, pixels that no window covers.
#[test]
fn max_pools() {
    let span = |start: usize, end: usize| Span { start, end, divisor: end - start };
    let rows = vec![span(0, 2), span(1, 4), span(3, 6), span(5, 7)];
    let columns = vec![span(0, 3), span(2, 3), span(4, 5)];
    let shape = PoolShape { planes: 2 * CHANNELS, input: [7, 5], rows, columns };
    let layout = Layout { batch: 2, channels: CHANNELS, size: [7, 5], halo: Padding::symmetric(1, 2) };
    let above = Layout { size: [4, 3], halo: Padding::symmetric(2, 1), ..layout };
    let mut image = noise(1, 2 * CHANNELS * 35);
    image.iter_mut().for_each(|value| *value = (*value * 3.0).round());
    image[40] = f32::NAN;
    let upstream = noise(2, 2 * CHANNELS * 12);
    let mut positions = vec![0; upstream.len()];
    max_pool(&shape, &image, &mut vec![0.0; upstream.len()], &mut positions).expect("max_pool");
    let mut expected = vec![0.0; image.len()];
    max_pool_transpose(&shape, &upstream, &positions, &mut expected).expect("max_pool_transpose");

    let (input, sent) = (packed(layout, &image), packed(above, &upstream));
    let (input, sent) = (View { layout, values: &input }, View { layout: above, values: &sent });
    let target = Layout { halo: Padding::symmetric(3, 0), ..layout };
    let scale = noise(3, CHANNELS.next_multiple_of(16));
    for level in Level::available() {
        let (argmax, mut maxima) = (Argmax::new(shape.clone(), above), poisoned(above));
        // What was marked before does not matter.
        for input in [View { layout, values: &packed(layout, &noise(4, image.len())) }, input] {
            max_pool_blocked(level, &shape, input, Some(&argmax), above, &mut maxima).expect("max_pool_blocked");
        }
        let slopes = Slopes::of(level, Activation::Relu, input).expect("slopes");
        for (slopes, scale) in
            [(None, None), (Some(&slopes), None), (None, Some(&scale)), (Some(&slopes), Some(&scale))]
        {
            let gated = Gate { slopes, scale: scale.map(|scale| &scale[..]) };
            let mut gradient = poisoned(target);
            max_pool_transpose_blocked(level, &argmax, sent, Some(gated), target, &mut gradient).expect("transpose");
            let mut all = packed(target, &expected);
            gate(level, &gated, target, &mut all).expect("gate");
            assert_eq!(bits(&unpacked(target, &gradient)), bits(&unpacked(target, &all)), "{level} {gated:?}");
            max_pool_transpose_blocked(level, &argmax, sent, None, target, &mut gradient).expect("transpose");
            assert_eq!(bits(&unpacked(target, &gradient)), bits(&expected), "{level}");
        }
        let run = |argmax: &Argmax, scale, target, gradient: &mut [f32]| {
            let gate = Some(Gate { slopes: None, scale: Some(scale) });
            max_pool_transpose_blocked(level, argmax, sent, gate, target, gradient)
        };
        let mut gradient = poisoned(target);
        let other = Layout { channels: 3, ..target };
        assert!(matches!(run(&argmax, &scale, other, &mut gradient), Err(Error::Length { .. })));
        assert!(matches!(run(&argmax, &scale, target, &mut gradient[1..]), Err(Error::Length { .. })));
        assert!(matches!(run(&argmax, &scale[1..], target, &mut gradient), Err(Error::Length { .. })));
        let few = Argmax::new(shape.clone(), Layout { channels: 3, ..above });
        assert!(matches!(run(&few, &scale, target, &mut gradient), Err(Error::Shape(_))));
        let refused = max_pool_blocked(level, &shape, input, Some(&few), above, &mut maxima);
        assert!(matches!(refused, Err(Error::Shape(_))));
        let others = PoolShape { planes: 1, ..shape.clone() };
        let refused = max_pool_blocked(level, &shape, input, Some(&Argmax::new(others, above)), above, &mut maxima);
        assert!(matches!(refused, Err(Error::Shape(_))));
    }
}

/// Overlapping windows, and one window that is the whole plane, of more planes than one piece of work covers.
#[test]
fn average_pools() {
    let span = |start: usize, end: usize| Span { start, end, divisor: end - start };
    let overlapping = [vec![span(0, 2), span(1, 4), span(3, 7)], vec![span(0, 3), span(2, 4)]];
    let whole = [vec![span(0, 7)], vec![Span { divisor: 9, ..span(0, 5) }]];
    let part = [vec![span(0, 7)], vec![span(1, 5)]];
    for [rows, columns] in [overlapping, whole, part] {
        let shape = PoolShape { planes: 1000, input: [7, 5], rows, columns };
        let windows = shape.rows.len() * shape.columns.len();
        let mut upstream = noise(2, 1000 * windows);
        upstream[0] = -0.0;
        let [mut expected, mut actual] = [0, 1].map(|_| vec![f32::NAN; 1000 * 35]);
        for (plane, upstream) in expected.chunks_mut(35).zip(upstream.chunks(windows)) {
            portable::average_pool_transpose_plane(&shape, upstream, plane);
        }
        average_pool_transpose(&shape, &upstream, &mut actual).expect("average_pool_transpose");
        assert_eq!(bits(&actual), bits(&expected), "{shape:?}");

        let above = Layout {
            batch: 2,
            channels: 500,
            size: [shape.rows.len(), shape.columns.len()],
            halo: Padding::symmetric(0, 1),
        };
        let below = Layout { size: shape.input, halo: Padding::symmetric(2, 1), ..above };
        let (sent, output) = (packed(above, &upstream), packed(below, &noise(3, expected.len())));
        let sent = View { layout: above, values: &sent };
        for level in Level::available() {
            let slopes = Slopes::of(level, Activation::Relu, View { layout: below, values: &output }).expect("slopes");
            for gated in [None, Some(Gate { slopes: Some(&slopes), scale: None })] {
                let mut gradient = poisoned(below);
                average_pool_transpose_blocked(level, &shape, sent, gated, below, &mut gradient).expect("transpose");
                let mut all = packed(below, &expected);
                gated.iter().for_each(|gated| gate(level, gated, below, &mut all).expect("gate"));
                assert_eq!(bits(&unpacked(below, &gradient)), bits(&unpacked(below, &all)), "{level} {shape:?}");
            }
            let mut short = poisoned(below);
            let other = Layout { channels: 3, ..below };
            let refused = average_pool_transpose_blocked(level, &shape, sent, None, other, &mut short);
            assert!(matches!(refused, Err(Error::Shape(_))));
            let refused = average_pool_transpose_blocked(level, &shape, sent, None, below, &mut short[1..]);
            assert!(matches!(refused, Err(Error::Length { .. })));
        }
    }
}

#[test]
fn rectifiers() {
    let layout = Layout { batch: 2, channels: CHANNELS, size: [3, 5], halo: Padding::symmetric(1, 2) };
    let target = Layout { halo: Padding::symmetric(0, 1), ..layout };
    let output: Vec<f32> = noise(1, 2 * CHANNELS * 15).iter().map(|value| (value * 9.0).clamp(0.0, 6.0)).collect();
    let upstream = noise(2, output.len());
    let values = packed(layout, &output);
    let view = View { layout, values: &values };
    let (sent, scale) = (packed(target, &upstream), noise(3, CHANNELS.next_multiple_of(16)));
    for (activation, ceiling) in [(Activation::Relu, f32::INFINITY), (Activation::Relu6, 6.0)] {
        let passes = |(value, output): (&f32, &f32)| if *output > 0.0 && *output < ceiling { *value } else { 0.0 };
        let expected: Vec<f32> = upstream.iter().zip(&output).map(passes).collect();
        for level in Level::available() {
            let mut gradient = packed(target, &upstream);
            let slopes = Slopes::of(level, activation, view).expect("slopes");
            let unscaled = Gate { slopes: Some(&slopes), scale: None };
            gate(level, &unscaled, target, &mut gradient).expect("gate");
            assert_eq!(unpacked(target, &gradient), expected, "{level} {activation:?}");
            let scaled = Some(Gate { scale: Some(&scale), ..unscaled });
            let (input, residual) = (View { layout: target, values: &sent }, Some(view));
            let epilogue = Epilogue { residual, gate: scaled, ..Epilogue::default() };
            map(level, input, &epilogue, target, &mut gradient).expect("map");
            let scaled = |(index, value): (usize, &f32)| value * scale[index / 15 % CHANNELS];
            let sums: Vec<f32> = upstream.iter().zip(&output).map(|(a, b)| a + b).collect();
            let expected: Vec<f32> = sums.iter().zip(&output).map(passes).collect();
            let expected: Vec<f32> = expected.iter().enumerate().map(scaled).collect();
            assert_eq!(unpacked(target, &gradient), expected, "{level} {activation:?}");
            let open = Epilogue { gate: Some(Gate { slopes: None, scale: Some(&scale) }), ..epilogue };
            map(level, input, &open, target, &mut gradient).expect("map");
            let expected: Vec<f32> = sums.iter().enumerate().map(scaled).collect();
            assert_eq!(unpacked(target, &gradient), expected, "{level} without a rectifier");
            let few = Epilogue { gate: Some(Gate { scale: Some(&scale[1..]), ..unscaled }), ..epilogue };
            assert!(matches!(map(level, input, &few, target, &mut gradient), Err(Error::Length { .. })));
            let others = Slopes::new(Layout { batch: 1, ..target });
            let apart = Epilogue { gate: Some(Gate { slopes: Some(&others), scale: None }), ..epilogue };
            assert!(matches!(map(level, input, &apart, target, &mut gradient), Err(Error::Shape(_))));
            let apart = Epilogue { slopes: Some(&others), ..epilogue };
            assert!(matches!(map(level, input, &apart, target, &mut gradient), Err(Error::Shape(_))));
            let short = Slopes::of(level, activation, View { values: &values[1..], ..view });
            assert!(matches!(short, Err(Error::Length { .. })));

            let short = gate(level, &unscaled, target, &mut gradient[1..]);
            assert!(matches!(short, Err(Error::Length { .. })));
        }
    }
}

/// One block that is not whole, whole blocks, and both.
#[test]
fn sums_over_channels() {
    for channels in [3, 16, 35] {
        let layout = Layout { batch: 2, channels, size: [3, 5], halo: Padding::symmetric(1, 2) };
        let image = noise(3, 2 * channels * 15);
        let mut values = packed(layout, &image);
        // Lanes beyond the last channel belong to nobody.
        values.iter_mut().filter(|value| **value == 0.0).for_each(|value| *value = 9.0);
        let view = View { layout, values: &values };
        for level in Level::available() {
            let (mut sums, mut largest) = ([0.0; 30], [0.0; 2]);
            channel_sums(level, view, &mut sums, &mut largest).expect("sums");
            for (n, image) in image.chunks_exact(channels * 15).enumerate() {
                assert_eq!(largest[n], image.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                for (pixel, sum) in sums[n * 15..][..15].iter().enumerate() {
                    let expected: f64 = image.iter().skip(pixel).step_by(15).copied().map(f64::from).sum();
                    assert!((sum - expected).abs() < 1e-14, "{level}, {channels} channels: {sum} {expected}");
                }
            }
        }
    }
}
