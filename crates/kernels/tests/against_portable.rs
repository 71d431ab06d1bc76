//! Every fast path against the slow one, on ragged shapes and on the shapes of real networks; and on one thread against
//! several, bit for bit.
#![allow(clippy::expect_used)]

use gradex_kernels::{
    ConvShape, Error, Padding, Window, conv2d, conv2d_transpose, linear, linear_transpose, portable, resize_bilinear,
};

/// Reproducible values in `[-1, 1)`.
fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / 2f32.powi(31) - 1.0
    };
    (0..length).map(|_| next()).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

fn assert_close(name: &str, actual: &[f32], expected: &[f64], terms: usize) {
    let scale = expected.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    let bound = 4.0 * f64::from(f32::EPSILON) * (terms as f64).sqrt() * scale;
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let apart = (f64::from(*actual) - expected).abs();
        assert!(apart <= bound, "{name} [{index}]: {actual} is {apart:e} from {expected}, more than {bound:e}");
    }
}

/// A convolution by `[channels in, out, groups]`, input size, `[kernel, stride, dilation]` and padding.
fn conv(
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

fn shapes() -> Vec<ConvShape> {
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

fn lengths(shape: &ConvShape) -> [usize; 3] {
    let input = shape.batch * shape.in_channels * shape.input[0] * shape.input[1];
    let taps = shape.window.kernel[0] * shape.window.kernel[1];
    let output = shape.batch * shape.out_channels * shape.output[0] * shape.output[1];
    [input, shape.out_channels * shape.in_channels / shape.groups * taps, output]
}

#[test]
fn convolution_and_its_transpose() {
    for shape in shapes() {
        let [input_len, weight_len, output_len] = lengths(&shape);
        let (input, weight, bias) = (noise(1, input_len), noise(2, weight_len), noise(3, shape.out_channels));
        let upstream = noise(4, output_len);
        let terms = (weight_len / shape.out_channels).max(weight_len / shape.in_channels) + 1;
        let name = format!("{shape:?}");

        for bias in [None, Some(&bias[..])] {
            let mut expected = vec![0.0; output_len];
            portable::conv2d(&shape, &wide(&input), &wide(&weight), bias.map(wide).as_deref(), &mut expected);
            let mut output = vec![f32::NAN; output_len];
            conv2d(&shape, &input, &weight, bias, &mut output).expect("conv2d");
            assert_close(&name, &output, &expected, terms);
        }

        let mut expected = vec![0.0; input_len];
        portable::conv2d_transpose(&shape, &wide(&upstream), &wide(&weight), &mut expected);
        let mut gradient = vec![f32::NAN; input_len];
        conv2d_transpose(&shape, &upstream, &weight, &mut gradient).expect("conv2d_transpose");
        assert_close(&name, &gradient, &expected, terms);
    }
}

#[test]
fn linear_and_its_transpose() {
    for sizes @ [batch, inputs, outputs] in [[1, 1, 1], [1, 2048, 1000], [3, 17, 5], [2, 1025, 130], [5, 64, 64]] {
        let (input, weight) = (noise(1, batch * inputs), noise(2, inputs * outputs));
        let (bias, mut upstream) = (noise(3, outputs), noise(4, batch * outputs));
        upstream[0] = 0.0;

        let mut expected = vec![0.0; batch * outputs];
        portable::linear(sizes, &wide(&input), &wide(&weight), Some(&wide(&bias)), &mut expected);
        let mut output = vec![f32::NAN; batch * outputs];
        linear(sizes, &input, &weight, Some(&bias), &mut output).expect("linear");
        assert_close(&format!("{sizes:?}"), &output, &expected, inputs);

        let mut expected = vec![0.0; batch * inputs];
        portable::linear_transpose(sizes, &wide(&upstream), &wide(&weight), &mut expected);
        let mut gradient = vec![f32::NAN; batch * inputs];
        linear_transpose(sizes, &upstream, &weight, &mut gradient).expect("linear_transpose");
        assert_close(&format!("{sizes:?}"), &gradient, &expected, outputs);
    }
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut bits = Vec::new();
            for shape in shapes() {
                let [input_len, weight_len, output_len] = lengths(&shape);
                let (input, weight) = (noise(1, input_len), noise(2, weight_len));
                let mut output = vec![0.0; output_len];
                conv2d(&shape, &input, &weight, None, &mut output).expect("conv2d");
                let mut gradient = vec![0.0; input_len];
                conv2d_transpose(&shape, &output, &weight, &mut gradient).expect("conv2d_transpose");
                bits.extend(output.iter().chain(&gradient).map(|value| value.to_bits()));
            }
            let mut output = vec![0.0; 2 * 700];
            linear([2, 900, 700], &noise(5, 1800), &noise(6, 630_000), None, &mut output).expect("linear");
            bits.extend(output.iter().map(|value| value.to_bits()));
            bits
        })
    };
    assert!(run(1) == run(3), "the result depends on the number of threads");
}

