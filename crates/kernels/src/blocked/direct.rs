//! Convolution as it is written down: every output is a sum over the taps of its window.

use super::buffer::Buffer;
use super::conv::{Direction, Run};
use super::grid::{Piece, pieces};
use super::phase::{Phases, Taps};
use super::tile::{Row, Sums, Target};
use super::weights::{Channels, Panel};
use super::{BLOCK, Layout};
use crate::level::Level;
use crate::parallel;
use crate::shape::{ConvShape, Padding};

/// A packed convolution of any kernel, stride, dilation and number of groups.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    level: Level,
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
        let pack = |taps: &[usize]| {
            let (panels, length) = channels.panels(level.blocks(), taps.len());
            let mut packed = Buffer::zeros(length);
            channels.pack(&panels, level.blocks(), taps, weight, &mut packed);
            (panels, packed)
        };
        let weights = phases.phases.iter().map(|phase| pack(&phase.taps)).collect();
        Self { level, phases, weights, bias }
    }

    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        self.phases.halo(input, output)
    }

    /// How many values the packed weights have.
    pub(super) fn len(&self) -> usize {
        self.weights.iter().map(|(_, values)| values.len()).sum()
    }

    pub(super) fn run(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        let taps: Vec<Taps> = self.phases.phases.iter().map(|phase| phase.taps(&run.input.layout)).collect();
        parallel::for_each(pieces(&layout, self.level.blocks(), output), |piece| {
            self.piece(run, &layout, &taps, piece);
        });
    }

    fn piece(&self, run: &Run<'_>, layout: &Layout, taps: &[Taps], mut piece: Piece<'_>) {
        let Phases { stride, step, .. } = self.phases;
        let source = &run.input.layout;
        let panel_blocks = self.level.blocks();
        for (place, panel) in piece.panels.enumerate() {
            let blocks = panel_blocks.min(layout.blocks() - panel * panel_blocks);
            for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
                let (n, y) = (index / layout.size[0], index % layout.size[0]);
                for column in 0..step[1].min(layout.size[1]) {
                    let phase = y % step[0] * step[1] + column;
                    let (panels, values) = &self.weights[phase];
                    let Panel { blocks: reads, channels, values: range } = &panels[panel];
                    let start = taps[phase].start(source, n, y / step[0] * stride[0]);
                    let sums = Sums {
                        input: &run.input.values[start + reads.start * source.block_stride()..],
                        taps: &taps[phase].offsets,
                        block_stride: source.block_stride(),
                        channels: *channels,
                        stride: stride[1],
                        weights: &values[range.clone()],
                        bias: &self.bias[panel * panel_blocks * BLOCK..][..blocks * BLOCK],
                    };
                    let first = (layout.halo.left + column) * BLOCK;
                    let target = Target {
                        output: &mut row[place * panel_blocks * layout.block_stride() + first..],
                        block_stride: layout.block_stride(),
                        stride: step[1],
                        finish: run.epilogue.at(n, y, panel * panel_blocks, column),
                    };
                    let pixels = (layout.size[1] - column).div_ceil(step[1]);
                    self.level.run(Row { sums, pixels, blocks, target });
                }
            }
        }
    }
}
