//! Convolutions that write one channel or three: above all the gradient at an image.
//!
//! `output[p, o] = bias[o] + Σ_lane Σ_{block, tap} input[block, p + tap, lane] weight[block, tap, o, lane]`
//!
//! A [tile](super::tile) has a lane for each channel that is written, and here nearly all of them would be idle. So vectors
//! lie along the channels that are read, which must fill their blocks, and each sum's lanes are added in the end.

use super::BLOCK;
use super::buffer::Buffer;
use super::tile::{Line, Sums};
use super::weights::{Channels, Panel};
use crate::arch::{Kernel, Simd};
use crate::level::Level;

/// Whether a convolution is one of these. Vectors of four are left to the tile: they waste the least, and programs for them
/// must be small.
pub(super) fn is_narrow(level: Level, channels: &Channels) -> bool {
    level.lanes() > 4
        && matches!(channels.outputs, 1 | 3)
        && channels.groups == 1
        && channels.inputs.is_multiple_of(BLOCK)
}

/// Packs the taps `taps` of `weight` as one panel `[blocks, taps, outputs, channels of the block]`.
pub(super) fn pack(channels: &Channels, taps: &[usize], weight: &[f32]) -> (Vec<Panel>, Buffer) {
    let Channels { inputs, outputs, .. } = *channels;
    let length = inputs * taps.len() * outputs;
    let panel = Panel { blocks: 0..inputs / BLOCK, channels: inputs, values: 0..length };
    let mut packed = Buffer::zeros(length);
    let lines = packed.chunks_exact_mut(BLOCK).enumerate();
    for (index, line) in lines {
        let (output, index) = (index % outputs, index / outputs);
        let (tap, block) = (taps[index % taps.len()], index / taps.len());
        for (lane, value) in line.iter_mut().enumerate() {
            *value = weight[channels.place(output, block * BLOCK + lane) + tap];
        }
    }
    (vec![panel], packed)
}

/// The sums of `outputs` channels along some rows.
pub(super) struct Narrow<'a, 'd, R> {
    pub sums: Sums<'d>,
    pub outputs: usize,
    pub rows: &'a mut [R],
    pub tile: &'a mut Tile,
}

/// Pixels of a tile: as many as the registers hold sums of three channels.
const PIXELS: usize = 8;

/// The lanes of all sums of a tile, `[pixels, channels, lanes]`: made outside of the kernel for the reason of
/// [the other tile](super::tile::Tile).
#[repr(align(64))]
pub(super) struct Tile([[f32; BLOCK]; 3 * PIXELS]);

impl Tile {
    pub(super) fn new() -> Self {
        Self([[0.0; BLOCK]; 3 * PIXELS])
    }
}

/// Where the sums of a row come from and go.
pub(super) trait Row {
    /// What is read, from the first block's first pixel on.
    fn input(&self) -> &[f32];
    /// Takes the sums of pixels from `first` on, counted in sums.
    fn put<S: Simd, const P: usize, const O: usize>(&mut self, simd: S, first: usize, sums: [[f32; P]; O]);
    /// What follows once all `pixels` are there.
    fn end<S: Simd>(&mut self, simd: S, pixels: usize);
}

/// A row of an image in blocks.
impl Row for Line<'_, '_> {
    #[inline(always)]
    fn input(&self) -> &[f32] {
        self.input
    }

    #[inline(always)]
    fn put<S: Simd, const P: usize, const O: usize>(&mut self, simd: S, first: usize, sums: [[f32; P]; O]) {
        let mut pixels = [[0.0; BLOCK]; P];
        for (channel, sums) in sums.iter().enumerate() {
            for (pixel, sum) in pixels.iter_mut().zip(sums) {
                pixel[channel] = *sum;
            }
        }
        for (index, pixel) in pixels.iter().enumerate() {
            let place = (first + index) * self.stride;
            for lane in (0..BLOCK).step_by(S::LANES) {
                let value = self.finish.apply(simd, simd.load(&pixel[lane..]), 0, lane, place);
                simd.store(value, &mut self.output[place * BLOCK + lane..]);
            }
        }
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, pixels: usize) {
        Line::end(self, simd, 1, pixels);
    }
}

