//! Pooling, plane by plane.

use crate::error::{Result, expect_len};
use crate::parallel;
use crate::portable;
use crate::shape::PoolShape;

/// Values that one piece of work covers, where planes are small.
const PIECE: usize = 1 << 14;

/// The maximum of each window and its row-major position in the input plane: the first among equals; NaN wins.
///
/// # Errors
/// [`Error`](crate::Error) where a window is empty or a slice has another length.
pub fn max_pool(shape: &PoolShape, input: &[f32], output: &mut [f32], positions: &mut [u32]) -> Result<()> {
    shape.check(input.len(), output.len())?;
    expect_len("positions", positions.len(), output.len())?;
    let planes = output.chunks_mut(shape.output_pixels()).zip(positions.chunks_mut(shape.output_pixels()));
    parallel::for_each(planes.enumerate().collect(), |(plane, (output, positions))| {
        portable::max_pool_plane(shape, &input[plane * shape.input_pixels()..], output, positions);
    });
    Ok(())
}

/// The transpose of [`max_pool`] at its positions: each upstream value goes to the input that won.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn max_pool_transpose(shape: &PoolShape, upstream: &[f32], positions: &[u32], input: &mut [f32]) -> Result<()> {
    shape.check(input.len(), upstream.len())?;
    expect_len("positions", positions.len(), upstream.len())?;
    parallel::for_each_chunk(input, shape.input_pixels(), |plane, input| {
        let range = plane * shape.output_pixels()..(plane + 1) * shape.output_pixels();
        input.fill(0.0);
        for (upstream, position) in upstream[range.clone()].iter().zip(&positions[range]) {
            input[*position as usize] += upstream;
        }
    });
    Ok(())
}

/// The sum of each window over the product of its spans' divisors.
///
/// # Errors
/// [`Error`](crate::Error) where a window is empty or a slice has another length.
pub fn average_pool(shape: &PoolShape, input: &[f32], output: &mut [f32]) -> Result<()> {
    shape.check(input.len(), output.len())?;
    parallel::for_each_chunk(output, shape.output_pixels(), |plane, output| {
        portable::average_pool_plane(shape, &input[plane * shape.input_pixels()..], output);
    });
    Ok(())
}

/// The transpose of [`average_pool`].
///
/// # Errors
/// [`Error`](crate::Error) where a window is empty or a slice has another length.
pub fn average_pool_transpose(shape: &PoolShape, upstream: &[f32], input: &mut [f32]) -> Result<()> {
    shape.check(input.len(), upstream.len())?;
    let (pixels, windows) = (shape.input_pixels(), shape.output_pixels());
    let (planes, whole) = ((PIECE / pixels).max(1), shape.whole_plane());
    parallel::for_each_chunk(input, planes * pixels, |piece, input| {
        for (plane, input) in input.chunks_mut(pixels).enumerate() {
            let upstream = &upstream[(piece * planes + plane) * windows..][..windows];
            match (whole, upstream) {
                // As if added to zero.
                (Some(divisor), [upstream]) => input.fill(0.0 + upstream / divisor as f32),
                _ => portable::average_pool_transpose_plane(shape, upstream, input),
            }
        }
    });
    Ok(())
}
