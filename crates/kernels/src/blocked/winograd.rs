//! Winograd's convolutions F(4x4, 3x3) and F(2x2, 3x3) (S. Winograd 1980; A. Lavin, S. Gray, CVPR 2016).
//!
//! With `d` a tile of 6x6 or 4x4 inputs, `g` the window: `output tile = Aᵀ (Σ_c (G g Gᵀ) ∘ (Bᵀ d B)) A`. The sum over
//! channels of each of the 36 or 16 places is a matrix product, `[tiles, inputs] x [inputs, outputs]`: the same loop as a 1x1 convolution.
//! Rounding is coarser than that of a direct sum, by a factor of about two.

use super::buffer::Buffer;
use super::conv::{Direction, Run};
use super::epilogue::Finish;
use super::grid::{Piece, pieces_by};
use super::tile::{Line, Sums};
use super::weights::Channels;
use super::winograd_transform::{Tile, input_tile, output_tile};
use super::winograd_weights::WinogradWeights;
use super::{BLOCK, Layout};
use crate::arch::{Kernel, Simd};
use crate::level::Level;
use crate::parallel;
use crate::shape::{ConvShape, Padding};
use crate::weights::Stored;

/// See [`Sums::part`]: shorter than in direct sums, since the last transform magnifies what was rounded.
const PART: usize = 2;
/// Transformed values, in and out, that stay in the cache of one core.
const PRIVATE: usize = 1 << 18;
/// Transformed values that stay in the cache of all cores.
const SHARED: usize = 3 << 20;
/// The fewest stages to be done side by side rather than one after the other.
const STAGES: usize = 4;

/// A packed convolution of 3x3 windows.
#[derive(Debug, Clone)]
pub(super) struct Winograd {
    level: Level,
    tile: Tile,
    /// Rows above and columns left of the first output that its window reads.
    before: [usize; 2],
    weights: WinogradWeights,
    bias: Buffer,
}

/// Some rows of tiles, counted over the batch.
#[derive(Clone, Copy)]
struct Stage {
    first: usize,
    rows: usize,
    /// Tiles along a row.
    across: usize,
    /// From one place to the next: odd, so that places of a tile do not compete for the same line of the cache.
    stride: usize,
}

impl Winograd {
    pub(super) fn pack(
        level: Level,
        tile: Tile,
        shape: &ConvShape,
        direction: Direction,
        weight: Stored<'_>,
        bias: Buffer,
    ) -> Self {
        let channels = Channels::new(shape, direction);
        let padding = [shape.window.padding.top, shape.window.padding.left];
        let before = match direction {
            Direction::Forward => padding,
            Direction::Transposed => padding.map(|padding| 2 - padding),
        };
        Self { level, tile, before, weights: WinogradWeights::pack(level, tile, channels, direction, weight), bias }
    }