/// A row of an image `[c, h, w]`.
pub(super) struct PlaneRow<'a, 'b, 'c> {
    pub input: &'a [f32],
    /// The row of each channel, from the first pixel that is written on.
    pub planes: &'b mut [&'c mut [f32]],
    /// From one of them to the next.
    pub stride: usize,
}

impl Row for PlaneRow<'_, '_, '_> {
    #[inline(always)]
    fn input(&self) -> &[f32] {
        self.input
    }

    #[inline(always)]
    fn put<S: Simd, const P: usize, const O: usize>(&mut self, _simd: S, first: usize, sums: [[f32; P]; O]) {
        for (plane, sums) in self.planes.iter_mut().zip(sums) {
            let plane = &mut plane[first * self.stride..][..(P - 1) * self.stride + 1];
            for (pixel, sum) in sums.into_iter().enumerate() {
                plane[pixel * self.stride] = sum;
            }
        }
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, _simd: S, _pixels: usize) {}
}

impl<R: Row> Kernel for Narrow<'_, '_, R> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, outputs, rows, tile } = self;
        if const { S::LANES > 4 } {
            for row in rows {
                if outputs == 1 {
                    along::<S, R, 1>(simd, &sums, row, tile);
                } else {
                    along::<S, R, 3>(simd, &sums, row, tile);
                }
                row.end(simd, sums.pixels);
            }
        }
    }
}

#[inline(always)]
fn along<S: Simd, R: Row, const O: usize>(simd: S, sums: &Sums<'_>, row: &mut R, tile: &mut Tile) {
    // All transposes have stride 1.
    let width = if const { S::LANES == 16 } { PIXELS } else { PIXELS / 2 };
    let whole = if sums.stride == 1 { sums.pixels - sums.pixels % width } else { 0 };
    for first in (0..whole).step_by(width) {
        if const { S::LANES == 16 } {
            sum::<S, R, O, PIXELS>(simd, sums, first, row, tile);
        } else {
            sum::<S, R, O, { PIXELS / 2 }>(simd, sums, first, row, tile);
        }
    }
    (whole..sums.pixels).for_each(|pixel| sum::<S, R, O, 1>(simd, sums, pixel, row, tile));
}

/// `P` pixels from `first` on, times `O` channels; more than one where the stride is 1.
#[inline(always)]
fn sum<S: Simd, R: Row, const O: usize, const P: usize>(
    simd: S,
    sums: &Sums<'_>,
    first: usize,
    row: &mut R,
    tile: &mut Tile,
) {
    let mut lanes = [[simd.splat(0.0); O]; P];
    let mut weights = sums.weights.as_chunks::<BLOCK>().0.as_chunks::<O>().0.iter();
    for block in 0..sums.channels / BLOCK {
        let start = block * sums.block_stride + first * sums.stride * BLOCK;
        let input = row.input()[start..].as_chunks::<BLOCK>().0;
        for (tap, weights) in sums.taps.iter().zip(&mut weights) {
            let input = &input[*tap..][..P];
            for lane in (0..BLOCK).step_by(S::LANES) {
                let weights: [S::Vector; O] = simd.loads(&weights.as_flattened()[lane..], BLOCK);
                for (sums, input) in lanes.iter_mut().zip(input) {
                    let input = simd.load(&input[lane..]);
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = simd.mul_add(input, weight, *sum);
                    }
                }
            }
        }
    }
    let tile = &mut tile.0[..P * O];
    for (tile, lanes) in tile.iter_mut().zip(lanes.as_flattened()) {
        simd.store(*lanes, tile);
    }
    let mut values = [[0.0; P]; O];
    for (channel, (values, bias)) in values.iter_mut().zip(sums.bias).enumerate() {
        let mut vectors = [simd.splat(0.0); 8];
        for (pixel, vector) in vectors.iter_mut().take(P).enumerate() {
            *vector = simd.load(&tile[pixel * O + channel]);
        }
        if P == 1 {
            values[0] = simd.sum(vectors[0]);
        } else {
            values.copy_from_slice(&simd.sums(vectors)[..P]);
        }
        for value in values {
            *value += bias;
        }
    }
    row.put(simd, first, values);
}
