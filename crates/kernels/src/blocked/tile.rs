//! The innermost loop of every convolution and matrix product: a tile of pixels times output channels whose sums stay in
//! registers, while one weight vector after the other passes by.

use super::BLOCK;
use super::ahead::{Ahead, LINE};
use super::epilogue::{End, Finish};
use crate::arch::{Kernel, Simd};
use crate::level::Level;

/// How far ahead in a panel weights are asked for.
const AHEAD: usize = 1024;

/// What the sums of one panel of output channels along some rows have in common.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    /// Whether the input lies in [planes](super::planes) rather than in blocks.
    pub planes: bool,
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
    /// One for each channel of the panel.
    pub bias: &'a [f32],
    /// Sums along a row.
    pub pixels: usize,
}

/// One row of sums.
pub(super) struct Line<'a, 'b> {
    /// What is read, from the first block's first pixel on.
    pub input: &'a [f32],
    /// Where the sums go, from the panel's first block's first pixel on.
    pub output: &'b mut [f32],
    /// From one block of output channels to the next.
    pub block_stride: usize,
    /// Pixels from one sum to the next.
    pub stride: usize,
    /// What happens to them before, from the same pixel on.
    pub finish: Finish<'a>,
}

impl Line<'_, '_> {
    /// What follows once it is written: `pixels` of `vectors` of output channels.
    #[inline(always)]
    pub(super) fn end<S: Simd>(&mut self, simd: S, vectors: usize, pixels: usize) {
        if self.finish.has_end() {
            self.written(simd, [(vectors * S::LANES).div_ceil(BLOCK), pixels]);
        }
    }

    #[inline(never)]
    fn written<S: Simd>(&mut self, simd: S, size: [usize; 2]) {
        let Line { output, block_stride, stride, finish, .. } = self;
        simd.enter(End { finish, size, stride: *stride, block_stride: *block_stride, output });
    }
}

/// The sums of a panel of `B` vectors of output channels along some rows. Stride 0 stands for all that are compiled for no
/// stride of their own. Each is a function by itself: in one the compiler would take many times as long.
pub(super) struct Rows<'a, 'b, 'c, 'd, const B: usize, const STRIDE: usize, const PLANES: bool> {
    sums: Sums<'d>,
    lines: &'c mut [Line<'a, 'b>],
    tile: &'c mut Tile,
}

/// The most pixels in a register tile, of two vectors each.
const PIXELS: usize = 14;

/// The sums of a tile, `[rows, pixels, channels of the panel]`. It is made outside of the kernel: what is made inside the compiler
/// tries to hold in registers, beside the sums that fill them.
#[repr(align(64))]
struct Tile([[f32; BLOCK]; 2 * PIXELS]);

/// Whether tiles of two rows are compiled.
const fn pairs<S: Simd, const PLANES: bool>() -> bool {
    S::PIXELS >= 6 && !PLANES
}

/// Whether two rows of so many sums need fewer tiles together than each by itself.
fn is_paired<S: Simd>(pixels: usize) -> bool {
    pixels.div_ceil(S::PIXELS / 2) < 2 * pixels.div_ceil(S::PIXELS)
}

impl<'a, 'b> Sums<'_> {
    /// Computes them.
    pub(super) fn run(self, level: Level, lines: &mut [Line<'a, 'b>]) {
        match self.bias.len() / level.lanes() {
            1 => self.run_vectors::<1>(level, lines),
            2 => self.run_vectors::<2>(level, lines),
            _ => self.run_vectors::<4>(level, lines),
        }
    }

    fn run_vectors<const B: usize>(self, level: Level, lines: &mut [Line<'a, 'b>]) {
        let (sums, tile) = (self, &mut Tile([[0.0; BLOCK]; 2 * PIXELS]));
        match (sums.planes, sums.stride) {
            (false, 1) => level.run(Rows::<B, 1, false> { sums, lines, tile }),
            (false, 2) => level.run(Rows::<B, 2, false> { sums, lines, tile }),
            (false, _) => level.run(Rows::<B, 0, false> { sums, lines, tile }),
            (true, 1) => level.run(Rows::<B, 1, true> { sums, lines, tile }),
            (true, 2) => level.run(Rows::<B, 2, true> { sums, lines, tile }),
            (true, _) => level.run(Rows::<B, 0, true> { sums, lines, tile }),
        }
    }
}

