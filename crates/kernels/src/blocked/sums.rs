//! Sums over channels.

use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// The sum of each pixel's channels, `[n, h, w]`, and the largest value of each image.
///
/// Lane by lane over the blocks, then over the lanes in pairs: in `f64`, whose rounding of at most 2¹² values nobody sees
/// in `f32`.
///
/// # Errors
/// [`Error::Length`](crate::Error::Length) where a slice has another length.
pub fn channel_sums(level: Level, input: View<'_>, sums: &mut [f64], largest: &mut [f32]) -> Result<()> {
    let Layout { batch, size: [height, width], .. } = input.layout;
    expect_len("input", input.values.len(), input.layout.len())?;
    expect_len("sums", sums.len(), batch * height * width)?;
    expect_len("largest", largest.len(), batch)?;
    let mut of_rows = vec![f32::NEG_INFINITY; batch * height];
    let rows: Vec<_> = sums.chunks_exact_mut(width.max(1)).zip(&mut of_rows).enumerate().collect();
    parallel::for_each(rows, |(row, (sums, largest))| level.run(Row { input, row, sums, largest }));
    let images = largest.iter_mut().zip(of_rows.chunks_exact(height.max(1)));
    images.for_each(|(largest, rows)| *largest = rows.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    Ok(())
}

/// One row, counted over the batch.
struct Row<'a, 'b> {
    input: View<'a>,
    row: usize,
    sums: &'b mut [f64],
    largest: &'b mut f32,
}

impl Kernel for Row<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { input: View { layout, values }, row, sums, largest } = self;
        let height = layout.size[0];
        let start = layout.row_start(row / height, row % height) + layout.halo.left * BLOCK;
        let whole = layout.channels / BLOCK;
        let mut best = [f32::NEG_INFINITY; BLOCK];
        for (x, sum) in sums.iter_mut().enumerate() {
            let mut lanes = [0.0_f64; BLOCK];
            let pixel = |block: usize| &values[start + block * layout.block_stride() + x * BLOCK..][..BLOCK];
            for block in 0..whole {
                for ((lane, best), value) in lanes.iter_mut().zip(&mut best).zip(pixel(block)) {
                    *lane += f64::from(*value);
                    *best = if *value > *best { *value } else { *best };
                }
            }
            if whole < layout.blocks() {
                let values = &pixel(whole)[..layout.channels % BLOCK];
                for ((lane, best), value) in lanes.iter_mut().zip(&mut best).zip(values) {
                    *lane += f64::from(*value);
                    *best = best.max(*value);
                }
            }
            for half in [8, 4, 2, 1] {
                let (low, high) = lanes.split_at_mut(half);
                low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
            }
            *sum = lanes[0];
        }
        *largest = best.into_iter().fold(f32::NEG_INFINITY, f32::max);
    }
}