#[test]
fn an_image_of_a_batch_does_not_influence_another() {
    for shape in shapes() {
        let [input_len, weight_len, output_len] = lengths(&shape);
        let (input, weight) = (noise(1, input_len), noise(2, weight_len));
        let mut both = vec![0.0; output_len];
        conv2d(&shape, &input, &weight, None, &mut both).expect("conv2d");
        let single = ConvShape { batch: 1, ..shape };
        let mut second = vec![0.0; output_len / 2];
        conv2d(&single, &input[input_len / 2..], &weight, None, &mut second).expect("conv2d");
        assert_eq!(second, both[output_len / 2..], "{shape:?}");
    }
}

#[test]
fn resizing_by_hand() {
    let resize = |from, input: &[f32], to: [usize; 2]| {
        let mut output = vec![f32::NAN; to[0] * to[1]];
        resize_bilinear(from, input, to, &mut output).expect("resize");
        output
    };
    assert_eq!(resize([1, 2], &[0.0, 4.0], [1, 4]), [0.0, 1.0, 3.0, 4.0]);
    assert_eq!(resize([1, 4], &[0.0, 1.0, 3.0, 4.0], [1, 2]), [0.5, 3.5]);
    assert_eq!(resize([2, 2], &[1.0, 2.0, 3.0, 4.0], [1, 1]), [2.5]);
    assert_eq!(resize([1, 1], &[7.0], [2, 3]), [7.0; 6]);
    assert_eq!(resize([2, 3], &[1., 2., 3., 4., 5., 6.], [2, 3]), [1., 2., 3., 4., 5., 6.]);
}

#[test]
fn slices_and_shapes_that_do_not_fit_are_refused() {
    let shape = conv([2, 3, 1], [4, 4], [3, 3], [1, 1], [1, 1], [1; 4]);
    let [input, weight, output] = lengths(&shape);
    let mut target = vec![0.0; output];
    let error = conv2d(&shape, &noise(1, input - 1), &noise(2, weight), None, &mut target);
    assert_eq!(error, Err(Error::Length { what: "input", expected: input, actual: input - 1 }));
    let error = conv2d(&shape, &noise(1, input), &noise(2, weight), Some(&[0.0]), &mut target);
    assert_eq!(error, Err(Error::Length { what: "bias", expected: 3, actual: 1 }));
    let error = conv2d(&ConvShape { groups: 0, ..shape }, &noise(1, input), &noise(2, weight), None, &mut target);
    assert!(matches!(error, Err(Error::Shape(_))));
    let error = conv2d(&ConvShape { output: [5, 4], ..shape }, &noise(1, input), &noise(2, weight), None, &mut target);
    assert!(matches!(error, Err(Error::Shape(_))));
    assert!(matches!(resize_bilinear([0, 2], &[], [1, 1], &mut [0.0]), Err(Error::Shape(_))));
}
