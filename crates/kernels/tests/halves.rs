//! Weights at half precision against the same numbers at single precision, bit for bit.
#![allow(clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use common::{bits, noise};
use gradex_kernels::blocked::{Algorithm, Buffer, Direction, Epilogue, Layout, PackedConv, View, Workspace};
use gradex_kernels::{
    ConvShape, Error, Level, Padding, Part, Weights, Window, group_sums, linear, linear_transpose, portable, widen,
};

/// Zeros, subnormals, infinities and NaN among them; at every place of a vector.
#[test]
fn every_half_is_widened_to_the_number_that_it_means() {
    for (half, value) in [
        (0x0000, 0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0400, 2f32.powi(-14)),
        (0x03ff, 2f32.powi(-14) - 2f32.powi(-24)),
        (0x8001, -2f32.powi(-24)),
        (0xfc00, f32::NEG_INFINITY),
    ] {
        assert_eq!(portable::widen(half).to_bits(), value.to_bits(), "{half:#x}");
    }
    for level in Level::available() {
        for start in [0, 1, 7] {
            let halves: Vec<u16> = (start..=u16::MAX).collect();
            let expected: Vec<f32> = halves.iter().copied().map(portable::widen).collect();
            let mut widened = vec![0.0; halves.len()];
            widen(level, &halves, &mut widened).expect("widen");
            assert_eq!(bits(&widened), bits(&expected), "{level}");
        }
        assert!(matches!(widen(level, &[0; 3], &mut [0.0; 2]), Err(Error::Length { .. })));
    }
}

#[test]
fn linear_maps_of_halves_are_those_of_the_same_numbers() {
    for sizes @ [batch, inputs, outputs] in [[1, 1, 1], [1, 2048, 1000], [3, 17, 5], [2, 1025, 130], [5, 4200, 7]] {
        // All but infinities and NaN.
        let half = |value: &f32| (value.to_bits() >> 8) as u16 & 0xfbff;
        let halves: Vec<u16> = noise(2, inputs * outputs).iter().map(half).collect();
        let single: Vec<f32> = halves.iter().copied().map(portable::widen).collect();
        let (input, bias, upstream) = (noise(1, batch * inputs), noise(3, outputs), noise(4, batch * outputs));
        let [of_single, of_half] = [Weights::from(&single[..]), Weights::from(&halves[..])].map(|weight| {
            let (mut output, mut gradient) = (vec![f32::NAN; batch * outputs], vec![f32::NAN; batch * inputs]);
            linear(sizes, &input, weight, Some(&bias), &mut output).expect("linear");
            linear_transpose(sizes, &upstream, weight, &mut gradient).expect("linear_transpose");
            (bits(&output), bits(&gradient))
        });
        assert!(of_single == of_half, "{sizes:?}");
    }
}

