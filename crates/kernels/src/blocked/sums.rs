//! Sums over channels.

use super::{BLOCK, Layout, View};
use crate::error::{Result, expect_len};
use crate::parallel;

/// The sum of each pixel's channels, in their order, `[n, h, w]`, and the largest value of each image.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) where a slice has another length.
pub fn channel_sums(input: View<'_>, sums: &mut [f64], largest: &mut [f32]) -> Result<()> {
    let Layout { batch, channels, size: [height, width], halo } = input.layout;
    expect_len("input", input.values.len(), input.layout.len())?;
    expect_len("sums", sums.len(), batch * height * width)?;
    expect_len("largest", largest.len(), batch)?;
    let mut of_rows = vec![f32::NEG_INFINITY; batch * height];
    let rows: Vec<_> = sums.chunks_exact_mut(width.max(1)).zip(&mut of_rows).enumerate().collect();
    parallel::for_each(rows, |(row, (sums, largest))| {
        let start = input.layout.row_start(row / height, row % height) + halo.left * BLOCK;
        sums.fill(0.0);
        for block in 0..input.layout.blocks() {
            let lanes = BLOCK.min(channels - block * BLOCK);
            let pixels = &input.values[start + block * input.layout.block_stride()..][..width * BLOCK];
            for (sum, pixel) in sums.iter_mut().zip(pixels.chunks_exact(BLOCK)) {
                for value in &pixel[..lanes] {
                    *sum += f64::from(*value);
                    *largest = largest.max(*value);
                }
            }
        }
    });
    let images = largest.iter_mut().zip(of_rows.chunks_exact(height.max(1)));
    images.for_each(|(largest, rows)| *largest = rows.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    Ok(())
}
