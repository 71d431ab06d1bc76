//! Every level of this machine, every algorithm and both directions against the float64 oracle.
#![allow(clippy::expect_used)]

mod common;

use common::{assert_within, bits, conv, lengths, noise, packed, poisoned, shapes, unpacked, wide};
use gradex_kernels::blocked::{
    Activation, Algorithm, Direction, Epilogue, Gate, Layout, Norm, PackedConv, Slopes, View, Workspace,
    average_pool_blocked, gate, map, max_pool_blocked,
};
use gradex_kernels::{ConvShape, Error, Level, Padding, PoolShape, Span, average_pool, max_pool, portable};

/// The bound of an algorithm in units of `ε √terms` of the largest value.
fn bound(algorithm: Algorithm) -> f64 {
    match algorithm {
        Algorithm::Direct | Algorithm::Depthwise => 4.0,
        Algorithm::Winograd2x2 => 4.0,
        Algorithm::Winograd => 16.0,
    }
}

/// All shapes, and some whose 3x3 windows cover whole, cut and many tiles.
fn all_shapes() -> Vec<ConvShape> {
    let mut shapes = shapes();
    for (channels, input) in
        [([33, 50, 1], [17, 30]), ([16, 64, 1], [4, 4]), ([64, 48, 1], [60, 57]), ([3, 8, 1], [9, 5])]
    {
        for padding in [[1; 4], [0, 2, 1, 0]] {
            shapes.push(conv(channels, input, [3, 3], [1, 1], [1, 1], padding));
        }
    }
    shapes.push(conv([64, 96, 1], [96, 32], [3, 3], [1, 1], [1, 1], [1; 4]));
    // Those that write one channel or three, forward or transposed.
    shapes.push(conv([48, 1, 1], [9, 21], [3, 3], [1, 1], [1, 1], [1; 4]));
    shapes.push(conv([16, 3, 1], [10, 19], [5, 3], [2, 2], [1, 1], [2, 1, 0, 1]));
    shapes.push(conv([1, 32, 1], [20, 35], [3, 4], [2, 1], [2, 1], [1; 4]));
    shapes.push(conv([20, 35, 5], [9, 9], [3, 3], [3, 2], [1, 2], [1; 4]));
    // More channels than are summed at once.
    shapes.push(conv([520, 40, 1], [9, 7], [1, 1], [1, 1], [1, 1], [0; 4]));
    // Strides that no tile is compiled for, and images of few channels.
    shapes.push(conv([20, 33, 1], [9, 22], [2, 3], [1, 3], [1, 1], [1; 4]));
    shapes.push(conv([3, 40, 1], [31, 35], [11, 11], [4, 4], [1, 1], [2; 4]));
    shapes.push(conv([4, 33, 1], [15, 41], [7, 7], [2, 2], [1, 1], [3, 2, 1, 3]));
    shapes
}

