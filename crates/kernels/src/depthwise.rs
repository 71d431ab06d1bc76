//! Convolution in which every output channel reads one input channel: row by row, without columns.

use crate::im2col::tap_line;
use crate::parallel;
use crate::shape::ConvShape;

/// Adds the convolution to `output`, which holds the bias.
pub(crate) fn conv2d(shape: &ConvShape, input: &[f32], weight: &[f32], output: &mut [f32]) {
    let multiplier = shape.group_out();
    parallel::for_each_chunk(output, shape.output_pixels(), |index, plane| {
        let source = &input[index / multiplier * shape.input_pixels()..][..shape.input_pixels()];
        let taps = &weight[index % shape.out_channels * shape.taps()..][..shape.taps()];
        for (row, target) in plane.chunks_exact_mut(shape.output[1]).enumerate() {
            for (tap, weight) in taps.iter().enumerate() {
                let Some(line) = tap_line(shape, row, tap) else { continue };
                let source = &source[line.input_row * shape.input[1]..][..shape.input[1]][line.first_column..];
                let target = &mut target[line.outputs];
                if shape.window.stride[1] == 1 {
                    target.iter_mut().zip(source).for_each(|(target, source)| *target += weight * source);
                } else {
                    let source = source.iter().step_by(shape.window.stride[1]);
                    target.iter_mut().zip(source).for_each(|(target, source)| *target += weight * source);
                }
            }
        }
    });
}

/// Adds the transposed convolution to `input`, which holds zeros.
pub(crate) fn conv2d_transpose(shape: &ConvShape, upstream: &[f32], weight: &[f32], input: &mut [f32]) {
    let multiplier = shape.group_out();
    parallel::for_each_chunk(input, shape.input_pixels(), |index, plane| {
        for output in index * multiplier..(index + 1) * multiplier {
            let source = &upstream[output * shape.output_pixels()..][..shape.output_pixels()];
            let taps = &weight[output % shape.out_channels * shape.taps()..][..shape.taps()];
            for (row, source) in source.chunks_exact(shape.output[1]).enumerate() {
                for (tap, weight) in taps.iter().enumerate() {
                    let Some(line) = tap_line(shape, row, tap) else { continue };
                    let target = plane[line.input_row * shape.input[1]..][..shape.input[1]][line.first_column..]
                        .iter_mut()
                        .step_by(shape.window.stride[1]);
                    target.zip(&source[line.outputs]).for_each(|(target, source)| *target += weight * source);
                }
            }
        }
    });
}
