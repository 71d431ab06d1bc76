//! Convolution as it is written down: every output is a sum over the taps of its window.

use super::buffer::Buffer;
use super::conv::{Direction, Run};
use super::grid::{Piece, pieces};
use super::narrow::{self, Narrow, is_narrow};
use super::phase::{Phases, Taps};
use super::planes;
use super::tile::{Pair, Row, Sums, Target, pairs};
use super::weights::{Channels, Panel};
use super::{BLOCK, Layout};
use crate::level::Level;
use crate::parallel;
use crate::shape::{ConvShape, Padding};

/// See [`Sums::part`].
const PART: usize = 4;

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
    weights: Vec<(Vec<Panel>, Buffer)>,
    /// One for each channel of each panel.
    bias: Buffer,
}

impl Direct {
    pub(super) fn pack(level: Level, shape: &ConvShape, direction: Direction, weight: &[f32], bias: Buffer) -> Self {
        let channels = Channels::new(shape, direction);
        let phases = Phases::new(&shape.window, direction);
        let narrow = is_narrow(level, &channels).then_some(channels.outputs);
        let pack = |taps: &[usize]| {
            if narrow.is_some() {
                return narrow::pack(&channels, taps, weight);
            }
            let (panels, length) = channels.panels(level.blocks(), taps.len());
            let mut packed = Buffer::zeros(length);
            channels.pack(&panels, level.blocks(), taps, weight, &mut packed);
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

    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        self.phases.halo(input, output)
    }

    /// How many values the packed weights have.
    pub(super) fn len(&self) -> usize {
        self.weights.iter().map(|(_, values)| values.len()).sum()
    }

    /// Whether [`Direct::unpack`] can give the weight back.
    pub(super) fn is_reversible(&self) -> bool {
        self.narrow.is_none()
    }

    /// Writes the weight that was packed.
    pub(super) fn unpack(&self, channels: &Channels, weight: &mut [f32]) {
        for (phase, (panels, values)) in self.phases.phases.iter().zip(&self.weights) {
            channels.unpack(panels, self.level.blocks(), &phase.taps, values, weight);
        }
    }

    pub(super) fn run(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        let taps: Vec<Taps> = self.phases.phases.iter().map(|phase| phase.taps(run.row_stride())).collect();
        let panel = self.level.blocks();
        parallel::for_each(pieces(&layout, panel, output), |mut piece| {
            self.piece(run, &layout, &taps, &mut piece);
            run.epilogue.gate(self.level, layout, panel, &mut piece);
        });
    }

    fn piece(&self, run: &Run<'_>, layout: &Layout, taps: &[Taps], piece: &mut Piece<'_>) {
        let panel_blocks = self.level.blocks();
        // Rows that lie in one phase can be computed in pairs.
        let paired =
            self.narrow.is_none() && !run.planes && self.phases.step == [1, 1] && pairs(self.level, layout.size[1]);
        let height = if paired { 2 } else { 1 };
        let row_tiles = layout.size[1].div_ceil(self.phases.step[1]).div_ceil(self.level.pixels() / height);
        let tiles = row_tiles * piece.slices.len().div_ceil(height * self.phases.step[0]);
        for (place, panel) in piece.panels.clone().enumerate() {
            let blocks = panel_blocks.min(layout.blocks() - panel * panel_blocks);
            let first = place * panel_blocks * layout.block_stride();
            for (group, rows) in piece.slices.chunks_mut(height).enumerate() {
                let index = piece.rows.start + group * height;
                for column in 0..self.phases.step[1].min(layout.size[1]) {
                    let tiles = [tiles, group / self.phases.step[0] * row_tiles];
                    let fresh = place == 0;
                    let sums = |index| Sums { fresh, tiles, ..self.sums(run, layout, taps, panel, [index, column]) };
                    let target = |index: usize, row| self.target(run, layout, row, panel, [index, column]);
                    let pixels = (layout.size[1] - column).div_ceil(self.phases.step[1]);
                    match rows {
                        [row] => {
                            let (sums, target) = (sums(index), target(index, &mut row[first..]));
                            match self.narrow {
                                Some(outputs) => self.level.run(Narrow { sums, pixels, outputs, target }),
                                None => self.level.run(Row { sums, pixels, blocks, target }),
                            }
                        }
                        [row, next] => {
                            let targets = [target(index, &mut row[first..]), target(index + 1, &mut next[first..])];
                            let (sums, second) = (sums(index), sums(index + 1).input);
                            self.level.run(Pair { sums, second, pixels, blocks, targets });
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// What one panel's sums along a row read, from this row of the batch and column on.
    fn sums<'a>(
        &'a self,
        run: &Run<'a>,
        layout: &Layout,
        taps: &'a [Taps],
        panel: usize,
        [row, column]: [usize; 2],
    ) -> Sums<'a> {
        let Phases { stride, step, .. } = self.phases;
        let source = &run.input.layout;
        let (n, y) = (row / layout.size[0], row % layout.size[0]);
        let blocks = self.level.blocks().min(layout.blocks() - panel * self.level.blocks());
        let phase = y % step[0] * step[1] + column;
        let (panels, values) = &self.weights[phase];
        let Panel { blocks: reads, channels, values: range } = &panels[panel];
        let pixel = if run.planes { 1 } else { BLOCK };
        let start = taps[phase].start(source, n, y / step[0] * stride[0]) * pixel;
        Sums {
            input: &run.input.values[start + reads.start * run.block_stride()..],
            planes: run.planes,
            fresh: false,
            taps: &taps[phase].offsets,
            block_stride: run.block_stride(),
            channels: *channels,
            part: PART,
            stride: stride[1],
            weights: &values[range.clone()],
            tiles: [1, 0],
            bias: &self.bias[panel * self.level.blocks() * BLOCK..][..blocks * BLOCK],
        }
    }

    /// Where they go: `output` starts with the panel's first block.
    fn target<'a>(
        &self,
        run: &Run<'a>,
        layout: &Layout,
        output: &'a mut [f32],
        panel: usize,
        [row, column]: [usize; 2],
    ) -> Target<'a> {
        let (n, y) = (row / layout.size[0], row % layout.size[0]);
        Target {
            output: &mut output[(layout.halo.left + column) * BLOCK..],
            block_stride: layout.block_stride(),
            stride: self.phases.step[1],
            finish: run.epilogue.at(n, y, panel * self.level.blocks(), column),
        }
    }
}