/// Runs one convolution on blocked images whose halos are wider than needed.
fn run(
    level: Level,
    algorithm: Algorithm,
    direction: Direction,
    shape: &ConvShape,
    [input, weight, bias, residual]: [&[f32]; 4],
    activation: Activation,
) -> Vec<f32> {
    let image = |channels, size, halo| Layout { batch: shape.batch, channels, size, halo };
    let sides = [(shape.in_channels, shape.input), (shape.out_channels, shape.output)];
    let [from, to] = if direction == Direction::Forward { sides } else { [sides[1], sides[0]] };
    let conv = PackedConv::new(level, algorithm, shape, direction, weight.into(), Some(bias)).expect("pack weights");
    if direction == Direction::Forward {
        assert_eq!(conv.bytes(), algorithm.packed_bytes(level, shape, false), "{algorithm} {shape:?}");
    }
    let mut halo = conv.halo(from.1, to.1);
    halo.left += 1;
    halo.top += 1;
    halo.bottom += 2;
    let from = image(from.0, from.1, halo);
    let to = image(to.0, to.1, Padding { top: 1, bottom: 2, left: 2, right: 1 });
    let added = image(to.channels, to.size, Padding { top: 2, bottom: 1, left: 0, right: 3 });

    let plain = input;
    let (mut input, residual) = (packed(from, input), packed(added, residual));
    if algorithm == Algorithm::Depthwise {
        // It reads no row above or below an image.
        let stored = halo.top + from.size[0] + halo.bottom;
        for (row, values) in input.chunks_exact_mut(from.row_stride()).enumerate() {
            if !(halo.top..halo.top + from.size[0]).contains(&(row % stored)) {
                values.fill(f32::NAN);
            }
        }
    }
    let residual = Some(View { layout: added, values: &residual });
    let mut output = poisoned(to);
    let input = View { layout: from, values: &input };
    let epilogue = Epilogue { residual, activation, ..Epilogue::default() };
    conv.run(input, &epilogue, &Workspace::new(), to, &mut output).expect("run");
    if conv.reads_planes() {
        let mut again = poisoned(to);
        conv.run_planes(from.size, plain, &epilogue, &Workspace::new(), to, &mut again).expect("run planes");
        assert_eq!(bits(&again), bits(&output), "{level} {shape:?}");
    }
    let mut rows = vec![f32::NAN; to.batch * to.channels * to.size[0] * to.size[1]];
    let written = conv.run_to_planes(input, &Workspace::new(), to.size, &mut rows);
    assert_eq!(written.is_ok(), conv.writes_planes());
    if written.is_ok() {
        conv.run(input, &Epilogue::default(), &Workspace::new(), to, &mut output).expect("run");
        assert_eq!(bits(&rows), bits(&unpacked(to, &output)), "{level} {shape:?}");
        conv.run(input, &epilogue, &Workspace::new(), to, &mut output).expect("run");
    }
    let scale = noise(6, to.channels.next_multiple_of(16));
    let (marked, mut passed) = (Slopes::new(to), poisoned(to));
    let ends = Gate { slopes: Some(&marked), scale: Some(&scale) };
    let epilogue = Epilogue { slopes: Some(&marked), gate: Some(ends), ..epilogue };
    conv.run(input, &epilogue, &Workspace::new(), to, &mut passed).expect("run to the end");
    let slopes = Slopes::of(level, activation, View { layout: to, values: &output }).expect("slopes");
    let mut expected = output.clone();
    gate(level, &Gate { slopes: Some(&slopes), ..ends }, to, &mut expected).expect("gate");
    assert_eq!(
        bits(&unpacked(to, &passed)),
        bits(&unpacked(to, &expected)),
        "{level} {algorithm} {direction:?} {shape:?}"
    );
    unpacked(to, &output)
}

#[test]
fn what_is_packed_as_it_is_can_be_had_back() {
    let mut reversible = 0;
    for shape in all_shapes() {
        let [_, weight_len, _] = lengths(&shape);
        let weight = noise(2, weight_len);
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.takes(&shape)) {
            for direction in [Direction::Forward, Direction::Transposed] {
                for level in Level::available() {
                    let conv = PackedConv::new(level, algorithm, &shape, direction, (&weight[..]).into(), None)
                        .expect("pack weights");
                    let mut unpacked = vec![f32::NAN; weight_len];
                    let refused = conv.unpack(&mut unpacked);
                    assert_eq!(refused.is_ok(), conv.is_reversible(), "{level} {algorithm} {direction:?} {shape:?}");
                    if conv.is_reversible() {
                        reversible += 1;
                        assert!(unpacked == weight, "{level} {algorithm} {direction:?} {shape:?}");
                        assert!(matches!(conv.unpack(&mut unpacked[1..]), Err(Error::Length { .. })));
                    }
                }
            }
        }
    }
    let levels = Level::available().len();
    assert!(reversible >= 500 * levels, "{reversible} at {levels} levels");
}