impl<const B: usize, const STRIDE: usize, const PLANES: bool> Kernel for Rows<'_, '_, '_, '_, B, STRIDE, PLANES> {
    /// Takes two rows at once where that makes fewer tiles.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, lines, tile } = self;
        // Conditions on the level are constants: what it does not need is not compiled for it.
        if const { (B == S::VECTORS || B * S::LANES == BLOCK) && (S::LANES > 4 || !PLANES) } {
            let height = if const { pairs::<S, PLANES>() } && is_paired::<S>(sums.pixels) { 2 } else { 1 };
            let count = lines.len().div_ceil(height) * sums.pixels.div_ceil(S::PIXELS / height);
            let mut ahead = Ahead::new(sums.weights.len(), B * S::LANES, count);
            let mut rest = lines;
            if const { pairs::<S, PLANES>() } && height == 2 {
                let (pairs, last) = rest.as_chunks_mut::<2>();
                for pair in pairs {
                    tiles::<S, B, 2, STRIDE, PLANES>(simd, &sums, pair, tile, &mut ahead);
                    pair.iter_mut().for_each(|line| line.end(simd, B, sums.pixels));
                }
                rest = last;
            }
            for line in rest.as_chunks_mut::<1>().0 {
                tiles::<S, B, 1, STRIDE, PLANES>(simd, &sums, line, tile, &mut ahead);
                line[0].end(simd, B, sums.pixels);
            }
        } else {
            debug_assert!(lines.is_empty(), "no such tile at this level");
        }
    }
}

/// Whether tiles of this width can be asked for: none else are compiled.
const fn fits<S: Simd, const R: usize, const STRIDE: usize>(width: usize) -> bool {
    STRIDE > 0 && width <= S::PIXELS / R
}

/// Cuts rows into tiles of nearly equal width.
#[inline(always)]
fn tiles<S: Simd, const B: usize, const R: usize, const STRIDE: usize, const PLANES: bool>(
    simd: S,
    sums: &Sums<'_>,
    lines: &mut [Line<'_, '_>; R],
    tile: &mut Tile,
    ahead: &mut Ahead,
) {
    let count = sums.pixels.div_ceil(S::PIXELS / R);
    let mut inputs: [&[f32]; R] = [&[]; R];
    inputs.iter_mut().zip(lines.iter()).for_each(|(input, line)| *input = line.input);
    let mut start = 0;
    for index in 0..count {
        let width = (sums.pixels - start).div_ceil(count - index);
        macro_rules! sum {
            ($($width:literal)*) => {
                match width {
                    $($width if const { fits::<S, R, STRIDE>($width) } => {
                        sum::<S, B, R, STRIDE, PLANES, $width>(simd, sums, inputs, start, tile, [0, $width], *ahead);
                    })*
                    _ => {
                        for pixel in 0..width {
                            sum::<S, B, R, STRIDE, PLANES, 1>(simd, sums, inputs, start + pixel, tile, [pixel, width], *ahead);
                        }
                    }
                }
            };
        }
        sum!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        let panel = B * S::LANES;
        for (line, tile) in lines.iter_mut().zip(tile.0.as_flattened().chunks_exact(width * panel)) {
            for vector in 0..B {
                let (block, lane) = (vector * S::LANES / BLOCK, vector * S::LANES % BLOCK);
                let output = &mut line.output[block * line.block_stride + start * line.stride * BLOCK..];
                let values = tile.chunks_exact(panel).map(|sums| simd.load(&sums[vector * S::LANES..]));
                line.finish.leave(simd, values, [block, lane, start], line.stride, output);
            }
        }
        start += width;
        *ahead = ahead.next();
    }
}

/// `P` pixels from `first` on of `R` rows, times `B` vectors of output channels: those from `place` on of a tile that is `across`
/// pixels wide.
#[inline(always)]
fn sum<S: Simd, const B: usize, const R: usize, const STRIDE: usize, const PLANES: bool, const P: usize>(
    simd: S,
    sums: &Sums<'_>,
    inputs: [&[f32]; R],
    first: usize,
    tile: &mut Tile,
    [place, across]: [usize; 2],
    mut ahead: Ahead,
) {
    let width = B * S::LANES;
    let bias = &sums.bias[..width];
    let mut sum: [[[S::Vector; B]; P]; R] = [[simd.loads(bias, S::LANES); P]; R];
    let mut weights = sums.weights;
    let blocks = sums.channels.div_ceil(BLOCK);
    // Of no channels the bias is left.
    for part in (0..blocks.max(1)).step_by(sums.part) {
        for block in part..blocks.min(part + sums.part) {
            let channels = BLOCK.min(sums.channels - block * BLOCK);
            for tap in sums.taps {
                let (panel, rest) = weights.split_at(channels * width);
                weights = rest;
                ahead.ask(simd, sums.weights);
                let channels = (0..channels).zip(panel.chunks_exact(width));
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
                    if sums.taps.len() == 1 && (block + 1) * BLOCK < sums.channels {
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
                            let input = simd.splat(pixel[channel]);
                            for (sum, weight) in sum.iter_mut().zip(weight) {
                                *sum = simd.mul_add(input, weight, *sum);
                            }
                        }
                    }
                }
            }
        }
        for (row, sum) in sum.iter_mut().enumerate() {
            let tile = &mut tile.0.as_flattened_mut()[(row * across + place) * width..][..P * width];
            for (place, sum) in tile.chunks_exact_mut(S::LANES).zip(sum.as_flattened_mut()) {
                let sum = std::mem::replace(sum, simd.splat(0.0));
                simd.store(if part == 0 { sum } else { simd.add(simd.load(place), sum) }, place);
            }
        }
    }
}