    /// Its weights.
    pub(super) fn weights(&self) -> &WinogradWeights {
        &self.weights
    }

    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        let after = |axis: usize| {
            (output[axis].next_multiple_of(self.tile.output()) + 2).saturating_sub(self.before[axis] + input[axis])
        };
        Padding { top: self.before[0], bottom: after(0), left: self.before[1], right: after(1) }
    }

    pub(super) fn run(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        let (places, side) = (self.tile.places(), self.tile.output());
        let [down, across] = layout.size.map(|size| size.div_ceil(side));
        let total = layout.batch * down;
        let values = across * places * BLOCK * (run.input.layout.blocks() + layout.blocks());
        let private = total.div_ceil((PRIVATE / values).max(1));
        let side_by_side = private >= STAGES && self.weights.are_few();
        let stages = if side_by_side { private } else { total.div_ceil((SHARED / values).max(1)) };
        let width = if side_by_side { layout.blocks() } else { layout.blocks().div_ceil(16) };
        let tile_row = |row: usize| row / layout.size[0] * down + row % layout.size[0] / side;
        let first = |stage: usize| stage * total / stages;
        let stage_of = |tile_row: usize| ((tile_row + 1) * stages - 1) / total;
        let stage = |index: usize| {
            let rows = first(index + 1) - first(index);
            Stage { first: first(index), rows, across, stride: (rows * across) | 1 }
        };

        let mut pieces = pieces_by(&layout, 1, width, &|row| stage_of(tile_row(row)), output);
        if side_by_side {
            parallel::for_each(pieces.into_iter().enumerate().collect(), |(index, mut piece)| {
                piece.clear_halo(&layout);
                let stage = stage(index);
                let (mut from, mut to) = self.scratch(run, &layout, stage);
                for (block, values) in from.chunks_exact_mut(stage.place() * places).enumerate() {
                    self.spread(Spread { winograd: self, run, layout: &layout, stage, block, values });
                }
                let place = stage.place() * layout.blocks();
                to.chunks_exact_mut(place).enumerate().for_each(|to| self.multiply_place(stage, to, 0, &from));
                self.gather(Gather { winograd: self, run, layout: &layout, stage, from: &to, piece: &mut piece });
                run.epilogue.end(self.level, layout, &mut piece);
                run.workspace.give(from);
                run.workspace.give(to);
            });
            return;
        }
        let groups = layout.blocks().div_ceil(width);
        for index in 0..stages {
            let stage = stage(index);
            let (mut from, mut to) = self.scratch(run, &layout, stage);
            parallel::for_each_chunk(&mut from, stage.place() * places, |block, values| {
                self.spread(Spread { winograd: self, run, layout: &layout, stage, block, values });
            });
            if self.weights.keeps_halves() {
                self.multiply_by_panels(run, stage, &from, &mut to);
            } else {
                self.multiply_by_places(stage, &from, &mut to);
            }
            let tail = pieces.split_off(groups.min(pieces.len()));
            parallel::for_each(std::mem::replace(&mut pieces, tail), |mut piece| {
                piece.clear_halo(&layout);
                self.gather(Gather { winograd: self, run, layout: &layout, stage, from: &to, piece: &mut piece });
                run.epilogue.end(self.level, layout, &mut piece);
            });
            run.workspace.give(from);
            run.workspace.give(to);
        }
    }

    /// The sums over channels: `[places, blocks, tiles, 16]`.
    fn multiply_by_places(&self, stage: Stage, from: &[f32], to: &mut [f32]) {
        let step = self.level.blocks();
        let all = to.len() / self.tile.places();
        let share = (all / stage.place()).div_ceil(2).next_multiple_of(step);
        let shares = to.chunks_exact_mut(all).enumerate().flat_map(|(place, to)| {
            to.chunks_mut(stage.place() * share).enumerate().map(move |(at, to)| (place, at * share / step, to))
        });
        parallel::for_each(shares.collect(), |(place, first, to)| {
            self.multiply_place(stage, (place, to), first, from);
        });
    }

    /// The same with halves, each panel of them transformed once.
    fn multiply_by_panels(&self, run: &Run<'_>, stage: Stage, from: &[f32], to: &mut [f32]) {
        let (step, places) = (self.level.blocks(), self.tile.places());
        let all = to.len() / places;
        let mut panels: Vec<Vec<&mut [f32]>> = Vec::new();
        panels.resize_with(self.weights.panels(), || Vec::with_capacity(places));
        for place in to.chunks_exact_mut(all) {
            panels.iter_mut().zip(place.chunks_mut(stage.place() * step)).for_each(|(panel, to)| panel.push(to));
        }
        parallel::for_each(panels.into_iter().enumerate().collect(), |(panel, to)| {
            let length = self.weights.place(panel);
            // Places of a window do not compete for the same line of the cache.
            let stride = length + BLOCK;
            let mut weights = run.workspace.take(stride * places);
            self.weights.transform(panel, stride, &mut weights);
            parallel::for_each(to.into_iter().enumerate().collect(), |(place, to)| {
                self.product(stage, place, &weights[place * stride..][..length], from, to);
            });
            run.workspace.give(weights);
        });
    }

    /// [`Winograd::multiply_by_places`] of one place, for the panels from `first` on.
    fn multiply_place(&self, stage: Stage, (place, to): (usize, &mut [f32]), first: usize, from: &[f32]) {
        for (panel, to) in (first..).zip(to.chunks_mut(self.level.blocks() * stage.place())) {
            self.product(stage, place, self.weights.transformed(panel, place), from, to);
        }
    }

    /// The sum over channels of one place, for one panel.
    fn product(&self, stage: Stage, place: usize, weights: &[f32], from: &[f32], output: &mut [f32]) {
        let sums = Sums {
            planes: false,
            taps: &[0],
            block_stride: stage.place() * self.tile.places(),
            channels: self.weights.inputs(),
            part: PART,
            stride: 1,
            weights,
            bias: &[0.0; 2 * BLOCK][..output.len() / stage.place() * BLOCK],
            pixels: stage.tiles(),
        };
        let (input, finish) = (&from[place * stage.place()..], Finish::default());
        let line = Line { input, output, block_stride: stage.place(), stride: 1, finish };
        sums.run(self.level, &mut [line]);
    }

    fn spread(&self, spread: Spread<'_, '_>) {
        match self.tile {
            Tile::Two => self.level.run(SpreadBy::<4>(spread)),
            Tile::Four => self.level.run(SpreadBy::<6>(spread)),
        }
    }

    fn gather(&self, gather: Gather<'_, '_, '_>) {
        match self.tile {
            Tile::Two => self.level.run(GatherBy::<4, 2>(gather)),
            Tile::Four => self.level.run(GatherBy::<6, 4>(gather)),
        }
    }

    /// Room for the transformed tiles before and after the product.
    fn scratch(&self, run: &Run<'_>, layout: &Layout, stage: Stage) -> (Buffer, Buffer) {
        let room = |blocks: usize| run.workspace.take(blocks * self.tile.places() * stage.place());
        (room(run.input.layout.blocks()), room(layout.blocks()))
    }
}

