//! The transpose of an average-pool over blocks of channels.

use super::epilogue::Epilogue;
use super::gate::Gate;
use super::grid::{Piece, pieces_by};
use super::pool::check;
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::shape::PoolShape;

/// Each upstream value, over the product of its spans' divisors, goes to all pixels of its window. Sums where windows overlap.
/// `shape` is that of all planes. Last, the gradient goes through `gate`. In its halo are zeros.
///
/// # Errors
/// [`Error`](crate::Error) where the layouts do not have this shape or a slice has another length.
pub fn average_pool_transpose_blocked(
    level: Level,
    shape: &PoolShape,
    upstream: View<'_>,
    gate: Option<Gate<'_>>,
    layout: Layout,
    gradient: &mut [f32],
) -> Result<()> {
    check(shape, View { layout, values: gradient }, upstream.layout, upstream.values)?;
    expect_len("gradient", gradient.len(), layout.len())?;
    let epilogue = Epilogue { gate, ..Epilogue::default() };
    epilogue.check(layout)?;
    parallel::for_each(pieces_by(&layout, 1, 1, &|row| row / layout.size[0].max(1), gradient), |mut piece| {
        piece.clear_halo(&layout);
        level.run(Plane { shape, upstream, layout, piece: &mut piece });
        epilogue.end(level, layout, &mut piece);
    });
    Ok(())
}

/// One block of channels of one image.
struct Plane<'a, 'b, 'c> {
    shape: &'a PoolShape,
    upstream: View<'a>,
    layout: Layout,
    piece: &'c mut Piece<'b>,
}

impl Kernel for Plane<'_, '_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { shape, upstream: View { layout: above, values }, layout, piece } = self;
        let (n, block) = (piece.rows.start / layout.size[0], piece.panels.start);
        let left = layout.halo.left * BLOCK;
        for row in &mut piece.slices {
            row[left..][..layout.size[1] * BLOCK].fill(0.0);
        }
        for (y, rows) in shape.rows.iter().enumerate() {
            let start = above.row_start(n, y) + block * above.block_stride() + above.halo.left * BLOCK;
            let (upstream, _) = values[start..].as_chunks::<BLOCK>();
            for (columns, upstream) in shape.columns.iter().zip(upstream) {
                let divisor = (rows.divisor * columns.divisor) as f32;
                let mut share = *upstream;
                for value in &mut share {
                    *value /= divisor;
                }
                for row in &mut piece.slices[rows.start..rows.end] {
                    let pixels = row[left..].as_chunks_mut::<BLOCK>().0;
                    for pixel in &mut pixels[columns.start..columns.end] {
                        for lane in (0..BLOCK).step_by(S::LANES) {
                            let sum = simd.add(simd.load(&pixel[lane..]), simd.load(&share[lane..]));
                            simd.store(sum, &mut pixel[lane..]);
                        }
                    }
                }
            }
        }
    }
}
