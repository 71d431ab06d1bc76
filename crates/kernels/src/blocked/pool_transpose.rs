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
/// nothing goes to a maximum at a bound. Last, each channel is multiplied by its `scale`, which has room for whole blocks. In
/// the gradient's halo are zeros.
///
/// # Errors
/// [`Error`](crate::Error) where the layouts do not have this shape or a slice has another length.
pub fn max_pool_transpose_blocked(
    level: Level,
    shape: &PoolShape,
    [input, upstream]: [View<'_>; 2],
    rectified: Activation,
    scale: Option<&[f32]>,
    layout: Layout,
    gradient: &mut [f32],
) -> Result<()> {
    let image = Layout { halo: layout.halo, ..input.layout };
    check(shape, input, upstream.layout, upstream.values)?;
    if image != layout {
        return Err(crate::Error::Shape("the gradient is not of the input's shape"));
    }
    expect_len("gradient", gradient.len(), layout.len())?;
    scale.map_or(Ok(()), |scale| expect_len("scale", scale.len(), layout.blocks() * BLOCK))?;
    let mut first_rows: Vec<usize> = shape.rows.iter().map(|rows| rows.start).collect();
    for y in (1..first_rows.len()).rev() {
        first_rows[y - 1] = first_rows[y - 1].min(first_rows[y]);
    }
    let first_rows = &first_rows[..];
    let planes = pieces_by(&layout, 1, 1, &|row| row / layout.size[0].max(1), gradient);
    parallel::for_each(planes, |mut piece| {
        piece.clear_halo(&layout);
        level.run(Plane { shape, first_rows, input, upstream, rectified, scale, layout, piece });
    });
    Ok(())
}

/// One block of channels of one image.
struct Plane<'a, 'b> {
    shape: &'a PoolShape,
    /// For each row of windows the first row that it or a later one reaches.
    first_rows: &'a [usize],
    input: View<'a>,
    upstream: View<'a>,
    rectified: Activation,
    scale: Option<&'a [f32]>,
    layout: Layout,
    piece: Piece<'b>,
}

impl Kernel for Plane<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { shape, first_rows, input, upstream, rectified, scale, layout, mut piece } = self;
        let bounds = rectified.vectors(simd);
        let scale = scale.map(|scale| &scale.as_chunks::<BLOCK>().0[piece.panels.start]);
        let (source, above) = (input.layout, upstream.layout);
        let n = piece.rows.start / layout.size[0];
        let block = piece.panels.start;
        let left = layout.halo.left * BLOCK;
        let first = (block * source.block_stride() + source.halo.left * BLOCK) / BLOCK;
        let (pixels, _) = input.values.as_chunks::<BLOCK>();
        let mut lines: Vec<_> = piece.slices.iter_mut().map(|row| row[left..].as_chunks_mut::<BLOCK>().0).collect();
        let (mut cleared, mut finished) = (0, 0);
        for (y, rows) in shape.rows.iter().enumerate() {
            if let Some(scale) = scale {
                let done = first_rows[y].min(cleared);
                if finished < done {
                    scale_rows(simd, scale, layout.size[1], &mut lines[finished..done]);
                    finished = done;
                }
            }
            let reached = rows.end.max(cleared);
            lines[cleared..reached].iter_mut().for_each(|line| line[..layout.size[1]].fill([0.0; BLOCK]));
            cleared = reached;
            let start = above.row_start(n, y) + block * above.block_stride() + above.halo.left * BLOCK;
            let (values, _) = upstream.values[start..][..above.size[1] * BLOCK].as_chunks::<BLOCK>();
            for (columns, values) in shape.columns.iter().zip(values) {
                for lane in (0..BLOCK).step_by(S::LANES) {
                    let mut largest = simd.splat(f32::NEG_INFINITY);
                    for y in rows.start..rows.end {
                        let start = source.row_start(n, y) / BLOCK + first;
                        for pixel in &pixels[start + columns.start..start + columns.end] {
                            largest = simd.max(simd.load(&pixel[lane..]), largest);
                        }
                    }
                    let mut rest = simd.keep(simd.load(&values[lane..]), simd.within(largest, bounds));
                    for (y, line) in (rows.start..rows.end).zip(&mut lines[rows.start..rows.end]) {
                        let start = source.row_start(n, y) / BLOCK + first;
                        let window = &pixels[start + columns.start..start + columns.end];
                        for (pixel, target) in window.iter().zip(&mut line[columns.start..columns.end]) {
                            let [sent, kept] = simd.split(rest, simd.load(&pixel[lane..]), largest);
                            let target = &mut target[lane..];
                            simd.store(simd.add(simd.load(target), sent), target);
                            rest = kept;
                        }
                    }
                }
            }
        }
        lines[cleared..].iter_mut().for_each(|line| line[..layout.size[1]].fill([0.0; BLOCK]));
        if let Some(scale) = scale {
            scale_rows(simd, scale, layout.size[1], &mut lines[finished..cleared]);
        }
    }
}

/// Multiplies pixels by the `scale` of their channels.
#[inline(always)]
fn scale_rows<S: Simd>(simd: S, scale: &[f32; BLOCK], width: usize, lines: &mut [&mut [[f32; BLOCK]]]) {
    for pixel in lines.iter_mut().flat_map(|line| &mut line[..width]) {
        for lane in (0..BLOCK).step_by(S::LANES) {
            let value = simd.mul(simd.load(&pixel[lane..]), simd.load(&scale[lane..]));
            simd.store(value, &mut pixel[lane..]);
        }
    }
}
