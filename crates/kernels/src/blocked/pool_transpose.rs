//! The transpose of a max-pool over blocks of channels.

use super::epilogue::Activation;
use super::grid::{Piece, pieces_by};
use super::pool::check;
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::shape::PoolShape;

/// Each upstream value goes to the first maximum of its window of `input`, in row-major order; NaN wins. Sums where
/// windows overlap. `shape` is that of all planes. `rectified` says what put out `input`: its transpose is part of this,
/// nothing goes to a maximum at a bound.
///
/// # Errors
/// [`Error`](crate::Error) where the layouts do not have this shape or a slice has another length.
pub fn max_pool_transpose_blocked(
    level: Level,
    shape: &PoolShape,
    [input, upstream]: [View<'_>; 2],
    rectified: Activation,
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
    parallel::for_each(planes, |piece| level.run(Plane { shape, input, upstream, rectified, layout, piece }));
    Ok(())
}

/// Stands for no place in a window.
const NOWHERE: i32 = -1;

/// One block of channels of one image.
struct Plane<'a, 'b> {
    shape: &'a PoolShape,
    input: View<'a>,
    upstream: View<'a>,
    rectified: Activation,
    layout: Layout,
    piece: Piece<'b>,
}

impl Kernel for Plane<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { shape, input, upstream, rectified, layout, mut piece } = self;
        let [low, high] = rectified.bounds();
        let (source, above) = (input.layout, upstream.layout);
        let n = piece.rows.start / layout.size[0];
        let block = piece.panels.start;
        let left = layout.halo.left * BLOCK;
        let first = (block * source.block_stride() + source.halo.left * BLOCK) / BLOCK;
        let (pixels, _) = input.values.as_chunks::<BLOCK>();
        let mut lines: Vec<_> = piece.slices.iter_mut().map(|row| row[left..].as_chunks_mut::<BLOCK>().0).collect();
        let mut cleared = 0;
        for (y, rows) in shape.rows.iter().enumerate() {
            let reached = rows.end.max(cleared);
            lines[cleared..reached].iter_mut().for_each(|line| line[..layout.size[1]].fill([0.0; BLOCK]));
            cleared = reached;
            let start = above.row_start(n, y) + block * above.block_stride() + above.halo.left * BLOCK;
            let (values, _) = upstream.values[start..][..above.size[1] * BLOCK].as_chunks::<BLOCK>();
            for (columns, values) in shape.columns.iter().zip(values) {
                let window = || (rows.start..rows.end).flat_map(|y| (columns.start..columns.end).map(move |x| (y, x)));
                let mut best = [f32::NEG_INFINITY; BLOCK];
                let mut places = [0; BLOCK];
                for (index, (y, x)) in window().enumerate() {
                    let pixel = &pixels[source.row_start(n, y) / BLOCK + first + x];
                    for lane in 0..BLOCK {
                        let (value, largest) = (pixel[lane], best[lane]);
                        let better = (value > largest) | (value.is_nan() & !largest.is_nan());
                        best[lane] = if better { value } else { largest };
                        places[lane] = if better { index as i32 } else { places[lane] };
                    }
                }
                for (place, best) in places.iter_mut().zip(best) {
                    *place = if (best <= low) | (best >= high) { NOWHERE } else { *place };
                }
                for (index, (y, x)) in window().enumerate() {
                    let target = &mut lines[y][x];
                    for lane in 0..BLOCK {
                        // All bits or none of them: as a condition, this would be a branch that nobody can foresee.
                        let chosen = i32::from(places[lane] == index as i32).wrapping_neg().cast_unsigned();
                        target[lane] += f32::from_bits(values[lane].to_bits() & chosen);
                    }
                }
            }
        }
        lines[cleared..].iter_mut().for_each(|line| line[..layout.size[1]].fill([0.0; BLOCK]));
    }
}
