//! Every fast path against the slow one, on ragged shapes and on the shapes of real networks; and on one thread against
//! several, bit for bit.
#![allow(clippy::expect_used)]

mod common;

use common::{assert_close, bits, conv, lengths, noise, shapes, wide};
use gradex_kernels::{
    ConvShape, Error, Part, Weights, conv2d, conv2d_transpose, linear, linear_transpose, portable, resize_bilinear,
};

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
        linear(sizes, &input, weight[..].into(), Some(&bias), &mut output).expect("linear");
        assert_close(&format!("{sizes:?}"), &output, &expected, inputs);

        let mut expected = vec![0.0; batch * inputs];
        portable::linear_transpose(sizes, &wide(&upstream), &wide(&weight), &mut expected);
        let mut gradient = vec![f32::NAN; batch * inputs];
        linear_transpose(sizes, &upstream, weight[..].into(), &mut gradient).expect("linear_transpose");
        assert_close(&format!("{sizes:?}"), &gradient, &expected, outputs);

        for part in [Part::Positive, Part::Negative] {
            let parts: Vec<f32> = weight.iter().map(|value| part.of(*value)).collect();
            assert!(parts.iter().all(|value| *value == 0.0 || (*value > 0.0) == (part == Part::Positive)));
            let run = |weight: Weights<'_>| {
                let (mut output, mut gradient) = (vec![f32::NAN; output.len()], vec![f32::NAN; input.len()]);
                linear(sizes, &input, weight, Some(&bias), &mut output).expect("linear");
                linear_transpose(sizes, &upstream, weight, &mut gradient).expect("linear_transpose");
                [output, gradient]
            };
            assert_eq!(run(Weights::from(&weight[..]).part(part)), run(parts[..].into()), "{sizes:?} {part:?}");
        }
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
            linear([2, 900, 700], &noise(5, 1800), noise(6, 630_000)[..].into(), None, &mut output).expect("linear");
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
fn a_transpose_of_many_images_gives_the_bits_of_each_alone() {
    for sizes @ [batch, inputs, outputs] in [[2, 40, 9], [3, 17, 5], [5, 2100, 130], [9, 64, 1]] {
        let (weight, mut upstream) = (noise(1, inputs * outputs), noise(2, batch * outputs));
        // Images read different rows, some none, and some products are too small for any number.
        for (index, value) in upstream.iter_mut().enumerate() {
            let (image, row) = (index / outputs, index % outputs);
            match (image + row) % 4 {
                0 => *value = 0.0,
                1 => *value *= 1e-44,
                _ if image == 1 => *value = 0.0,
                _ => {}
            }
        }
        let mut together = vec![f32::NAN; batch * inputs];
        linear_transpose(sizes, &upstream, weight[..].into(), &mut together).expect("all");
        for (image, together) in together.chunks_exact(inputs).enumerate() {
            let upstream = &upstream[image * outputs..][..outputs];
            let mut alone = vec![f32::NAN; inputs];
            linear_transpose([1, inputs, outputs], upstream, weight[..].into(), &mut alone).expect("one");
            assert_eq!(bits(together), bits(&alone), "{sizes:?}, image {image}");
        }
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
