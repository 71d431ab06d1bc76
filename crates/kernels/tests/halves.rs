//! Weights at half precision against the same numbers at single precision, bit for bit.
#![allow(clippy::expect_used)]

mod common;

use common::noise;
use gradex_kernels::{Error, Level, Part, Weights, group_sums, linear, linear_transpose, portable, widen};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

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
