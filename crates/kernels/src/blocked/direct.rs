//! Convolution as it is written down: every output is a sum over the taps of its window.

use super::buffer::Buffer;
use super::conv::{Direction, Run};
use super::grid::{PIECES, Piece, pieces};
use super::narrow::{self, Narrow, PlaneRow, Tile, is_narrow};
use super::phase::{Phases, Taps};
use super::planes;
use super::tile::{Line, Sums};
use super::weights::{Channels, Panel, Unpacked, Values};
use super::{BLOCK, Layout};
use crate::level::Level;
use crate::parallel;
use crate::shape::{ConvShape, Padding};
use crate::weights::Stored;

/// See [`Sums::part`]: as many blocks of one tap, of more taps as many times fewer, but no fewer than [`LEAST`].
const PART: usize = 16;
const LEAST: usize = 4;

/// A packed convolution of any kernel, stride, dilation and number of groups.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    level: Level,
    /// How many channels are written, where they are so few that [`narrow`] does it.
    narrow: Option<usize>,
    /// Whether [`planes`] are better for it than blocks.
    planes: bool,
    phases: Phases,
    /// For each phase its panels and their values.
    weights: Vec<(Vec<Panel>, Values)>,
    /// One for each channel of each panel.
    bias: Buffer,
}

impl Direct {
    pub(super) fn pack(
        level: Level,
        shape: &ConvShape,
        direction: Direction,
        weight: Stored<'_>,
        bias: Buffer,
    ) -> Self {
        let channels = Channels::new(shape, direction);
        let phases = Phases::new(&shape.window, direction);
        let narrow = is_narrow(level, &channels).then_some(channels.outputs);
        let pack = |taps: &[usize]| {
            if narrow.is_some() {
                let (panels, packed) = narrow::pack(&channels, taps, &weight.numbers());
                return (panels, Values::Single(packed));
            }
            let (panels, length) = channels.panels(level.blocks(), taps.len());
            let packed = Values::pack(&channels, (&panels, length), level.blocks(), taps, weight);
            (panels, packed)
        };
        let weights = phases.phases.iter().map(|phase| pack(&phase.taps)).collect();
        let planes = narrow.is_none() && planes::takes(level, &channels);
        Self { level, narrow, planes, phases, weights, bias }
    }

    /// Whether it can read planes.
    pub(super) fn reads_planes(&self) -> bool {
        self.planes
    }

    /// Whether it can write planes.
    pub(super) fn writes_planes(&self) -> bool {
        self.narrow().is_some()
    }

