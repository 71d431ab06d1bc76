//! Windows as columns of a matrix, and the way back.
//!
//! For some output rows of one group, `columns [depth, pixels]` holds at `[(channel, tap), pixel]` the input value that
//! this tap of that pixel's window reads, zero where it reads padding.

use std::ops::Range;

use crate::parallel;
use crate::shape::ConvShape;

/// Fills `columns` from the input planes of one group, for the output rows `rows`.
pub(crate) fn im2col(shape: &ConvShape, rows: Range<usize>, input: &[f32], columns: &mut [f32]) {
    let pixels = rows.len() * shape.output[1];
    parallel::for_each_chunk(columns, pixels, |index, column| {
        let (channel, tap) = (index / shape.taps(), index % shape.taps());
        let plane = &input[channel * shape.input_pixels()..][..shape.input_pixels()];
        for (output_row, target) in rows.clone().zip(column.chunks_exact_mut(shape.output[1])) {
            let Some(line) = tap_line(shape, output_row, tap) else {
                target.fill(0.0);
                continue;
            };
            target[..line.outputs.start].fill(0.0);
            target[line.outputs.end..].fill(0.0);
            let source = &plane[line.input_row * shape.input[1]..][..shape.input[1]];
            let target = &mut target[line.outputs];
            if shape.window.stride[1] == 1 {
                target.copy_from_slice(&source[line.first_column..][..target.len()]);
            } else {
                let source = source[line.first_column..].iter().step_by(shape.window.stride[1]);
                target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
            }
        }
    });
}

/// Adds `columns` back onto the input planes of one group: the transpose of [`im2col`].
pub(crate) fn col2im(shape: &ConvShape, rows: Range<usize>, columns: &[f32], input: &mut [f32]) {
    let pixels = rows.len() * shape.output[1];
    parallel::for_each_chunk(input, shape.input_pixels(), |channel, plane| {
        for tap in 0..shape.taps() {
            let column = &columns[(channel * shape.taps() + tap) * pixels..][..pixels];
            for (output_row, source) in rows.clone().zip(column.chunks_exact(shape.output[1])) {
                let Some(line) = tap_line(shape, output_row, tap) else { continue };
                let target = plane[line.input_row * shape.input[1]..][..shape.input[1]][line.first_column..]
                    .iter_mut()
                    .step_by(shape.window.stride[1]);
                target.zip(&source[line.outputs]).for_each(|(target, source)| *target += *source);
            }
        }
    });
}

/// What one tap reads for one row of the output.
pub(crate) struct TapLine {
    /// The input row.
    pub input_row: usize,
    /// The output columns whose tap lies inside the input.
    pub outputs: Range<usize>,
    /// The input column that the first of them reads; the next lie a stride apart.
    pub first_column: usize,
}

/// The line of tap number `tap` for an output row, or `None` where the tap reads padding only.
pub(crate) fn tap_line(shape: &ConvShape, output_row: usize, tap: usize) -> Option<TapLine> {
    let window = &shape.window;
    let row = output_row * window.stride[0] + tap / window.kernel[1] * window.dilation[0];
    let input_row = row.checked_sub(window.padding.top).filter(|row| *row < shape.input[0])?;

    let offset = tap % window.kernel[1] * window.dilation[1];
    let stride = window.stride[1];
    let start = window.padding.left.saturating_sub(offset).div_ceil(stride);
    let end = (shape.input[1] + window.padding.left).saturating_sub(offset).div_ceil(stride).min(shape.output[1]);
    if start >= end {
        return None;
    }
    Some(TapLine { input_row, outputs: start..end, first_column: start * stride + offset - window.padding.left })
}
