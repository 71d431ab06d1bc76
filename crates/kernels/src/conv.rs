//! Convolution and its transpose: windows as columns, then a matrix product.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::error::{Result, expect_len};
use crate::gemm::gemm;
use crate::im2col::{col2im, im2col};
use crate::shape::ConvShape;
use crate::{depthwise, parallel};

/// The most values in one block of columns: it stays in the cache that the product reads it from.
const COLUMNS: usize = 1 << 20;

/// `output[n, o] = bias[o] + sum over the group's channels and taps of weight * input`.
///
/// # Errors
/// [`Error`](crate::Error) where the shape contradicts itself or a slice has another length.
pub fn conv2d(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    shape.check(input.len(), weight.len(), output.len())?;
    if let Some(bias) = bias {
        expect_len("bias", bias.len(), shape.out_channels)?;
    }
    fill_bias(shape, bias, output);
    if shape.is_depthwise() {
        depthwise::conv2d(shape, input, weight, output);
        return Ok(());
    }
    let (pixels, depth) = (shape.output_pixels(), shape.depth());
    parallel::try_for_each_chunk(output, shape.group_out() * pixels, |index, output| {
        let input = group_planes(shape, index, input);
        let weight = ArrayView2::from_shape((shape.group_out(), depth), group_weight(shape, index, weight))?;
        let mut output = ArrayViewMut2::from_shape((shape.group_out(), pixels), output)?;
        if shape.window.is_pointwise() {
            gemm(weight, ArrayView2::from_shape((depth, pixels), input)?, 1.0, output);
            return Ok(());
        }
        let mut columns = Vec::new();
        for rows in row_blocks(shape) {
            let span = rows.start * shape.output[1]..rows.end * shape.output[1];
            columns.resize(depth * span.len(), 0.0);
            im2col(shape, rows, input, &mut columns);
            let columns = ArrayView2::from_shape((depth, span.len()), &columns[..])?;
            gemm(weight, columns, 1.0, output.slice_mut(s![.., span]));
        }
        Ok(())
    })
}

/// The transpose of [`conv2d`] without bias: `input = weight^T upstream`, with `upstream` of the output's shape.
///
/// # Errors
/// [`Error`](crate::Error) where the shape contradicts itself or a slice has another length.
pub fn conv2d_transpose(shape: &ConvShape, upstream: &[f32], weight: &[f32], input: &mut [f32]) -> Result<()> {
    shape.check(input.len(), weight.len(), upstream.len())?;
    input.fill(0.0);
    if shape.is_depthwise() {
        depthwise::conv2d_transpose(shape, upstream, weight, input);
        return Ok(());
    }
    let (pixels, depth, group_out) = (shape.output_pixels(), shape.depth(), shape.group_out());
    parallel::try_for_each_chunk(input, shape.group_in() * shape.input_pixels(), |index, input| {
        let upstream = &upstream[index * group_out * pixels..][..group_out * pixels];
        let upstream = ArrayView2::from_shape((group_out, pixels), upstream)?;
        let weight = ArrayView2::from_shape((group_out, depth), group_weight(shape, index, weight))?;
        if shape.window.is_pointwise() {
            gemm(weight.t(), upstream, 0.0, ArrayViewMut2::from_shape((depth, pixels), input)?);
            return Ok(());
        }
        let mut columns = Vec::new();
        for rows in row_blocks(shape) {
            let span = rows.start * shape.output[1]..rows.end * shape.output[1];
            columns.resize(depth * span.len(), 0.0);
            let product = ArrayViewMut2::from_shape((depth, span.len()), &mut columns[..])?;
            gemm(weight.t(), upstream.slice(s![.., span]), 0.0, product);
            col2im(shape, rows, &columns, input);
        }
        Ok(())
    })
}

/// Writes the bias, or zero, to every pixel of its channel.
fn fill_bias(shape: &ConvShape, bias: Option<&[f32]>, output: &mut [f32]) {
    match bias {
        None => output.fill(0.0),
        Some(bias) => {
            let planes = output.chunks_mut(shape.output_pixels().max(1));
            planes.zip(bias.iter().cycle()).for_each(|(plane, bias)| plane.fill(*bias));
        }
    }
}

/// The input planes of group number `index`, counted over the batch.
fn group_planes<'a>(shape: &ConvShape, index: usize, input: &'a [f32]) -> &'a [f32] {
    let length = shape.group_in() * shape.input_pixels();
    &input[index * length..][..length]
}

/// The weight of group number `index`, counted over the batch.
fn group_weight<'a>(shape: &ConvShape, index: usize, weight: &'a [f32]) -> &'a [f32] {
    let length = shape.group_out() * shape.depth();
    &weight[index % shape.groups * length..][..length]
}

/// Blocks of output rows whose columns stay below [`COLUMNS`] values.
fn row_blocks(shape: &ConvShape) -> impl Iterator<Item = Range<usize>> {
    let total = shape.output[0];
    let height = (COLUMNS / (shape.depth() * shape.output[1]).max(1)).clamp(1, total.max(1));
    (0..total).step_by(height).map(move |start| start..(start + height).min(total))
}