#[test]
fn convolutions() {
    for shape in all_shapes() {
        let [input_len, weight_len, output_len] = lengths(&shape);
        let weight = noise(2, weight_len);
        let terms = (weight_len / shape.out_channels).max(weight_len / shape.in_channels) + 2;
        for direction in [Direction::Forward, Direction::Transposed] {
            let forward = direction == Direction::Forward;
            let [read, written] = if forward { [input_len, output_len] } else { [output_len, input_len] };
            let channels = if forward { shape.out_channels } else { shape.in_channels };
            let (input, bias, residual) = (noise(1, read), noise(3, channels), noise(5, written));

            let mut expected = vec![0.0; written];
            if forward {
                portable::conv2d(&shape, &wide(&input), &wide(&weight), None, &mut expected);
            } else {
                portable::conv2d_transpose(&shape, &wide(&input), &wide(&weight), &mut expected);
            }
            let plane = written / (shape.batch * channels);
            for (index, value) in expected.iter_mut().enumerate() {
                *value += f64::from(bias[index / plane % channels]);
            }
            for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.takes(&shape)) {
                let sum: Vec<f64> = expected.iter().zip(&residual).map(|(a, b)| a + f64::from(*b)).collect();
                for level in Level::available() {
                    let name = format!("{level} {algorithm} {direction:?} {shape:?}");
                    let values = [&input[..], &weight, &bias, &residual];
                    let actual = run(level, algorithm, direction, &shape, values, Activation::None);
                    let factor = bound(algorithm);
                    assert_within(factor, &name, &actual, &sum, terms);

                    let rectified = run(level, algorithm, direction, &shape, values, Activation::Relu6);
                    let clamped: Vec<f32> = actual.iter().map(|value| value.clamp(0.0, 6.0)).collect();
                    assert_eq!(rectified, clamped, "{name}");
                }
            }
        }
    }
}

#[test]
fn pooling() {
    let span = |start: usize, end: usize| Span { start, end, divisor: end - start };
    let rows = vec![span(0, 2), span(1, 4), span(3, 6), span(5, 7)];
    let columns = vec![span(0, 3), span(2, 3), span(4, 5)];
    let shape = PoolShape { planes: 2 * 19, input: [7, 5], rows, columns };
    let layout = Layout { batch: 2, channels: 19, size: [7, 5], halo: Padding::symmetric(1, 2) };
    let target = Layout { size: [4, 3], halo: Padding::symmetric(2, 1), ..layout };
    let mut image = noise(1, 2 * 19 * 35);
    image[40] = f32::NAN;
    let blocked = packed(layout, &image);
    let input = View { layout, values: &blocked };
    let mut expected = vec![0.0; 2 * 19 * 12];
    max_pool(&shape, &image, &mut expected, &mut vec![0; 2 * 19 * 12]).expect("max_pool");
    for level in Level::available() {
        let [mut maxima, mut averages] = [(); 2].map(|()| poisoned(target));
        max_pool_blocked(level, &shape, input, None, target, &mut maxima).expect("max_pool_blocked");
        assert_eq!(bits(&unpacked(target, &maxima)), bits(&expected), "{level}");

        average_pool_blocked(level, &shape, input, target, &mut averages).expect("average_pool_blocked");
        let mut means = vec![0.0; expected.len()];
        average_pool(&shape, &image, &mut means).expect("average_pool");
        assert_eq!(bits(&unpacked(target, &averages)), bits(&means), "{level}");
    }
}

