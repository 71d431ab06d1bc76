//! Where the maxima of a max-pool were: a bit for each tap of each window and channel, in place of the image that was read.

use std::sync::atomic::{AtomicU16, Ordering};

use super::slopes::unmarked;
use super::{BLOCK, Layout};
use crate::arch::Simd;
use crate::shape::{PoolShape, Span};

/// `[n][h][c / 16][w][tap]`, and a bit for each of the 16 channels: whether the tap read the first maximum of the window, in
/// row-major order; NaN wins.
#[derive(Debug)]
pub struct Argmax {
    pub(super) shape: PoolShape,
    /// The output's, whatever its halo.
    pub(super) layout: Layout,
    /// Rows and columns of the largest window.
    pub(super) window: [usize; 2],
    /// Written by threads that share the output's rows.
    bits: Vec<AtomicU16>,
}

impl Argmax {
    /// Those of a max-pool; the layout is its output's. None is marked:
    /// [`max_pool_blocked`](super::max_pool_blocked) does that.
    #[must_use]
    pub fn new(shape: PoolShape, layout: Layout) -> Self {
        let longest = |spans: &[Span]| spans.iter().map(|span| span.end.saturating_sub(span.start)).max().unwrap_or(0);
        let window = [longest(&shape.rows), longest(&shape.columns)];
        let pixels = layout.batch * layout.size[0] * layout.blocks() * layout.size[1];
        Self { shape, layout, window, bits: unmarked(pixels * window[0] * window[1]) }
    }

    /// The bits of the windows of a block in row `y` of image `n`: of each as many as [the largest](Self::window) has taps.
    pub(super) fn line(&self, n: usize, y: usize, block: usize) -> &[AtomicU16] {
        let (Layout { size: [height, width], .. }, taps) = (self.layout, self.window[0] * self.window[1]);
        &self.bits[((n * height + y) * self.layout.blocks() + block) * width * taps..][..width * taps]
    }
}

/// Marks the tap that reads `pixel` for the channels from `lane` on, of those that are left where it is the `largest`.
#[inline(always)]
pub(super) fn mark<S: Simd>(
    simd: S,
    pixel: &[f32; BLOCK],
    largest: S::Vector,
    lane: usize,
    left: &mut u16,
    bits: &AtomicU16,
) {
    let first = simd.equal(simd.load(&pixel[lane..]), largest) & *left;
    *left &= !first;
    let before = if lane == 0 { 0 } else { bits.load(Ordering::Relaxed) };
    bits.store(before | first << lane, Ordering::Relaxed);
}
