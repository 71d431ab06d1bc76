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
pub(super) struct Narrow<'a, 'b, 'c, 'd> {
    pub sums: Sums<'d>,
    pub outputs: usize,
    pub lines: &'c mut [Line<'a, 'b>],
}

impl Kernel for Narrow<'_, '_, '_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sums, outputs, lines } = self;
        if const { S::LANES > 4 } {
            for line in lines {
                if outputs == 1 {
                    row::<S, 1>(simd, &sums, line);
                } else {
                    row::<S, 3>(simd, &sums, line);
                }
                line.end(simd, 1, sums.pixels);
            }
        }
    }
}

#[inline(always)]
fn row<S: Simd, const O: usize>(simd: S, sums: &Sums<'_>, line: &mut Line<'_, '_>) {
    // As many as the registers hold sums of three channels. All transposes have stride 1.
    let width = if const { S::LANES == 16 } { 8 } else { 4 };
    let whole = if sums.stride == 1 { sums.pixels - sums.pixels % width } else { 0 };
    for first in (0..whole).step_by(width) {
        if const { S::LANES == 16 } {
            tile::<S, O, 8>(simd, sums, first, line);
        } else {
            tile::<S, O, 4>(simd, sums, first, line);
        }
    }
    (whole..sums.pixels).for_each(|pixel| tile::<S, O, 1>(simd, sums, pixel, line));
}

/// `P` pixels from `first` on, times `O` channels; more than one where the stride is 1.
#[inline(always)]
fn tile<S: Simd, const O: usize, const P: usize>(simd: S, sums: &Sums<'_>, first: usize, line: &mut Line<'_, '_>) {
    let mut lanes = [[simd.splat(0.0); O]; P];
    let mut weights = sums.weights.as_chunks::<BLOCK>().0.as_chunks::<O>().0.iter();
    for block in 0..sums.channels / BLOCK {
        let start = block * sums.block_stride + first * sums.stride * BLOCK;
        let input = line.input[start..].as_chunks::<BLOCK>().0;
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
    for (index, lanes) in lanes.into_iter().enumerate() {
        let mut pixel = [0.0; BLOCK];
        for ((value, bias), lanes) in pixel.iter_mut().zip(sums.bias).zip(lanes) {
            *value = bias + simd.sum(lanes);
        }
        let place = (first + index) * line.stride;
        for lane in (0..BLOCK).step_by(S::LANES) {
            let value = line.finish.apply(simd, simd.load(&pixel[lane..]), 0, lane, place);
            simd.store(value, &mut line.output[place * BLOCK + lane..]);
        }
    }
}
