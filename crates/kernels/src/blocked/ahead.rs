//! Weights that are needed next.
//!
//! They lie behind the panel that passes by, and often behind all caches. A panel passes by tile after tile, but from far only
//! the first time: meanwhile the memory would be idle, and then be waited for. So each tile asks for a share of the weights
//! behind.

use super::BLOCK;
use crate::arch::Simd;

/// Numbers in a line of the cache.
pub(super) const LINE: usize = 16;

/// A tile's share.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    /// What is asked for next, counted from the start of the weights that pass by.
    at: usize,
    /// Numbers of one share.
    share: usize,
    /// Those of them to ask for at once.
    step: usize,
}

impl Ahead {
    /// For `length` weights of `width` channels that pass by `tiles` tiles: the first one's.
    pub(super) fn new(length: usize, width: usize, tiles: usize) -> Self {
        let (share, step) = (length.div_ceil(tiles.max(1)), (BLOCK * width).div_ceil(tiles.max(1)));
        Self { at: length, share, step: step.next_multiple_of(LINE) }
    }

    /// The next tile's.
    pub(super) fn next(self) -> Self {
        Self { at: self.at + self.share, ..self }
    }

    /// Asks for some of it: once for each block's channels and tap.
    #[inline(always)]
    pub(super) fn ask<S: Simd>(&mut self, simd: S, weights: &[f32]) {
        if self.at < 2 * weights.len() {
            for line in (0..self.step).step_by(LINE) {
                simd.prefetch_far(weights, self.at + line);
            }
            self.at += self.step;
        }
    }
}