    /// [`Direct::narrow`] where vectors are long enough: programs for others need not have it.
    fn narrow(&self) -> Option<usize> {
        self.narrow.filter(|_| self.level.lanes() > 4)
    }

    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        self.phases.halo(input, output)
    }

    /// Bytes of the packed weights.
    pub(super) fn bytes(&self) -> usize {
        self.weights.iter().map(|(_, values)| values.bytes()).sum()
    }

    /// Whether [`Direct::unpack`] can give the weight back.
    pub(super) fn is_reversible(&self) -> bool {
        self.narrow.is_none()
    }

    /// Whether it keeps halves.
    pub(super) fn keeps_halves(&self) -> bool {
        self.weights.iter().any(|(_, values)| values.halves().is_some())
    }

    /// Writes the weight that was packed.
    pub(super) fn unpack(&self, channels: &Channels, mut weight: Unpacked<'_>) {
        for (phase, (panels, values)) in self.phases.phases.iter().zip(&self.weights) {
            values.unpack(channels, panels, self.level.blocks(), &phase.taps, &mut weight);
        }
    }

    pub(super) fn run(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        let taps: Vec<Taps> = self.phases.phases.iter().map(|phase| phase.taps(run.row_stride())).collect();
        let panel = self.level.blocks();
        // Where there is one panel, rows are all that threads can share.
        let step = if self.narrow().is_some() { 1 } else { self.phases.step[0] };
        parallel::for_each(pieces(&layout, panel, step, output), |mut piece| {
            piece.clear_halo(&layout);
            self.piece(run, &layout, &taps, &mut piece);
        });
    }

    fn piece(&self, run: &Run<'_>, layout: &Layout, taps: &[Taps], piece: &mut Piece<'_>) {
        let (step, [height, width]) = (self.phases.step, layout.size);
        let rows: Vec<[usize; 2]> = piece.rows.clone().map(|row| [row / height, row % height]).collect();
        for (place, panel) in piece.panels.clone().enumerate() {
            let first = place * self.level.blocks() * layout.block_stride();
            for (phase, taps) in taps.iter().enumerate().filter(|(phase, _)| phase % step[1] < width) {
                let part = Part { run, layout, taps, panel, phase };
                let in_phase = |([_, y], _): &(&[usize; 2], _)| y % step[0] == phase / step[1];
                let of_phase = rows.iter().zip(&mut piece.slices).filter(in_phase);
                let mut lines = Vec::with_capacity(rows.len());
                lines.extend(of_phase.map(|([n, y], slice)| self.line(&part, [*n, *y], &mut slice[first..])));
                if lines.is_empty() {
                    continue;
                }
                let (panels, values) = &self.weights[phase];
                values.read(self.level, panels[panel].values.clone(), run.workspace, |weights| {
                    let sums = self.sums(&part, weights);
                    match self.narrow() {
                        Some(outputs) => {
                            self.level.run(Narrow { sums, outputs, rows: &mut lines, tile: &mut Tile::new() })
                        }
                        None => sums.run(self.level, &mut lines),
                    }
                });
            }
        }
    }

    /// [`Direct::run`] that writes `image [n, c, h, w]`; the layout tells its size.
    pub(super) fn run_to_planes(&self, run: &Run<'_>, layout: Layout, image: &mut [f32]) {
        let Some(outputs) = self.narrow() else { return };
        let step = self.phases.step;
        let taps: Vec<Taps> = self.phases.phases.iter().map(|phase| phase.taps(run.row_stride())).collect();
        parallel::for_each(planes::pieces(&layout, PIECES, image), |piece| {
            let mut tile = Tile::new();
            for (y, mut row) in piece.rows {
                for column in 0..step[1].min(layout.size[1]) {
                    let phase = y % step[0] * step[1] + column;
                    let part = Part { run, layout: &layout, taps: &taps[phase], panel: 0, phase };
                    let mut planes: Vec<&mut [f32]> = row.iter_mut().map(|row| &mut row[column..]).collect();
                    let input = self.input(&part, [piece.image, y]);
                    let rows = &mut [PlaneRow { input, planes: &mut planes, stride: step[1] }];
                    let (panels, values) = &self.weights[phase];
                    values.read(self.level, panels[0].values.clone(), run.workspace, |weights| {
                        let sums = self.sums(&part, weights);
                        self.level.run(Narrow { sums, outputs, rows, tile: &mut tile });
                    });
                }
            }
        });
    }

    /// What a panel's sums have in common.
    fn sums<'a>(&'a self, part: &'a Part<'_>, weights: &'a [f32]) -> Sums<'a> {
        let channels = self.weights[part.phase].0[part.panel].channels;
        let [first, step] = [part.panel * self.level.blocks(), self.phases.step[1]];
        let blocks = self.level.blocks().min(part.layout.blocks() - first);
        Sums {
            planes: part.run.planes,
            taps: &part.taps.offsets,
            block_stride: part.run.block_stride(),
            channels,
            part: (PART / part.taps.offsets.len().max(1)).max(LEAST),
            stride: self.phases.stride[1],
            weights,
            bias: &self.bias[first * BLOCK..][..blocks * BLOCK],
            pixels: (part.layout.size[1] - part.phase % step).div_ceil(step),
        }
    }

    /// What they read for row `y` of image `n`.
    fn input<'a>(&self, part: &Part<'a>, [n, y]: [usize; 2]) -> &'a [f32] {
        let Part { run, taps, panel, phase, .. } = part;
        let Phases { stride, step, .. } = self.phases;
        let pixel = if run.planes { 1 } else { BLOCK };
        let start = taps.start(&run.input.layout, n, y / step[0] * stride[0]) * pixel;
        let reads = self.weights[*phase].0[*panel].blocks.start;
        &run.input.values[start + reads * run.block_stride()..]
    }

    /// One row of them: row `y` of image `n`, whose panel starts where `output` does.
    fn line<'a, 'b>(&self, part: &Part<'a>, [n, y]: [usize; 2], output: &'b mut [f32]) -> Line<'a, 'b> {
        let Part { run, layout, panel, phase, .. } = part;
        let step = self.phases.step;
        let column = phase % step[1];
        Line {
            input: self.input(part, [n, y]),
            output: &mut output[(layout.halo.left + column) * BLOCK..],
            block_stride: layout.block_stride(),
            stride: step[1],
            finish: run.epilogue.at(n, y, panel * self.level.blocks(), column),
        }
    }
}

/// One phase of one panel.
struct Part<'a> {
    run: &'a Run<'a>,
    layout: &'a Layout,
    taps: &'a Taps,
    panel: usize,
    phase: usize,
}
