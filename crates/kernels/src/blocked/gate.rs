//! The transpose of a rectifier and of the batch norm before it, or of either.

use std::sync::atomic::{AtomicU16, Ordering};

use super::epilogue::Epilogue;
use super::grid::pieces;
use super::slopes::Slopes;
use super::{BLOCK, Layout};
use crate::arch::Simd;
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// `gradient = scale gradient`, and zero where a rectifier put out one of its bounds.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// Where the rectifier put out none of its bounds: of an image of the gradient's shape.
    pub slopes: Option<&'a Slopes>,
    /// What each channel is multiplied by, with room for whole blocks.
    pub scale: Option<&'a [f32]>,
}

impl Gate<'_> {
    /// Checks that it fits a gradient.
    pub(super) fn check(&self, gradient: Layout) -> Result<()> {
        self.slopes.map_or(Ok(()), |slopes| slopes.check(gradient))?;
        self.scale.map_or(Ok(()), |scale| expect_len("scale", scale.len(), gradient.blocks() * BLOCK))
    }

    /// Changes a pixel of a block.
    #[inline(always)]
    pub(super) fn pass<S: Simd>(&self, simd: S, block: usize, bits: Option<&AtomicU16>, pixel: &mut [f32; BLOCK]) {
        let bits = bits.map_or(u16::MAX, |bits| bits.load(Ordering::Relaxed));
        for lane in (0..BLOCK).step_by(S::LANES) {
            let mut value = simd.keep(simd.load(&pixel[lane..]), bits >> lane);
            if let Some(scale) = self.scale {
                value = simd.mul(value, simd.load(&scale[block * BLOCK + lane..]));
            }
            simd.store(value, &mut pixel[lane..]);
        }
    }
}

/// Turns `gradient` at the output of a rectifier or a batch norm into that at its input. Its halo stays as it is.
///
/// # Errors
/// [`Error`](crate::Error) where the slopes have not the layout's shape or a slice has another length.
pub fn gate(level: Level, gate: &Gate<'_>, layout: Layout, gradient: &mut [f32]) -> Result<()> {
    gate.check(layout)?;
    expect_len("gradient", gradient.len(), layout.len())?;
    let epilogue = Epilogue { gate: Some(*gate), ..Epilogue::default() };
    parallel::for_each(pieces(&layout, 1, 1, gradient), |mut piece| epilogue.end(level, layout, &mut piece));
    Ok(())
}
