//! Weights in the order in which the kernels read them.

use std::ops::Range;

use super::BLOCK;
use super::buffer::Buffer;
use super::conv::Direction;
use crate::parallel;
use crate::shape::ConvShape;

/// The weights of one panel of output channels.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    /// The blocks of input channels that it reads.
    pub blocks: Range<usize>,
    /// The channels in them.
    pub channels: usize,
    /// Its values among all.
    pub values: Range<usize>,
}

/// A convolution seen from the side that is written: `outputs` channels, each a sum over channels of its group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels {
    pub inputs: usize,
    pub outputs: usize,
    pub groups: usize,
    direction: Direction,
    taps: usize,
}

impl Channels {
    pub(super) fn new(shape: &ConvShape, direction: Direction) -> Self {
        let (inputs, outputs) = match direction {
            Direction::Forward => (shape.in_channels, shape.out_channels),
            Direction::Transposed => (shape.out_channels, shape.in_channels),
        };
        Self { inputs, outputs, groups: shape.groups, direction, taps: shape.taps() }
    }

    /// How many values a weight has.
    pub(super) fn weights(&self) -> usize {
        self.outputs * self.group_inputs() * self.taps
    }

    fn group_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Where the weight `[out_channels, in_channels / groups, taps]` holds tap 0 of this pair.
    pub(super) fn place(&self, output: usize, input: usize) -> usize {
        match self.direction {
            Direction::Forward => (output * self.group_inputs() + input % self.group_inputs()) * self.taps,
            Direction::Transposed => (input * self.group_outputs() + output % self.group_outputs()) * self.taps,
        }
    }

    /// The input channels that an output reads.
    fn reads(&self, output: usize) -> Range<usize> {
        let group = output / self.group_outputs();
        group * self.group_inputs()..(group + 1) * self.group_inputs()
    }

    /// The panels of `panel` blocks of output channels for `taps` taps, and how many values they have together.
    pub(super) fn panels(&self, panel: usize, taps: usize) -> (Vec<Panel>, usize) {
        let (mut panels, mut start) = (Vec::new(), 0);
        let blocks = self.outputs.div_ceil(BLOCK);
        for first in (0..blocks).step_by(panel) {
            let width = panel.min(blocks - first) * BLOCK;
            let last = (first * BLOCK + width).min(self.outputs) - 1;
            let (from, to) = (self.reads(first * BLOCK).start, self.reads(last).end);
            let blocks = from / BLOCK..to.div_ceil(BLOCK);
            let channels = (blocks.end * BLOCK).min(self.inputs) - blocks.start * BLOCK;
            let end = start + channels * taps * width;
            panels.push(Panel { blocks, channels, values: start..end });
            start = end;
        }
        (panels, start)
    }

    /// Packs the taps `taps` of `weight`: for each panel `[blocks, taps, channels of the block, channels of the panel]`,
    /// zero where two channels are of different groups.
    pub(super) fn pack(&self, panels: &[Panel], panel: usize, taps: &[usize], weight: &[f32], packed: &mut Buffer) {
        let mut jobs = Vec::with_capacity(panels.len());
        let mut rest = &mut packed[..];
        for (index, one) in panels.iter().enumerate() {
            let (values, tail) = rest.split_at_mut(one.values.len());
            rest = tail;
            jobs.push((index * panel * BLOCK, one, values));
        }
        parallel::for_each(jobs, |(first, one, values)| {
            self.places(one, first, taps, |to, from| values[to] = from.map_or(0.0, |from| weight[from]));
        });
    }

    /// The inverse of [`Channels::pack`]: writes the taps `taps` of `weight`.
    pub(super) fn unpack(&self, panels: &[Panel], panel: usize, taps: &[usize], packed: &[f32], weight: &mut [f32]) {
        for (index, one) in panels.iter().enumerate() {
            let values = &packed[one.values.clone()];
            self.places(one, index * panel * BLOCK, taps, |from, to| {
                if let Some(to) = to {
                    weight[to] = values[from];
                }
            });
        }
    }

    /// Tells `each` the place of every value of a panel, whose first output channel is `first`, and its place in the weight:
    /// none where two channels are of different groups.
    fn places(&self, panel: &Panel, first: usize, taps: &[usize], mut each: impl FnMut(usize, Option<usize>)) {
        let width = panel.values.len() / (panel.channels * taps.len()).max(1);
        for lane in 0..width {
            let output = first + lane;
            let reads = if output < self.outputs { self.reads(output) } else { 0..0 };
            let mut places = (lane..panel.values.len()).step_by(width);
            for block in panel.blocks.clone() {
                let inputs = block * BLOCK..((block + 1) * BLOCK).min(self.inputs);
                for tap in taps {
                    for input in inputs.clone() {
                        let Some(place) = places.next() else { return };
                        each(place, reads.contains(&input).then(|| self.place(output, input) + tap));
                    }
                }
            }
        }
    }
}
