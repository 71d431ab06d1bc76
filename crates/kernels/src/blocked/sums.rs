//! Sums over channels.

use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// Pixels that are summed side by side.
const PIXELS: usize = 8;

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
        let mut best = [f32::NEG_INFINITY; PIXELS * BLOCK];
        for (tile, sums) in sums.chunks_mut(PIXELS).enumerate() {
            let mut lanes = [0.0_f64; PIXELS * BLOCK];
            let pixels = |block: usize| {
                &values[start + block * layout.block_stride() + tile * PIXELS * BLOCK..][..sums.len() * BLOCK]
            };
            for block in 0..whole {
                let values = pixels(block);
                for (lane, value) in lanes.iter_mut().zip(values) {
                    *lane += f64::from(*value);
                }
                for (best, value) in best.iter_mut().zip(values) {
                    *best = larger(*best, *value);
                }
            }
            if whole < layout.blocks() {
                let pixels = pixels(whole).chunks_exact(BLOCK).zip(lanes.chunks_exact_mut(BLOCK));
                for (values, lanes) in pixels {
                    for (value, lane) in values[..layout.channels % BLOCK].iter().zip(lanes) {
                        *lane += f64::from(*value);
                        best[0] = larger(best[0], *value);
                    }
                }
            }
            for (sum, lanes) in sums.iter_mut().zip(lanes.chunks_exact(BLOCK)) {
                let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
                for (lane, sum) in eight.iter_mut().enumerate() {
                    *sum = lanes[lane] + lanes[lane + 8];
                }
                for (lane, sum) in four.iter_mut().enumerate() {
                    *sum = eight[lane] + eight[lane + 4];
                }
                *sum = (four[0] + four[2]) + (four[1] + four[3]);
            }
        }
        *largest = best.into_iter().fold(f32::NEG_INFINITY, f32::max);
    }
}

#[inline(always)]
fn larger(best: f32, value: f32) -> f32 {
    if value > best { value } else { best }
}
