//! The innermost loop of every convolution and matrix product: a tile of pixels times output channels whose sums stay in
//! registers, while one weight vector after the other passes by.

use super::BLOCK;
use super::ahead::{Ahead, LINE};
use super::epilogue::Finish;
use crate::arch::{Kernel, Simd};
use crate::level::Level;

/// How far ahead in a panel weights are asked for.
const AHEAD: usize = 1024;

/// The sums of one panel of output channels along a row: what they read.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    /// From the first block's first pixel on.
    pub input: &'a [f32],
    /// Whether it lies in [planes](super::planes) rather than in blocks.
    pub planes: bool,
    /// Whether this panel is the first that reads it: it may be far.
    pub fresh: bool,
    /// The pixels of a block that one sum reads, counted from its own.
    pub taps: &'a [usize],
    /// From one block of input channels to the next.
    pub block_stride: usize,
    /// Input channels.
    pub channels: usize,
    /// Blocks of input channels that are summed by themselves, then added to the rest: so rounding grows with the root of
    /// the parts, not of all terms.
    pub part: usize,
    /// Pixels from one sum to the next.
    pub stride: usize,
    /// `[blocks, taps, channels of the block, channels of the panel]`
    pub weights: &'a [f32],
    /// Tiles that these weights pass by, and those of them that come before this row.
    pub tiles: [usize; 2],
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

/// Two such rows at once, where one is too short to fill the registers: see [`pairs`].
pub(super) struct Pair<'a, 'b> {
    /// Those of the first row.
    pub sums: Sums<'a>,
    /// What the second row reads, in place of the first's.
    pub second: &'a [f32],
    pub pixels: usize,
    pub blocks: usize,
    pub targets: [Target<'b>; 2],
}

/// Whether rows of this many pixels are better computed as a [`Pair`].
pub(super) fn pairs(level: Level, pixels: usize) -> bool {
    level.pixels() == PAIRED && pixels <= PAIRED / 2
}

/// Pixels in a register tile that is wide enough for two rows.
const PAIRED: usize = 14;

impl Kernel for Row<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, pixels, blocks, target } = self;
        let (inputs, mut targets) = ([sums.input], [target]);
        // Conditions on the level are constants: what it does not need is not compiled for it.
        if const { S::LANES == 16 } {
            if blocks == 2 {
                by_stride::<S, 2, 1>(simd, &sums, inputs, pixels, &mut targets);
            } else {
                by_stride::<S, 1, 1>(simd, &sums, inputs, pixels, &mut targets);
            }
        } else if const { S::LANES == 8 } {
            by_stride::<S, 2, 1>(simd, &sums, inputs, pixels, &mut targets);
        } else {
            by_stride::<S, 4, 1>(simd, &sums, inputs, pixels, &mut targets);
        }
    }
}

impl Kernel for Pair<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, second, pixels, blocks, mut targets } = self;
        let inputs = [sums.input, second];
        if const { S::PIXELS == PAIRED } {
            if blocks == 2 {
                by_stride::<S, 2, 2>(simd, &sums, inputs, pixels, &mut targets);
            } else {
                by_stride::<S, 1, 2>(simd, &sums, inputs, pixels, &mut targets);
            }
        }
    }
}

