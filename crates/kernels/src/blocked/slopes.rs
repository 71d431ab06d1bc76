//! Where a rectifier passes a gradient on: a bit for each number that it put out, in place of the number.

use std::sync::atomic::{AtomicU16, Ordering};

use super::epilogue::Activation;
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// `[n][h][c / 16][w]`, and a bit for each of the 16 channels: whether the rectifier put out none of its bounds there.
#[derive(Debug)]
pub struct Slopes {
    layout: Layout,
    /// Written by threads that share the image's rows.
    bits: Vec<AtomicU16>,
}

impl Slopes {
    /// Those of an image of this shape, whatever its halo. None is marked.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let count = layout.batch * layout.size[0] * layout.blocks() * layout.size[1];
        Self { layout, bits: unmarked(count) }
    }

    /// Those of what a rectifier put out.
    ///
    /// # Errors
    /// [`Error::Length`] where the slice has another length.
    pub fn of(level: Level, activation: Activation, output: View<'_>) -> Result<Self> {
        expect_len("output", output.values.len(), output.layout.len())?;
        let mut slopes = Self::new(output.layout);
        let row_length = output.layout.blocks() * output.layout.size[1];
        parallel::for_each_chunk(&mut slopes.bits, row_length, |row, bits| {
            level.run(Mark { activation, output, row, bits });
        });
        Ok(slopes)
    }

    /// Checks that they are those of an image.
    pub(super) fn check(&self, layout: Layout) -> Result<()> {
        if self.layout.is_shaped_as(&layout) {
            Ok(())
        } else {
            Err(Error::Shape("the slopes are not of the image's shape"))
        }
    }

    /// The bits of a block in row `y` of image `n`.
    pub(super) fn line(&self, n: usize, y: usize, block: usize) -> &[AtomicU16] {
        let Layout { size: [height, width], .. } = self.layout;
        &self.bits[((n * height + y) * self.layout.blocks() + block) * width..][..width]
    }
}

/// Bits of which none is set. Zeros in memory become atomic where they are.
pub(super) fn unmarked(count: usize) -> Vec<AtomicU16> {
    vec![0; count].into_iter().map(AtomicU16::new).collect()
}

/// Marks a pixel that an activation with such bounds put out.
#[inline(always)]
pub(super) fn mark<S: Simd>(simd: S, bounds: [S::Vector; 2], pixel: &[f32; BLOCK], bits: &AtomicU16) {
    let mut all = 0;
    for lane in (0..BLOCK).step_by(S::LANES) {
        all |= simd.within(simd.load(&pixel[lane..]), bounds) << lane;
    }
    bits.store(all, Ordering::Relaxed);
}

/// A row, counted over the batch.
struct Mark<'a> {
    activation: Activation,
    output: View<'a>,
    row: usize,
    bits: &'a [AtomicU16],
}

impl Kernel for Mark<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { activation, output: View { layout, values }, row, bits } = self;
        let bounds = activation.vectors(simd);
        let [height, width] = layout.size;
        let start = layout.row_start(row / height, row % height) + layout.halo.left * BLOCK;
        for (block, bits) in bits.chunks_exact(width).enumerate() {
            let pixels = values[start + block * layout.block_stride()..].as_chunks::<BLOCK>().0;
            for (pixel, bits) in pixels.iter().zip(bits) {
                mark(simd, bounds, pixel, bits);
            }
        }
    }
}