/// No channels, windows of 3x3, strides, groups, one tap, and channels that fill no block; the last have so many weights that they stay
/// halves, in several panels, of which the last is a narrow one.
#[test]
fn convolutions_of_halves_are_those_of_the_same_numbers() {
    let mut kept = BTreeSet::new();
    for ([inputs, outputs, groups], size, kernel, stride) in [
        ([0, 20, 1], [5, 6], 3, 1),
        ([3, 20, 1], [9, 11], 3, 1),
        ([40, 36, 4], [7, 8], 3, 2),
        ([33, 70, 1], [6, 5], 1, 1),
        ([24, 24, 24], [8, 9], 3, 1),
        ([32, 3, 1], [9, 7], 5, 1),
        ([260, 232, 1], [13, 10], 3, 1),
        ([260, 232, 1], [112, 5], 3, 1),
        ([208, 296, 1], [9, 7], 3, 2),
        ([720, 744, 1], [3, 5], 1, 1),
    ] {
        let padding = Padding::symmetric(kernel / 2, kernel / 2);
        let window = Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1, 1], padding };
        let output = window.output(size).expect("a size");
        let shape =
            ConvShape { batch: 2, in_channels: inputs, out_channels: outputs, groups, input: size, output, window };
        // Of about the size of one, both signs.
        let half = |value: &f32| (value.to_bits() >> 16) as u16 & 0x8fff | 0x3000;
        let halves: Vec<u16> = noise(2, outputs * inputs / groups * kernel * kernel).iter().map(half).collect();
        let single: Vec<f32> = halves.iter().copied().map(portable::widen).collect();
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.takes(&shape)) {
            for direction in [Direction::Forward, Direction::Transposed] {
                for level in Level::available() {
                    let name = format!("{level} {algorithm} {direction:?} {shape:?}");
                    let [of_single, of_half] = [(&single[..]).into(), (&halves[..]).into()].map(|weight| {
                        let conv = PackedConv::new(level, algorithm, &shape, direction, weight, None).expect("pack");
                        (run(&conv, &shape, direction), conv)
                    });
                    assert!(bits(&of_single.0) == bits(&of_half.0), "{name}");
                    let (single_conv, conv) = (of_single.1, of_half.1);
                    let keeps = conv.keeps_halves();
                    assert_eq!(keeps, algorithm.keeps_halves(level, &shape, direction), "{name}");
                    if direction == Direction::Forward {
                        assert_eq!(conv.bytes(), algorithm.packed_bytes(level, &shape, true), "{name}");
                    }
                    let mut back = (vec![0; halves.len()], vec![0.0; halves.len()]);
                    assert_eq!(conv.unpack_halves(&mut back.0).is_ok(), keeps, "{name}");
                    assert!(single_conv.unpack_halves(&mut back.0).is_err() && !single_conv.keeps_halves(), "{name}");
                    if keeps {
                        assert!(2 * conv.bytes() <= single_conv.bytes() && conv.is_reversible(), "{name}");
                        conv.unpack(&mut back.1).expect("unpack");
                        assert!(back.0 == halves && bits(&back.1) == bits(&single), "{name}");
                        kept.insert(algorithm.name());
                    }
                }
            }
        }
        let part = Weights::from(&halves[..]).part(Part::Positive);
        assert!(PackedConv::new(Level::PORTABLE, Algorithm::Direct, &shape, Direction::Forward, part, None).is_err());
    }
    let some_level_reads_halves = Level::available().into_iter().any(Level::reads_halves);
    assert_eq!(kept.len(), if some_level_reads_halves { 3 } else { 0 }, "{kept:?}");
}

fn run(conv: &PackedConv, shape: &ConvShape, direction: Direction) -> Vec<f32> {
    let image = |channels, size, halo| Layout { batch: shape.batch, channels, size, halo };
    let sides = [(shape.in_channels, shape.input), (shape.out_channels, shape.output)];
    let [from, to] = if direction == Direction::Forward { sides } else { [sides[1], sides[0]] };
    let (from, to) = (image(from.0, from.1, conv.halo(from.1, to.1)), image(to.0, to.1, Padding::default()));
    let plain = noise(1, from.batch * from.channels * from.size[0] * from.size[1]);
    let (mut input, mut output) = (Buffer::zeros(from.len()), Buffer::zeros(to.len()));
    from.pack(&plain, &mut input).expect("pack");
    let input = View { layout: from, values: &input };
    conv.run(input, &Epilogue::default(), &Workspace::new(), to, &mut output).expect("run");
    output.to_vec()
}

#[test]
fn sums_of_groups_are_those_of_their_numbers() {
    for (length, count) in [(1, 5), (7, 4100), (16, 3), (49, 1001), (100, 1), (3, 0)] {
        let half = |value: &f32| (value.to_bits() >> 8) as u16 & 0xfbff;
        let halves: Vec<u16> = noise(2, length * count).iter().map(half).collect();
        let single: Vec<f32> = halves.iter().copied().map(portable::widen).collect();
        let [mut of_single, mut of_half] = [(); 2].map(|()| vec![f32::NAN; count]);
        group_sums(length, (&single[..]).into(), &mut of_single).expect("sums");
        group_sums(length, (&halves[..]).into(), &mut of_half).expect("sums");
        assert_eq!(bits(&of_single), bits(&of_half), "{length}");
        for part in [Part::Whole, Part::Positive, Part::Negative] {
            group_sums(length, Weights::from(&single[..]).part(part), &mut of_single).expect("sums");
            for (sum, group) in of_single.iter().zip(single.chunks_exact(length)) {
                let exact: f64 = group.iter().map(|value| f64::from(part.of(*value))).sum();
                let size: f64 = group.iter().map(|value| f64::from(value.abs())).sum();
                assert!((f64::from(*sum) - exact).abs() <= size * f64::from(f32::EPSILON) * length as f64, "{length}");
            }
        }
    }
    assert!(matches!(group_sums(3, (&[0.0; 7][..]).into(), &mut [0.0; 2]), Err(Error::Length { .. })));
}
