//! The transpose of a max-pool over blocks of channels.

use super::grid::{Piece, pieces_by};
use super::pool::check;
use super::{BLOCK, Layout, View};
use crate::error::{Result, expect_len};
use crate::parallel;
use crate::shape::{PoolShape, Span};

/// Each upstream value goes to the first maximum of its window of `input`, in row-major order; NaN wins. Sums where
/// windows overlap. `shape` is that of all planes.
///
/// # Errors
/// [`Error`](crate::Error) where the layouts do not have this shape or a slice has another length.
pub fn max_pool_transpose_blocked(
    shape: &PoolShape,
    input: View<'_>,
    upstream: View<'_>,
    layout: Layout,
    gradient: &mut [f32],
) -> Result<()> {
    let image = Layout { halo: layout.halo, ..input.layout };
    check(shape, input, upstream.layout, upstream.values)?;
    if image != layout {
        return Err(crate::Error::Shape("the gradient is not of the input's shape"));
    }
    expect_len("gradient", gradient.len(), layout.len())?;
    let planes = pieces_by(&layout, 1, 1, |row| row / layout.size[0].max(1), gradient);
    parallel::for_each(planes, |piece| plane(shape, input, upstream, &layout, piece));
    Ok(())
}

/// One block of channels of one image.
fn plane(shape: &PoolShape, input: View<'_>, upstream: View<'_>, layout: &Layout, mut piece: Piece<'_>) {
    let (source, above) = (input.layout, upstream.layout);
    let n = piece.rows.start / layout.size[0];
    let block = piece.panels.start;
    let left = layout.halo.left * BLOCK;
    piece.slices.iter_mut().for_each(|row| row[left..][..layout.size[1] * BLOCK].fill(0.0));
    let first = block * source.block_stride() + source.halo.left * BLOCK;
    for (y, rows) in shape.rows.iter().enumerate() {
        let start = above.row_start(n, y) + block * above.block_stride() + above.halo.left * BLOCK;
        let values = upstream.values[start..][..above.size[1] * BLOCK].chunks_exact(BLOCK);
        for (columns, values) in shape.columns.iter().zip(values) {
            let best = first_maxima(|y| source.row_start(n, y) + first, input.values, *rows, *columns);
            for (lane, (value, [y, x])) in values.iter().zip(best).enumerate() {
                piece.slices[y as usize][left + x as usize * BLOCK + lane] += value;
            }
        }
    }
}

/// For each channel the row and column of the window's first maximum.
fn first_maxima(row_start: impl Fn(usize) -> usize, values: &[f32], rows: Span, columns: Span) -> [[u32; 2]; BLOCK] {
    let mut best = [f32::NEG_INFINITY; BLOCK];
    let mut places = [[rows.start as u32, columns.start as u32]; BLOCK];
    for y in rows.start..rows.end {
        for x in columns.start..columns.end {
            let pixel = &values[row_start(y) + x * BLOCK..][..BLOCK];
            for ((value, best), place) in pixel.iter().zip(&mut best).zip(&mut places) {
                if *value > *best || (value.is_nan() && !best.is_nan()) {
                    (*best, *place) = (*value, [y as u32, x as u32]);
                }
            }
        }
    }
    places
}
