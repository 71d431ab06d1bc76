//! Convolution in which every channel reads itself: no sum over channels, so vectors multiply vectors.

use std::ops::Range;

use super::buffer::Buffer;
use super::conv::{Direction, Run};
use super::epilogue::Finish;
use super::grid::{Piece, pieces};
use super::phase::{Phases, Taps};
use super::{BLOCK, Layout};
use crate::arch::{Kernel, Simd};
use crate::level::Level;
use crate::parallel;
use crate::shape::{ConvShape, Padding};

/// Pixels whose sums stay in registers.
const PIXELS: usize = 7;

/// A packed depthwise convolution: one input and one output channel a group.
#[derive(Debug, Clone)]
pub(super) struct Depthwise {
    level: Level,
    phases: Phases,
    /// For each phase `[blocks, taps, 16]`.
    weights: Vec<Buffer>,
    bias: Buffer,
}

impl Depthwise {
    pub(super) fn pack(level: Level, shape: &ConvShape, direction: Direction, weight: &[f32], bias: Buffer) -> Self {
        let phases = Phases::new(&shape.window, direction);
        let pack = |taps: &[usize]| {
            let mut packed = Buffer::zeros(shape.groups.div_ceil(BLOCK) * taps.len() * BLOCK);
            for (channel, weight) in weight.chunks_exact(shape.taps()).enumerate() {
                let lanes = packed.iter_mut().skip(channel / BLOCK * taps.len() * BLOCK + channel % BLOCK);
                taps.iter().zip(lanes.step_by(BLOCK)).for_each(|(tap, value)| *value = weight[*tap]);
            }
            packed
        };
        let weights = phases.phases.iter().map(|phase| pack(&phase.taps)).collect();
        Self { level, phases, weights, bias }
    }

    /// Columns: rows that are not there are not read.
    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        Padding { top: 0, bottom: 0, ..self.phases.halo(input, output) }
    }

    /// Bytes of the packed weights.
    pub(super) fn bytes(&self) -> usize {
        self.weights.iter().map(|values| size_of_val(&values[..])).sum()
    }

    pub(super) fn run(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        let taps: Vec<Taps> =
            self.phases.phases.iter().map(|phase| phase.taps(run.input.layout.row_stride() / BLOCK)).collect();
        let rows = self.rows(&run.input.layout, &layout, &taps);
        parallel::for_each(pieces(&layout, 1, 1, output), |mut piece| {
            piece.clear_halo(&layout);
            self.level.run(Job { depthwise: self, run, layout: &layout, taps: &taps, rows: &rows, piece: &mut piece });
            run.epilogue.end(self.level, layout, &mut piece);
        });
    }

    /// All rows of a batch, each as many times as it has phases.
    fn rows(&self, source: &Layout, layout: &Layout, taps: &[Taps]) -> Vec<Row> {
        let Phases { stride, step, .. } = self.phases;
        let [height, width] = layout.size;
        let mut rows = Vec::with_capacity(layout.batch * height * step[1].min(width));
        for (n, y) in (0..layout.batch).flat_map(|n| (0..height).map(move |y| (n, y))) {
            for column in 0..step[1].min(width) {
                let (phase, first) = (y % step[0] * step[1] + column, y / step[0] * stride[0]);
                let (start, inside) = (taps[phase].start(source, n, first), taps[phase].inside(source.size[0], first));
                rows.push(Row { n, y, column, phase, start, inside });
            }
        }
        rows
    }
}

/// One phase of a row.
struct Row {
    n: usize,
    y: usize,
    /// The first pixel.
    column: usize,
    phase: usize,
    /// See [`Taps::start`].
    start: usize,
    /// See [`Taps::inside`].
    inside: Range<usize>,
}

struct Job<'a, 'b, 'c> {
    depthwise: &'a Depthwise,
    run: &'a Run<'a>,
    layout: &'a Layout,
    taps: &'a [Taps],
    /// See [`Depthwise::rows`].
    rows: &'a [Row],
    piece: &'c mut Piece<'b>,
}

impl Kernel for Job<'_, '_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { depthwise, run, layout, taps, rows, piece } = self;
        let Phases { stride, step, .. } = depthwise.phases;
        let source = &run.input.layout;
        let phases = step[1].min(layout.size[1]);
        let rows = &rows[piece.rows.start * phases..piece.rows.end * phases];
        for (place, block) in piece.panels.clone().enumerate() {
            for (slice, rows) in piece.slices.iter_mut().zip(rows.chunks_exact(phases.max(1))) {
                for Row { n, y, column, phase, start, inside } in rows {
                    let weights = &depthwise.weights[*phase][block * taps[*phase].offsets.len() * BLOCK..];
                    let line = Line {
                        input: run.input.values,
                        start: start.wrapping_mul(BLOCK).wrapping_add(block * source.block_stride()),
                        taps: &taps[*phase].offsets[inside.clone()],
                        weights: &weights[inside.start * BLOCK..inside.end * BLOCK],
                        bias: &depthwise.bias[block * BLOCK..][..BLOCK],
                        stride: stride[1],
                        step: step[1],
                        finish: run.epilogue.at(*n, *y, block, *column),
                    };
                    let first = (layout.halo.left + column) * BLOCK;
                    let output = &mut slice[place * layout.block_stride() + first..];
                    let pixels = (layout.size[1] - column).div_ceil(step[1]);
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        match line.stride {
                            1 => line.tiles::<S, 1>(simd, pixels, lane, output),
                            2 => line.tiles::<S, 2>(simd, pixels, lane, output),
                            _ => (0..pixels).for_each(|pixel| {
                                line.tile::<S, 1, 1>(simd, pixel, lane, output);
                            }),
                        }
                    }
                }
            }
        }
    }
}

/// One row of one block.
struct Line<'a> {
    input: &'a [f32],
    /// Where in it the taps are counted from; what they read is inside.
    start: usize,
    taps: &'a [usize],
    weights: &'a [f32],
    bias: &'a [f32],
    /// Pixels read from one sum to the next.
    stride: usize,
    /// Pixels written from one sum to the next.
    step: usize,
    finish: Finish<'a>,
}

impl Line<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const STRIDE: usize>(&self, simd: S, pixels: usize, lane: usize, output: &mut [f32]) {
        let whole = pixels - pixels % PIXELS;
        for pixel in (0..whole).step_by(PIXELS) {
            self.tile::<S, STRIDE, PIXELS>(simd, pixel, lane, output);
        }
        for pixel in whole..pixels {
            self.tile::<S, STRIDE, 1>(simd, pixel, lane, output);
        }
    }

    /// `P` pixels from `first` on, channels from `lane` on.
    #[inline(always)]
    fn tile<S: Simd, const STRIDE: usize, const P: usize>(
        &self,
        simd: S,
        first: usize,
        lane: usize,
        output: &mut [f32],
    ) {
        let start = self.start.wrapping_add(first * self.stride * BLOCK + lane);
        let mut sum = [simd.load(&self.bias[lane..]); P];
        for (tap, weight) in self.taps.iter().zip(self.weights.chunks_exact(BLOCK)) {
            let input = &self.input[start.wrapping_add(*tap * BLOCK)..][..(P - 1) * STRIDE * BLOCK + S::LANES];
            let weight = simd.load(&weight[lane..]);
            for (pixel, sum) in sum.iter_mut().enumerate() {
                *sum = simd.mul_add(simd.load(&input[pixel * STRIDE * BLOCK..]), weight, *sum);
            }
        }
        let output = &mut output[first * self.step * BLOCK..];
        self.finish.leave(simd, sum.into_iter(), [0, lane, first], self.step, output);
    }
}
