//! Pooling over blocks of channels.

use super::argmax::{Argmax, mark};
use super::grid::{Piece, pieces};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::shape::{PoolShape, Span};

/// The maximum of each window; NaN wins; zeros in the output's halo. `shape` is that of all planes of the two layouts. Where the
/// maxima were is marked in `argmax`, of the same shape and layout.
///
/// # Errors
/// [`Error`] where the layouts do not have this shape or a slice has another length.
pub fn max_pool_blocked(
    level: Level,
    shape: &PoolShape,
    input: View<'_>,
    argmax: Option<&Argmax>,
    layout: Layout,
    output: &mut [f32],
) -> Result<()> {
    if argmax.is_some_and(|argmax| argmax.shape != *shape || !argmax.layout.is_shaped_as(&layout)) {
        return Err(Error::Shape("the marks are not of the pooling's shape"));
    }
    pool::<true>(level, shape, input, argmax, layout, output)
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
    pool::<false>(level, shape, input, None, layout, output)
}

fn pool<const MAX: bool>(
    level: Level,
    shape: &PoolShape,
    input: View<'_>,
    argmax: Option<&Argmax>,
    layout: Layout,
    output: &mut [f32],
) -> Result<()> {
    check(shape, input, layout, output)?;
    parallel::for_each(pieces(&layout, 1, 1, output), |mut piece| {
        piece.clear_halo(&layout);
        level.run(Pool::<MAX> { shape, input, argmax, layout, piece });
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
    argmax: Option<&'a Argmax>,
    layout: Layout,
    piece: Piece<'b>,
}

impl<const MAX: bool> Kernel for Pool<'_, '_, MAX> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { shape, input, argmax, layout, mut piece } = self;
        let source = input.layout;
        let pixels = input.values.as_chunks::<BLOCK>().0;
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let [n, y] = [index / layout.size[0], index % layout.size[0]];
            let rows: Span = shape.rows[y];
            for (place, block) in piece.panels.clone().enumerate() {
                let output = &mut row[place * layout.block_stride() + layout.halo.left * BLOCK..];
                let first = (block * source.block_stride()) / BLOCK + source.halo.left;
                let marks = argmax.map(|argmax| (argmax.line(n, y, block), argmax.window));
                for ((x, columns), output) in shape.columns.iter().enumerate().zip(output.as_chunks_mut::<BLOCK>().0) {
                    let line = |y: usize| &pixels[source.row_start(n, y) / BLOCK + first..][columns.start..columns.end];
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let mut found = simd.splat(if MAX { f32::NEG_INFINITY } else { 0.0 });
                        for y in rows.start..rows.end {
                            for pixel in line(y) {
                                let value = simd.load(&pixel[lane..]);
                                found = if MAX { simd.max(value, found) } else { simd.add(found, value) };
                            }
                        }
                        simd.store(found, &mut output[lane..]);
                        if let Some((marks, [down, across])) = marks.filter(|_| MAX) {
                            let (mut left, mut marks) = (u16::MAX, &marks[x * down * across..]);
                            for y in rows.start..rows.end {
                                for (pixel, bits) in line(y).iter().zip(marks) {
                                    mark(simd, pixel, found, lane, &mut left, bits);
                                }
                                marks = &marks[across..];
                            }
                        }
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
