//! The innermost loop of every convolution and matrix product: a tile of pixels times output channels whose sums stay in
//! registers, while one weight vector after the other passes by.

use std::array::from_fn;

use super::BLOCK;
use super::epilogue::Finish;
use crate::arch::{Kernel, Simd};

/// Blocks of input channels that are summed by themselves, then added to the rest: so rounding grows with the root of the
/// parts, not of all terms.
const PART: usize = 4;

/// The sums of one panel of output channels along a row: what they read.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    /// From the first block's first pixel on.
    pub input: &'a [f32],
    /// The pixels of a block that one sum reads, counted from its own.
    pub taps: &'a [usize],
    /// From one block of input channels to the next.
    pub block_stride: usize,
    /// Input channels.
    pub channels: usize,
    /// Pixels from one sum to the next.
    pub stride: usize,
    /// `[blocks, taps, channels of the block, channels of the panel]`
    pub weights: &'a [f32],
    /// One for each channel of the panel.
    pub bias: &'a [f32],
}

/// Where the sums go.
pub(super) struct Target<'a> {
    /// From the panel's first block's first pixel on.
    pub output: &'a mut [f32],
    /// From one block of output channels to the next.
    pub block_stride: usize,
    /// Pixels from one sum to the next.
    pub stride: usize,
    /// What happens to them before, from the same pixel on.
    pub finish: Finish<'a>,
}

/// `pixels` sums of a panel of `blocks` blocks of output channels: compiled once for all that call it.
pub(super) struct Row<'a, 'b> {
    pub sums: Sums<'a>,
    pub pixels: usize,
    pub blocks: usize,
    pub target: Target<'b>,
}

impl Kernel for Row<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, pixels, blocks, mut target } = self;
        // Conditions on the level are constants: what it does not need is not compiled for it.
        if const { S::LANES == 16 } {
            if blocks == 2 {
                by_stride::<S, 2>(simd, &sums, pixels, &mut target);
            } else {
                by_stride::<S, 1>(simd, &sums, pixels, &mut target);
            }
        } else if const { S::LANES == 8 } {
            by_stride::<S, 2>(simd, &sums, pixels, &mut target);
        } else {
            by_stride::<S, 4>(simd, &sums, pixels, &mut target);
        }
    }
}

#[inline(always)]
fn by_stride<S: Simd, const B: usize>(simd: S, sums: &Sums<'_>, pixels: usize, target: &mut Target<'_>) {
    match sums.stride {
        1 => tiles::<S, B, 1>(simd, sums, pixels, target),
        2 => tiles::<S, B, 2>(simd, sums, pixels, target),
        _ => (0..pixels).for_each(|pixel| tile::<S, B, 1, 1>(simd, sums, pixel, target)),
    }
}

/// Cuts a row into tiles of nearly equal width.
#[inline(always)]
fn tiles<S: Simd, const B: usize, const STRIDE: usize>(
    simd: S,
    sums: &Sums<'_>,
    pixels: usize,
    target: &mut Target<'_>,
) {
    let count = pixels.div_ceil(S::PIXELS);
    let mut start = 0;
    for index in 0..count {
        let width = (pixels - start).div_ceil(count - index);
        match width {
            1 => tile::<S, B, STRIDE, 1>(simd, sums, start, target),
            2 => tile::<S, B, STRIDE, 2>(simd, sums, start, target),
            3 if const { S::PIXELS > 2 } => tile::<S, B, STRIDE, 3>(simd, sums, start, target),
            4 if const { S::PIXELS > 2 } => tile::<S, B, STRIDE, 4>(simd, sums, start, target),
            5 if const { S::PIXELS > 2 } => tile::<S, B, STRIDE, 5>(simd, sums, start, target),
            6 if const { S::PIXELS > 2 } => tile::<S, B, STRIDE, 6>(simd, sums, start, target),
            7 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 7>(simd, sums, start, target),
            8 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 8>(simd, sums, start, target),
            9 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 9>(simd, sums, start, target),
            10 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 10>(simd, sums, start, target),
            11 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 11>(simd, sums, start, target),
            12 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 12>(simd, sums, start, target),
            13 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 13>(simd, sums, start, target),
            14 if const { S::PIXELS > 6 } => tile::<S, B, STRIDE, 14>(simd, sums, start, target),
            _ => (start..start + width).for_each(|pixel| tile::<S, B, STRIDE, 1>(simd, sums, pixel, target)),
        }
        start += width;
    }
}

/// `P` pixels from `first` on times `B` vectors of output channels.
#[inline(always)]
fn tile<S: Simd, const B: usize, const STRIDE: usize, const P: usize>(
    simd: S,
    sums: &Sums<'_>,
    first: usize,
    target: &mut Target<'_>,
) {
    let width = B * S::LANES;
    let bias = &sums.bias[..width];
    let mut sum: [[S::Vector; B]; P] = [from_fn(|vector| simd.load(&bias[vector * S::LANES..])); P];
    let mut parts = [[simd.splat(0.0); B]; P];
    let mut weights = sums.weights;
    for block in 0..sums.channels.div_ceil(BLOCK) {
        if block > 0 && block % PART == 0 {
            for (part, sum) in parts.as_flattened_mut().iter_mut().zip(sum.as_flattened_mut()) {
                *part = simd.add(*part, std::mem::replace(sum, simd.splat(0.0)));
            }
        }
        let channels = BLOCK.min(sums.channels - block * BLOCK);
        let (input, _) = sums.input[block * sums.block_stride + first * sums.stride * BLOCK..].as_chunks::<BLOCK>();
        for tap in sums.taps {
            let input = &input[*tap..][..(P - 1) * STRIDE + 1];
            let input: [&[f32; BLOCK]; P] = from_fn(|pixel| &input[pixel * STRIDE]);
            let (panel, rest) = weights.split_at(channels * width);
            weights = rest;
            for (channel, weights) in panel.chunks_exact(width).enumerate() {
                let weight: [S::Vector; B] = from_fn(|vector| simd.load(&weights[vector * S::LANES..]));
                for (sum, input) in sum.iter_mut().zip(input) {
                    let input = simd.splat(input[channel % BLOCK]);
                    for (sum, weight) in sum.iter_mut().zip(weight) {
                        *sum = simd.mul_add(input, weight, *sum);
                    }
                }
            }
        }
    }
    for (index, sum) in sum.into_iter().enumerate() {
        let pixel = (first + index) * target.stride;
        for (vector, value) in sum.into_iter().zip(parts[index]).map(|(sum, part)| simd.add(part, sum)).enumerate() {
            let (block, lane) = (vector * S::LANES / BLOCK, vector * S::LANES % BLOCK);
            let value = target.finish.apply(simd, value, block, lane, pixel);
            simd.store(value, &mut target.output[block * target.block_stride + pixel * BLOCK + lane..]);
        }
    }
}