impl Stage {
    fn tiles(&self) -> usize {
        self.rows * self.across
    }

    /// Values of one place of one block of channels.
    fn place(&self) -> usize {
        self.stride * BLOCK
    }
}

/// `Bᵀ d B` of every tile of one block of input channels: `[places, tiles, 16]`.
struct Spread<'a, 'b> {
    winograd: &'a Winograd,
    run: &'a Run<'a>,
    layout: &'a Layout,
    stage: Stage,
    block: usize,
    values: &'b mut [f32],
}

/// With tiles of as many rows and columns.
struct SpreadBy<'a, 'b, const INPUT: usize>(Spread<'a, 'b>);

impl<const INPUT: usize> Kernel for SpreadBy<'_, '_, INPUT> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let side = INPUT - 2;
        let Spread { winograd, run, layout, stage, block, values } = self.0;
        let source = &run.input.layout;
        let down = layout.size[0].div_ceil(side);
        let left = (source.halo.left - winograd.before[1]) * BLOCK + block * source.block_stride();
        for row in 0..stage.rows {
            let (n, y) = ((stage.first + row) / down, (stage.first + row) % down * side);
            let start = source.row_start(n, y) - winograd.before[0] * source.row_stride() + left;
            for column in 0..stage.across {
                let tile = &run.input.values[start + column * side * BLOCK..];
                let target = &mut values[(row * stage.across + column) * BLOCK..];
                for lane in (0..BLOCK).step_by(S::LANES) {
                    input_tile::<S, INPUT>(
                        simd,
                        &tile[lane..],
                        source.row_stride(),
                        &mut target[lane..],
                        stage.place(),
                    );
                }
            }
        }
    }
}

/// `epilogue(Aᵀ m A + bias)` of every tile of some blocks of output channels.
struct Gather<'a, 'b, 'c> {
    winograd: &'a Winograd,
    run: &'a Run<'a>,
    layout: &'a Layout,
    stage: Stage,
    from: &'a [f32],
    piece: &'c mut Piece<'b>,
}

/// With tiles of as many rows and columns, before and after.
struct GatherBy<'a, 'b, 'c, const INPUT: usize, const OUTPUT: usize>(Gather<'a, 'b, 'c>);

impl<const INPUT: usize, const OUTPUT: usize> Kernel for GatherBy<'_, '_, '_, INPUT, OUTPUT> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Gather { winograd, run, layout, stage, from, piece } = self.0;
        let mut slices = &mut piece.slices[..];
        let mut next = piece.rows.start;
        for row in 0..stage.rows {
            let (n, y) = (next / layout.size[0], next % layout.size[0]);
            let height = OUTPUT.min(layout.size[0] - y);
            let (lines, rest) = std::mem::take(&mut slices).split_at_mut(height);
            slices = rest;
            next += height;
            for (place, block) in piece.panels.clone().enumerate() {
                let finish: [Finish<'_>; OUTPUT] =
                    std::array::from_fn(|i| run.epilogue.at(n, y + i.min(height - 1), block, 0));
                for column in 0..stage.across {
                    let width = OUTPUT.min(layout.size[1] - column * OUTPUT);
                    let tile = (block * stage.stride + row * stage.across + column) * BLOCK;
                    let start = place * layout.block_stride() + (layout.halo.left + column * OUTPUT) * BLOCK;
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let tile = output_tile::<S, INPUT, OUTPUT>(
                            simd,
                            &from[tile + lane..],
                            stage.place() * layout.blocks(),
                        );
                        let bias = simd.load(&winograd.bias[block * BLOCK + lane..]);
                        for ((line, values), finish) in lines.iter_mut().zip(tile).zip(&finish) {
                            for (j, value) in values.into_iter().enumerate().take(width) {
                                let value = finish.apply(simd, simd.add(value, bias), 0, lane, column * OUTPUT + j);
                                simd.store(value, &mut line[start + j * BLOCK + lane..]);
                            }
                        }
                    }
                }
            }
        }
    }
}
