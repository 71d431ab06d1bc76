//! Weights in the order in which the kernels read them.

use std::ops::Range;

use super::BLOCK;
use super::buffer::{Buffer, Workspace};
use super::conv::Direction;
use crate::half::Widen;
use crate::level::{HALVES, Level};
use crate::parallel;
use crate::shape::ConvShape;
use crate::weights::Stored;

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

    /// From the place of one input channel to that of the next of its group.
    fn place_step(&self) -> usize {
        match self.direction {
            Direction::Forward => self.taps,
            Direction::Transposed => self.group_outputs() * self.taps,
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
    pub(super) fn pack<T>(&self, panels: &[Panel], panel: usize, taps: &[usize], weight: &[T], packed: &mut [T])
    where
        T: Copy + Default + Send + Sync,
    {
        for_each_panel(panels, packed, Range::len, |index, one, values| {
            self.pack_one(one, index * panel, taps, weight, values);
        });
    }

    /// [`Channels::pack`] of one panel, whose first block is `first`.
    pub(super) fn pack_one<T: Copy + Default>(
        &self,
        panel: &Panel,
        first: usize,
        taps: &[usize],
        weight: &[T],
        packed: &mut [T],
    ) {
        self.places(panel, first * BLOCK, taps, |to, from| packed[to] = from.map_or(T::default(), |from| weight[from]));
    }

    /// The inverse of [`Channels::pack`]: writes the taps `taps` of `weight`.
    pub(super) fn unpack<T: Copy>(
        &self,
        panels: &[Panel],
        panel: usize,
        taps: &[usize],
        packed: &[T],
        weight: &mut [T],
    ) {
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
        let step = self.place_step();
        for (index, block) in panel.blocks.clone().enumerate() {
            let inputs = block * BLOCK..((block + 1) * BLOCK).min(self.inputs);
            for lane in 0..width {
                let output = first + lane;
                let reads = if output < self.outputs { self.reads(output) } else { 0..0 };
                let origin = self.place(output, reads.start);
                let mut place = index * BLOCK * taps.len() * width + lane;
                for tap in taps {
                    for input in inputs.clone() {
                        each(place, reads.contains(&input).then(|| origin + (input - reads.start) * step + tap));
                        place += width;
                    }
                }
            }
        }
    }
}

/// Calls `work(index, panel, values)` for each panel, with its part of `values`, as long as `length` says of the panel's own.
pub(super) fn for_each_panel<T: Send>(
    panels: &[Panel],
    values: &mut [T],
    length: impl Fn(&Range<usize>) -> usize,
    work: impl Fn(usize, &Panel, &mut [T]) + Sync + Send,
) {
    let mut jobs = Vec::with_capacity(panels.len());
    let mut rest = values;
    for (index, panel) in panels.iter().enumerate() {
        let (values, tail) = rest.split_at_mut(length(&panel.values));
        rest = tail;
        jobs.push((index, panel, values));
    }
    parallel::for_each(jobs, |(index, panel, values)| work(index, panel, values));
}

/// Where a weight goes that was packed.
pub(super) enum Unpacked<'a> {
    Single(&'a mut [f32]),
    Half(&'a mut [u16]),
}

/// Packed weights: numbers, or halves where they came as such.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Single(Buffer),
    Half(Vec<u16>),
}

impl Values {
    /// So many, packed by `channels`.
    pub(super) fn pack(
        channels: &Channels,
        (panels, length): (&[Panel], usize),
        panel: usize,
        taps: &[usize],
        weight: Stored<'_>,
    ) -> Self {
        match weight {
            Stored::Half(bits) if HALVES => {
                let mut packed = vec![0; length];
                channels.pack(panels, panel, taps, bits, &mut packed);
                Self::Half(packed)
            }
            Stored::Half(_) | Stored::Single(_) => {
                let mut packed = Buffer::zeros(length);
                channels.pack(panels, panel, taps, &weight.numbers(), &mut packed);
                Self::Single(packed)
            }
        }
    }

    /// Its halves, if it is of those.
    pub(super) fn halves(&self) -> Option<&[u16]> {
        match self {
            Self::Half(bits) if HALVES => Some(bits),
            Self::Half(_) | Self::Single(_) => None,
        }
    }

    /// The inverse of [`Values::pack`], where the target is of the same kind.
    pub(super) fn unpack(
        &self,
        channels: &Channels,
        panels: &[Panel],
        panel: usize,
        taps: &[usize],
        weight: &mut Unpacked<'_>,
    ) {
        match (self, self.halves(), weight) {
            (Self::Single(values), _, Unpacked::Single(weight)) => channels.unpack(panels, panel, taps, values, weight),
            (_, Some(bits), Unpacked::Half(weight)) => channels.unpack(panels, panel, taps, bits, weight),
            (_, _, Unpacked::Single(_) | Unpacked::Half(_)) => {}
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Single(values) => size_of_val(&values[..]),
            Self::Half(bits) => size_of_val(&bits[..]),
        }
    }

    /// `read` of the numbers in a range: halves are widened before.
    pub(super) fn read<T>(
        &self,
        level: Level,
        range: Range<usize>,
        workspace: &Workspace,
        read: impl FnOnce(&[f32]) -> T,
    ) -> T {
        let widened = self.halves().map(|bits| {
            let mut values = workspace.take(range.len());
            level.run(Widen { bits: &bits[range.clone()], values: &mut values });
            values
        });
        let found = read(match self {
            Self::Single(values) => &values[range],
            Self::Half(_) => widened.as_deref().unwrap_or_default(),
        });
        widened.into_iter().for_each(|values| workspace.give(values));
        found
    }
}
