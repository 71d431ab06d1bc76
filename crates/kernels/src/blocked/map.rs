//! An [`Epilogue`] by itself, value by value.

use super::epilogue::Epilogue;
use super::grid::{Piece, pieces};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// `output = activation(scale input + shift + residual)`, and zeros in the output's halo.
///
/// # Errors
/// [`Error`] where the layouts do not have one shape or a slice has another length.
pub fn map(level: Level, input: View<'_>, epilogue: &Epilogue<'_>, layout: Layout, output: &mut [f32]) -> Result<()> {
    let read = input.layout;
    if !read.is_shaped_as(&layout) {
        return Err(Error::Shape("the layouts are not of one shape"));
    }
    expect_len("input", input.values.len(), read.len())?;
    expect_len("output", output.len(), layout.len())?;
    epilogue.check(layout)?;
    parallel::for_each(pieces(&layout, 1, 1, output), |mut piece| {
        piece.clear_halo(&layout);
        level.run(Map { input, epilogue, layout, piece: &mut piece });
        epilogue.end(level, layout, &mut piece);
    });
    Ok(())
}

struct Map<'a, 'b, 'c> {
    input: View<'a>,
    epilogue: &'a Epilogue<'a>,
    layout: Layout,
    piece: &'c mut Piece<'b>,
}

impl Kernel for Map<'_, '_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { input, epilogue, layout, piece } = self;
        let source = input.layout;
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let (n, y) = (index / layout.size[0], index % layout.size[0]);
            for (place, block) in piece.panels.clone().enumerate() {
                let start = source.row_start(n, y) + block * source.block_stride() + source.halo.left * BLOCK;
                let pixels = input.values[start..][..layout.size[1] * BLOCK].chunks_exact(BLOCK);
                let target = row[place * layout.block_stride() + layout.halo.left * BLOCK..].chunks_exact_mut(BLOCK);
                let finish = epilogue.at(n, y, block, 0);
                for (x, (pixel, target)) in pixels.zip(target).enumerate() {
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let value = finish.apply(simd, simd.load(&pixel[lane..]), 0, lane, x);
                        simd.store(value, &mut target[lane..]);
                    }
                }
            }
        }
    }
}
