//! Shapes, values and bounds that the tests share.
#![allow(clippy::expect_used, dead_code)]

use gradex_kernels::blocked::{Buffer, Layout};
use gradex_kernels::{ConvShape, Padding, Window};

/// Reproducible values in `[-1, 1)`.
pub fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / 2f32.powi(31) - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// What two results that are the same have in common, NaN and the sign of zero included.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// At most `4 ε √terms` of the largest value apart.
pub fn assert_close(name: &str, actual: &[f32], expected: &[f64], terms: usize) {
    assert_within(4.0, name, actual, expected, terms);
}

/// At most `factor ε √terms` of the largest value apart.
pub fn assert_within(factor: f64, name: &str, actual: &[f32], expected: &[f64], terms: usize) {
    let scale = expected.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    let bound = factor * f64::from(f32::EPSILON) * (terms as f64).sqrt() * scale;
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let apart = (f64::from(*actual) - expected).abs();
        assert!(apart <= bound, "{name} [{index}]: {actual} is {apart:e} from {expected}, more than {bound:e}");
    }
}

/// A convolution by `[channels in, out, groups]`, input size, `[kernel, stride, dilation]` and padding.
pub fn conv(
    [in_channels, out_channels, groups]: [usize; 3],
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    [top, bottom, left, right]: [usize; 4],
) -> ConvShape {
    let window = Window { kernel, stride, dilation, padding: Padding { top, bottom, left, right } };
    let output = window.output(input).expect("a window that fits");
    ConvShape { batch: 2, in_channels, out_channels, groups, input, output, window }
}

pub fn shapes() -> Vec<ConvShape> {
    let mut shapes = vec![
        // Whole layers: a stem, a 3x3 of several row blocks, pointwise, strided pointwise, grouped, depthwise.
        conv([3, 64, 1], [60, 60], [7, 7], [2, 2], [1, 1], [3; 4]),
        conv([64, 70, 1], [61, 37], [3, 3], [1, 1], [1, 1], [1; 4]),
        conv([130, 140, 1], [28, 25], [1, 1], [1, 1], [1, 1], [0; 4]),
        conv([64, 128, 1], [28, 28], [1, 1], [2, 2], [1, 1], [0; 4]),
        conv([128, 128, 32], [14, 14], [3, 3], [2, 2], [1, 1], [1; 4]),
        conv([96, 96, 96], [28, 28], [3, 3], [2, 2], [1, 1], [0, 1, 0, 1]),
        conv([40, 40, 40], [14, 14], [5, 5], [1, 1], [1, 1], [2; 4]),
    ];
    // Ragged ones: every small size, kernels larger than the input, uneven padding, holes.
    for height in 1..6 {
        for width in 1..6 {
            for (kernel, stride, dilation, padding) in [
                ([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
                ([3, 3], [2, 2], [1, 1], [0, 1, 0, 1]),
                ([2, 3], [1, 2], [2, 1], [1, 2, 0, 3]),
                ([1, 1], [3, 2], [1, 1], [0, 0, 0, 0]),
                ([5, 4], [1, 1], [1, 1], [2, 2, 3, 1]),
            ] {
                for channels in [[2, 3, 1], [4, 6, 2], [3, 3, 3], [2, 4, 2]] {
                    let window = Window { kernel, stride, dilation, padding: Padding::default() };
                    let padded = [height + padding[0] + padding[1], width + padding[2] + padding[3]];
                    if window.output(padded).is_some() {
                        shapes.push(conv(channels, [height, width], kernel, stride, dilation, padding));
                    }
                }
            }
        }
    }
    shapes
}

pub fn lengths(shape: &ConvShape) -> [usize; 3] {
    let input = shape.batch * shape.in_channels * shape.input[0] * shape.input[1];
    let taps = shape.window.kernel[0] * shape.window.kernel[1];
    let output = shape.batch * shape.out_channels * shape.output[0] * shape.output[1];
    [input, shape.out_channels * shape.in_channels / shape.groups * taps, output]
}

/// The image in blocks, in memory that held no number.
pub fn packed(layout: Layout, image: &[f32]) -> Buffer {
    let mut values = poisoned(layout);
    layout.pack(image, &mut values).expect("pack");
    values
}

/// Room for an image whose every value and halo must be written.
pub fn poisoned(layout: Layout) -> Buffer {
    let mut values = Buffer::zeros(layout.len());
    values.fill(f32::NAN);
    values
}

/// The image in blocks, row-major; around it are zeros.
pub fn unpacked(layout: Layout, values: &[f32]) -> Vec<f32> {
    let Layout { batch, channels, size: [height, width], halo } = layout;
    let (stored, columns) = (halo.top + height + halo.bottom, halo.left + width + halo.right);
    for (place, pixel) in values.chunks_exact(16).enumerate() {
        let (y, x) = (place / columns / layout.blocks() % stored, place % columns);
        let inside = (halo.top..halo.top + height).contains(&y) && (halo.left..halo.left + width).contains(&x);
        assert!(inside || pixel.iter().all(|value| *value == 0.0), "row {y}, column {x} of {layout:?}");
    }
    let mut image = vec![f32::NAN; batch * channels * height * width];
    layout.unpack(values, &mut image).expect("unpack");
    image
}
