//! The weights of Winograd's convolutions: `G g Gᵀ` of all windows `g`, or halves, of which a panel is transformed while it is
//! needed: the same bits, from a fraction of the memory.

use std::ops::Range;

use super::BLOCK;
use super::buffer::Buffer;
use super::conv::Direction;
use super::weights::{Channels, Panel, for_each_panel};
use super::winograd_transform::{Tile, window_tile};
use crate::arch::{Kernel, Simd};
use crate::level::{HALVES, Level};
use crate::weights::{Element, Stored};

/// Taps of a window.
const TAPS: usize = 9;
/// Transformed weights that every stage may read, at most.
const READ_BY_ALL: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(super) struct WinogradWeights {
    level: Level,
    tile: Tile,
    channels: Channels,
    /// In the order in which a window is read.
    taps: Vec<usize>,
    /// Those of the windows.
    panels: Vec<Panel>,
    kept: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    /// `[panels, places, inputs, channels of the panel]`
    Transformed(Buffer),
    /// The windows in panels.
    Halves(Vec<u16>),
}

impl WinogradWeights {
    pub(super) fn pack(level: Level, tile: Tile, channels: Channels, direction: Direction, weight: Stored<'_>) -> Self {
        let mut taps: Vec<usize> = (0..TAPS).collect();
        if direction == Direction::Transposed {
            taps.reverse();
        }
        let (panels, length) = channels.panels(level.blocks(), TAPS);
        let mut packed = Self { level, tile, channels, taps, panels, kept: Kept::Halves(Vec::new()) };
        packed.kept = match weight {
            Stored::Half(bits) if HALVES => {
                let mut windows = vec![0; length];
                channels.pack(&packed.panels, level.blocks(), &packed.taps, bits, &mut windows);
                Kept::Halves(windows)
            }
            Stored::Half(_) | Stored::Single(_) => Kept::Transformed(packed.all(length, &weight.numbers())),
        };
        packed
    }

    /// All windows, `length` taps with those that are padding, transformed.
    fn all(&self, length: usize, weight: &[f32]) -> Buffer {
        let places = self.tile.places();
        let mut transformed = Buffer::zeros(length / TAPS * places);
        let length = |windows: &Range<usize>| windows.len() / TAPS * places;
        for_each_panel(&self.panels, &mut transformed, length, |index, panel, places| {
            let mut windows = vec![0.0; panel.values.len()];
            self.channels.pack_one(panel, index * self.level.blocks(), &self.taps, weight, &mut windows);
            self.transform_windows(&windows, self.place(index), places);
        });
        transformed
    }

    fn transform_windows<W: Element>(&self, windows: &[W], stride: usize, places: &mut [f32]) {
        let windows = Windows { windows, inputs: self.channels.inputs, stride, places };
        match self.tile {
            Tile::Two => self.level.run(WindowsBy::<W, 4>(windows)),
            Tile::Four => self.level.run(WindowsBy::<W, 6>(windows)),
        }
    }

    /// Transforms a panel of halves: `[places, inputs, channels of the panel]`, places so far from each other.
    pub(super) fn transform(&self, panel: usize, stride: usize, places: &mut [f32]) {
        if let Some(bits) = self.halves() {
            self.transform_windows(&bits[self.panels[panel].values.clone()], stride, places);
        }
    }

    /// One place of a panel that is transformed.
    pub(super) fn transformed(&self, panel: usize, place: usize) -> &[f32] {
        let Kept::Transformed(all) = &self.kept else { return &[] };
        let length = self.place(panel);
        &all[self.panels[panel].values.start / TAPS * self.tile.places() + place * length..][..length]
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.panels.len()
    }

    /// How many weights of one place a panel has.
    pub(super) fn place(&self, panel: usize) -> usize {
        self.panels[panel].values.len() / TAPS
    }

    /// Channels that are read.
    pub(super) fn inputs(&self) -> usize {
        self.channels.inputs
    }

    /// Whether every stage may read all of them.
    pub(super) fn are_few(&self) -> bool {
        matches!(&self.kept, Kept::Transformed(all) if all.len() <= READ_BY_ALL)
    }

    /// Whether they are halves.
    pub(super) fn keeps_halves(&self) -> bool {
        self.halves().is_some()
    }

    fn halves(&self) -> Option<&[u16]> {
        match &self.kept {
            Kept::Halves(bits) if HALVES => Some(bits),
            Kept::Halves(_) | Kept::Transformed(_) => None,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.kept {
            Kept::Transformed(values) => size_of_val(&values[..]),
            Kept::Halves(bits) => size_of_val(&bits[..]),
        }
    }

    /// Writes the halves that were packed, if they are kept.
    pub(super) fn unpack(&self, weight: &mut [u16]) {
        if let Some(bits) = self.halves() {
            self.channels.unpack(&self.panels, self.level.blocks(), &self.taps, bits, weight);
        }
    }
}

/// `G g Gᵀ` of the windows `[blocks, taps, channels of the block, channels of the panel]` of a panel.
struct Windows<'a, 'b, W> {
    windows: &'a [W],
    inputs: usize,
    stride: usize,
    places: &'b mut [f32],
}

/// With tiles of as many rows and columns.
struct WindowsBy<'a, 'b, W, const INPUT: usize>(Windows<'a, 'b, W>);

impl<W: Element, const INPUT: usize> Kernel for WindowsBy<'_, '_, W, INPUT> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Windows { windows, inputs, stride, places } = self.0;
        let width = windows.len() / (TAPS * inputs);
        for (block, windows) in windows.chunks(BLOCK * TAPS * width).enumerate() {
            let channels = windows.len() / (TAPS * width);
            for channel in 0..channels {
                for lane in (0..width).step_by(S::LANES) {
                    let target = (block * BLOCK + channel) * width + lane;
                    window_tile::<S, W, INPUT>(
                        simd,
                        &windows[channel * width + lane..],
                        channels * width,
                        &mut places[target..],
                        stride,
                    );
                }
            }
        }
    }
}