/// Each step rounds by itself, at every level: scale, shift, residual, activation.
#[test]
fn epilogues() {
    let layout = Layout { batch: 2, channels: 19, size: [3, 5], halo: Padding::symmetric(1, 2) };
    let other = Layout { halo: Padding::symmetric(0, 1), ..layout };
    let [mut image, residual] = [1, 2].map(|seed| noise(seed, 2 * 19 * 15));
    image.iter_mut().for_each(|value| *value *= 9.0);
    let [mut scale, mut shift] = [3, 4].map(|seed| noise(seed, 32));
    for channels in [&mut scale, &mut shift] {
        channels[19..].fill(f32::NAN);
    }
    let (values, added) = (packed(layout, &image), packed(other, &residual));
    let input = View { layout, values: &values };
    let norm = Some(Norm { scale: &scale, shift: &shift });
    let view = Some(View { layout: other, values: &added });
    for (activation, ceiling) in [(Activation::Relu, f32::INFINITY), (Activation::Relu6, 6.0)] {
        let expected: Vec<f32> = (0..image.len())
            .map(|index| {
                let channel = index / 15 % 19;
                (image[index] * scale[channel] + shift[channel] + residual[index]).clamp(0.0, ceiling)
            })
            .collect();
        for level in Level::available() {
            let epilogue = Epilogue { norm, residual: view, activation, ..Epilogue::default() };
            let mut output = poisoned(other);
            map(level, input, &epilogue, other, &mut output).expect("map");
            assert_eq!(unpacked(other, &output), expected, "{level} {activation:?}");
            let short = Epilogue { norm: Some(Norm { scale: &scale[..19], shift: &shift }), ..epilogue };
            assert!(matches!(map(level, input, &short, other, &mut output), Err(Error::Length { .. })));
            let apart = Epilogue { residual: Some(View { layout: Layout { batch: 1, ..other }, ..input }), ..epilogue };
            assert!(matches!(map(level, input, &apart, other, &mut output), Err(Error::Shape(_))));
        }
    }
}

#[test]
fn images_come_back_as_they_were() {
    let halo = Padding { top: 1, bottom: 2, left: 3, right: 4 };
    for (channels, size) in [(1, [3, 5]), (15, [3, 5]), (16, [3, 5]), (40, [3, 5]), (3, [0, 5]), (3, [3, 0])] {
        let layout = Layout { batch: 2, channels, size, halo };
        let image = noise(1, 2 * channels * size[0] * size[1]);
        let values = packed(layout, &image);
        assert!(values.iter().all(|value| value.is_finite()), "all of it is filled");
        assert_eq!(unpacked(layout, &values), image);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = conv([16, 16, 1], [8, 8], [3, 3], [1, 1], [1, 1], [1; 4]);
    let level = Level::PORTABLE;
    let weight = noise(1, 16 * 16 * 9);
    let depthwise =
        PackedConv::new(level, Algorithm::Depthwise, &shape, Direction::Forward, (&weight[..]).into(), None);
    assert!(matches!(depthwise, Err(Error::Shape(_))));
    let short = PackedConv::new(level, Algorithm::Direct, &shape, Direction::Forward, (&weight[1..]).into(), None);
    assert!(matches!(short, Err(Error::Length { .. })));
    for algorithm in [Algorithm::Direct, Algorithm::Winograd, Algorithm::Winograd2x2] {
        let conv =
            PackedConv::new(level, algorithm, &shape, Direction::Forward, (&weight[..]).into(), None).expect("pack");
        let layout = Layout { batch: 2, channels: 16, size: [8, 8], halo: Padding::default() };
        let values = noise(2, layout.len());
        let mut output = vec![0.0; layout.len()];
        let mut run = |layout: Layout, values: &[f32]| {
            let input = View { layout, values };
            conv.run(
                input,
                &Epilogue::default(),
                &Workspace::new(),
                Layout { halo: Padding::default(), ..layout },
                &mut output,
            )
        };
        assert!(matches!(run(layout, &values), Err(Error::Shape(_))), "no halo");
        let wide = Layout { halo: Padding::symmetric(3, 3), ..layout };
        assert!(matches!(run(wide, &values), Err(Error::Length { .. })), "short input");
        let other = Layout { channels: 17, ..wide };
        assert!(matches!(run(other, &values), Err(Error::Shape(_))), "other channels");
    }
}

#[test]
fn levels_have_names_and_unknown_ones_are_refused() {
    let available = Level::available();
    assert_eq!(available.last(), Some(&Level::PORTABLE));
    for level in available {
        assert_eq!(Level::named(level.name()), Ok(level));
    }
    let error = Level::named("mmx").expect_err("no such level");
    assert!(error.to_string().contains("`mmx`") && error.to_string().contains("portable"), "{error}");
}
