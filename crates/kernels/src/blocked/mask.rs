//! The transpose of a rectifier.

use super::epilogue::Activation;
use super::grid::{Piece, pieces};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// Turns `gradient` at a rectifier's output into that at its input: zero where `output` lies at a bound.
///
/// # Errors
/// [`Error`] where the layouts do not have one shape or a slice has another length.
pub fn mask(
    level: Level,
    activation: Activation,
    output: View<'_>,
    layout: Layout,
    gradient: &mut [f32],
) -> Result<()> {
    let source = output.layout;
    if (source.batch, source.channels, source.size) != (layout.batch, layout.channels, layout.size) {
        return Err(Error::Shape("the layouts are not of one shape"));
    }
    expect_len("output", output.values.len(), source.len())?;
    expect_len("gradient", gradient.len(), layout.len())?;
    let [low, high] = match activation {
        Activation::None => return Ok(()),
        Activation::Relu => [0.0, f32::INFINITY],
        Activation::Relu6 => [0.0, 6.0],
    };
    parallel::for_each(pieces(&layout, 1, gradient), |piece| level.run(Mask { low, high, output, layout, piece }));
    Ok(())
}

struct Mask<'a, 'b> {
    low: f32,
    high: f32,
    output: View<'a>,
    layout: Layout,
    piece: Piece<'b>,
}

impl Kernel for Mask<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { low, high, output, layout, mut piece } = self;
        let source = output.layout;
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let (n, y) = (index / layout.size[0], index % layout.size[0]);
            for (place, block) in piece.panels.clone().enumerate() {
                let start = source.row_start(n, y) + block * source.block_stride() + source.halo.left * BLOCK;
                let output = &output.values[start..][..layout.size[1] * BLOCK];
                let gradient = &mut row[place * layout.block_stride() + layout.halo.left * BLOCK..];
                for (gradient, output) in gradient.iter_mut().zip(output) {
                    // Without a branch: where a rectifier is at its bound is as good as random.
                    let at_a_bound = (*output <= low) | (*output >= high);
                    *gradient = if at_a_bound { 0.0 } else { *gradient };
                }
            }
        }
    }
}
