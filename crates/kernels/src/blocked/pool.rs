//! Pooling over blocks of channels.

use super::grid::{Piece, pieces};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::shape::{PoolShape, Span};

/// The maximum of each window; NaN wins; zeros in the output's halo. `shape` is that of all planes of the two layouts.
///
/// # Errors
/// [`Error`] where the layouts do not have this shape or a slice has another length.
pub fn max_pool_blocked(
    level: Level,
    shape: &PoolShape,
    input: View<'_>,
    layout: Layout,
    output: &mut [f32],
) -> Result<()> {
    pool::<true>(level, shape, input, layout, output)
}

/// The sum of each window over the product of its spans' divisors; zeros in the output's halo. `shape` is that of all planes
/// of the two layouts.
///
/// # Errors
/// [`Error`] where the layouts do not have this shape or a slice has another length.
pub fn average_pool_blocked(
    level: Level,
    shape: &PoolShape,
    input: View<'_>,
    layout: Layout,
    output: &mut [f32],
) -> Result<()> {
    pool::<false>(level, shape, input, layout, output)
}

fn pool<const MAX: bool>(
    level: Level,
    shape: &PoolShape,
    input: View<'_>,
    layout: Layout,
    output: &mut [f32],
) -> Result<()> {
    check(shape, input, layout, output)?;
    parallel::for_each(pieces(&layout, 1, 1, output), |mut piece| {
        piece.clear_halo(&layout);
        level.run(Pool::<MAX> { shape, input, layout, piece });
    });
    Ok(())
}

pub(super) fn check(shape: &PoolShape, input: View<'_>, layout: Layout, output: &[f32]) -> Result<()> {
    shape.check_spans()?;
    let size = [shape.rows.len(), shape.columns.len()];
    let same_planes = input.layout.channels == layout.channels && input.layout.batch == layout.batch;
    if !same_planes || input.layout.size != shape.input || layout.size != size {
        return Err(Error::Shape("the layouts do not fit the pooling"));
    }
    expect_len("input", input.values.len(), input.layout.len())?;
    expect_len("output", output.len(), layout.len())
}

/// Maxima where `MAX`, else averages.
struct Pool<'a, 'b, const MAX: bool> {
    shape: &'a PoolShape,
    input: View<'a>,
    layout: Layout,
    piece: Piece<'b>,
}

impl<const MAX: bool> Kernel for Pool<'_, '_, MAX> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { shape, input, layout, mut piece } = self;
        let source = input.layout;
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let n = index / layout.size[0];
            let rows: Span = shape.rows[index % layout.size[0]];
            for (place, block) in piece.panels.clone().enumerate() {
                let output = &mut row[place * layout.block_stride() + layout.halo.left * BLOCK..];
                let first = block * source.block_stride() + source.halo.left * BLOCK;
                for (columns, output) in shape.columns.iter().zip(output.chunks_exact_mut(BLOCK)) {
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let mut found = simd.splat(if MAX { f32::NEG_INFINITY } else { 0.0 });
                        for y in rows.start..rows.end {
                            let start = source.row_start(n, y) + first;
                            for x in columns.start..columns.end {
                                let value = simd.load(&input.values[start + x * BLOCK + lane..]);
                                found = if MAX { simd.max(value, found) } else { simd.add(found, value) };
                            }
                        }
                        simd.store(found, &mut output[lane..]);
                    }
                    if !MAX {
                        let divisor = (rows.divisor * columns.divisor) as f32;
                        output.iter_mut().for_each(|sum| *sum /= divisor);
                    }
                }
            }
        }
    }
}