#[inline(always)]
fn by_stride<S: Simd, const B: usize, const R: usize>(
    simd: S,
    sums: &Sums<'_>,
    inputs: [&[f32]; R],
    pixels: usize,
    targets: &mut [Target<'_>; R],
) {
    match (sums.planes, sums.stride) {
        (false, 1) => tiles::<S, B, R, 1, false>(simd, sums, inputs, pixels, targets),
        (false, 2) => tiles::<S, B, R, 2, false>(simd, sums, inputs, pixels, targets),
        (false, _) => tiles::<S, B, R, 0, false>(simd, sums, inputs, pixels, targets),
        (true, stride) => {
            // None of them is a pair of rows.
            if const { R == 1 && S::LANES > 4 } {
                match stride {
                    1 => tiles::<S, B, R, 1, true>(simd, sums, inputs, pixels, targets),
                    2 => tiles::<S, B, R, 2, true>(simd, sums, inputs, pixels, targets),
                    _ => tiles::<S, B, R, 0, true>(simd, sums, inputs, pixels, targets),
                }
            }
        }
    }
}

/// Whether tiles of this width can be asked for: none else are compiled.
const fn fits<S: Simd, const R: usize, const STRIDE: usize>(width: usize) -> bool {
    STRIDE > 0 && width <= S::PIXELS / R
}

/// Cuts rows into tiles of nearly equal width. Stride 0 stands for all that are compiled for no stride of their own.
#[inline(always)]
fn tiles<S: Simd, const B: usize, const R: usize, const STRIDE: usize, const PLANES: bool>(
    simd: S,
    sums: &Sums<'_>,
    inputs: [&[f32]; R],
    pixels: usize,
    targets: &mut [Target<'_>; R],
) {
    let count = pixels.div_ceil(S::PIXELS / R);
    let mut ahead = Ahead::new(sums.weights.len(), B * S::LANES, sums.tiles);
    let mut start = 0;
    for index in 0..count {
        let width = (pixels - start).div_ceil(count - index);
        macro_rules! tile {
            ($($width:literal)*) => {
                match width {
                    $($width if const { fits::<S, R, STRIDE>($width) } => {
                        tile::<S, B, R, STRIDE, PLANES, $width>(simd, sums, inputs, start, targets, ahead);
                    })*
                    _ => (start..start + width)
                        .for_each(|pixel| tile::<S, B, R, STRIDE, PLANES, 1>(simd, sums, inputs, pixel, targets, ahead)),
                }
            };
        }
        tile!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        for target in targets.iter_mut() {
            for block in 0..(B * S::LANES).div_ceil(BLOCK) {
                let output = &mut target.output[block * target.block_stride..];
                target.finish.along(simd, output, block, start..start + width, target.stride);
            }
        }
        start += width;
        ahead = ahead.next();
    }
}

/// `P` pixels from `first` on of `R` rows, times `B` vectors of output channels.
#[inline(always)]
fn tile<S: Simd, const B: usize, const R: usize, const STRIDE: usize, const PLANES: bool, const P: usize>(
    simd: S,
    sums: &Sums<'_>,
    inputs: [&[f32]; R],
    first: usize,
    targets: &mut [Target<'_>; R],
    mut ahead: Ahead,
) {
    let width = B * S::LANES;
    let bias = &sums.bias[..width];
    let mut sum: [[[S::Vector; B]; P]; R] = [[simd.loads(bias, S::LANES); P]; R];
    let mut parts = [[[simd.splat(0.0); B]; P]; R];
    let mut weights = sums.weights;
    for block in 0..sums.channels.div_ceil(BLOCK) {
        if block > 0 && block % sums.part == 0 {
            let sum = sum.as_flattened_mut().as_flattened_mut();
            for (part, sum) in parts.as_flattened_mut().as_flattened_mut().iter_mut().zip(sum) {
                *part = simd.add(*part, std::mem::replace(sum, simd.splat(0.0)));
            }
        }
        let channels = BLOCK.min(sums.channels - block * BLOCK);
        for tap in sums.taps {
            let (panel, rest) = weights.split_at(channels * width);
            weights = rest;
            ahead.ask(simd, sums.weights);
            let channels = panel.chunks_exact(width).enumerate();
            if const { PLANES } {
                for (channel, weights) in channels {
                    let weight: [S::Vector; B] = simd.loads(weights, S::LANES);
                    let start = channel * sums.block_stride + first * sums.stride + tap;
                    let input = &inputs[0][start..][..(P - 1) * STRIDE + 1];
                    for (pixel, sum) in sum.as_flattened_mut().iter_mut().enumerate() {
                        let input = simd.splat(input[pixel * STRIDE]);
                        for (sum, weight) in sum.iter_mut().zip(weight) {
                            *sum = simd.mul_add(input, weight, *sum);
                        }
                    }
                }
            } else {
                let start = block * sums.block_stride + (first * sums.stride + tap) * BLOCK;
                let mut pixels = [[&[0.0; BLOCK]; P]; R];
                for (pixels, input) in pixels.iter_mut().zip(inputs) {
                    let input = &input[start..].as_chunks::<BLOCK>().0[..(P - 1) * STRIDE + 1];
                    for (index, pixel) in pixels.iter_mut().enumerate() {
                        *pixel = &input[index * STRIDE];
                    }
                }
                if sums.fresh && sums.taps.len() == 1 && (block + 1) * BLOCK < sums.channels {
                    for pixel in pixels.as_flattened() {
                        simd.prefetch(&pixel[..], sums.block_stride);
                    }
                }
                for (channel, weights) in channels {
                    let weight: [S::Vector; B] = simd.loads(weights, S::LANES);
                    for line in (0..width).step_by(LINE) {
                        simd.prefetch(weights, AHEAD + line);
                    }
                    for (sum, pixel) in sum.as_flattened_mut().iter_mut().zip(pixels.as_flattened()) {
                        let input = simd.splat(pixel[channel % BLOCK]);
                        for (sum, weight) in sum.iter_mut().zip(weight) {
                            *sum = simd.mul_add(input, weight, *sum);
                        }
                    }
                }
            }
        }
    }
    leave(simd, &sum[0], &parts[0], first, &mut targets[0]);
    if const { R == 2 } {
        leave(simd, &sum[R - 1], &parts[R - 1], first, &mut targets[R - 1]);
    }
}

/// Writes the sums of a row's tile.
#[inline(always)]
fn leave<S: Simd, const B: usize, const P: usize>(
    simd: S,
    sum: &[[S::Vector; B]; P],
    parts: &[[S::Vector; B]; P],
    first: usize,
    target: &mut Target<'_>,
) {
    for vector in 0..B {
        let (block, lane) = (vector * S::LANES / BLOCK, vector * S::LANES % BLOCK);
        let start = block * target.block_stride + first * target.stride * BLOCK + lane;
        let output = &mut target.output[start..];
        for pixel in 0..P {
            let value = simd.add(parts[pixel][vector], sum[pixel][vector]);
            simd.store(value, &mut output[pixel * target.stride * BLOCK..]);
        }
    }
}
