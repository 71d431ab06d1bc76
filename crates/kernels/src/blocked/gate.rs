//! The transpose of a rectifier, and of the batch norm before it.

use super::epilogue::Activation;
use super::grid::{Piece, pieces};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// `gradient = scale gradient`, and zero where the rectifier put out one of its bounds.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// Which rectifier.
    pub activation: Activation,
    /// What it put out: an image of the gradient's shape.
    pub output: View<'a>,
    /// What each channel is multiplied by, with room for whole blocks.
    pub scale: Option<&'a [f32]>,
}

impl Gate<'_> {
    /// Checks that it fits a gradient.
    pub(super) fn check(&self, gradient: Layout) -> Result<()> {
        let View { layout, values } = self.output;
        if !layout.is_shaped_as(&gradient) {
            return Err(Error::Shape("the rectifier's output is not of the gradient's shape"));
        }
        expect_len("output", values.len(), layout.len())?;
        self.scale.map_or(Ok(()), |scale| expect_len("scale", scale.len(), layout.blocks() * BLOCK))
    }

    /// Changes a piece, cut by panels of `panel` blocks, that was just written.
    pub(super) fn run(&self, level: Level, layout: Layout, panel: usize, piece: &mut Piece<'_>) {
        level.run(Job { gate: *self, layout, panel, piece });
    }
}

/// Turns `gradient` at a rectifier's output into that at its input, or at the batch norm's. Its halo stays as it is.
///
/// # Errors
/// [`Error`] where the layouts do not have one shape or a slice has another length.
pub fn gate(level: Level, gate: &Gate<'_>, layout: Layout, gradient: &mut [f32]) -> Result<()> {
    gate.check(layout)?;
    expect_len("gradient", gradient.len(), layout.len())?;
    parallel::for_each(pieces(&layout, 1, 1, gradient), |mut piece| gate.run(level, layout, 1, &mut piece));
    Ok(())
}

struct Job<'a, 'b, 'c> {
    gate: Gate<'a>,
    layout: Layout,
    panel: usize,
    piece: &'c mut Piece<'b>,
}

impl Kernel for Job<'_, '_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gate: Gate { activation, output, scale }, layout, panel, piece } = self;
        let [low, high] = activation.bounds();
        let bounds = [simd.splat(low), simd.splat(high)];
        let source = output.layout;
        let blocks = piece.panels.start * panel..(piece.panels.end * panel).min(layout.blocks());
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let (n, y) = (index / layout.size[0], index % layout.size[0]);
            for (place, block) in blocks.clone().enumerate() {
                let start = source.row_start(n, y) + block * source.block_stride() + source.halo.left * BLOCK;
                let output = &output.values[start..][..layout.size[1] * BLOCK];
                let gradient = &mut row[place * layout.block_stride() + layout.halo.left * BLOCK..];
                let pixels = output.chunks_exact(BLOCK).zip(gradient.chunks_exact_mut(BLOCK));
                let scale = scale.map(|scale| &scale[block * BLOCK..][..BLOCK]);
                for (output, gradient) in pixels {
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let (value, output) = (simd.load(&gradient[lane..]), simd.load(&output[lane..]));
                        let mut value = simd.keep_within(value, output, bounds);
                        if let Some(scale) = scale {
                            value = simd.mul(value, simd.load(&scale[lane..]));
                        }
                        simd.store(value, &mut gradient[lane..]);
                    }
                }
            }
        }
    }
}
