//! How a convolution can be computed, and which way is the fastest.

use std::fmt;

use super::conv::Direction;
use super::narrow::is_narrow;
use super::winograd_transform::Tile;
use super::{BLOCK, weights};
use crate::level::Level;
use crate::shape::{ConvShape, Window};

/// Weights of a convolution that are kept as numbers though they come as halves, at most.
const FEW: usize = 1 << 19;
/// What reading a packed weight costs, in products: it comes from the memory behind all caches.
const WEIGHT: usize = 27;
/// What transforming a value costs, there or back, in products.
const VALUE: usize = 22;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Sums over windows: takes every convolution.
    Direct,
    /// Sums over windows of the same channel: one channel a group.
    Depthwise,
    /// Winograd's F(4x4, 3x3): 36 products for 16 outputs instead of 144. Windows of 3x3 with stride 1 and one group, of
    /// some channels.
    Winograd,
    /// Winograd's F(2x2, 3x3): 16 products for 4 outputs instead of 36, with fewer weights. The same windows.
    Winograd2x2,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Depthwise, Self::Winograd, Self::Winograd2x2];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Depthwise => "depthwise",
            Self::Winograd => "winograd",
            Self::Winograd2x2 => "winograd-2x2",
        }
    }

    /// Whether it can compute a convolution.
    #[must_use]
    pub fn takes(self, shape: &ConvShape) -> bool {
        let Window { kernel, stride, dilation, padding } = shape.window;
        match self {
            Self::Direct => true,
            Self::Depthwise => shape.groups == shape.in_channels && shape.groups == shape.out_channels,
            Self::Winograd | Self::Winograd2x2 => {
                let fits = kernel == [3, 3] && stride == [1, 1] && dilation == [1, 1] && shape.groups == 1;
                let some = shape.in_channels > 0 && shape.out_channels > 0;
                fits && some && [padding.top, padding.bottom, padding.left, padding.right].iter().all(|side| *side <= 2)
            }
        }
    }

    /// The fastest for a shape; `exact` leaves out Winograd's, whose rounding is coarser.
    ///
    /// The batch has no say: an image gets the same bits in any.
    #[must_use]
    pub fn fastest(level: Level, shape: &ConvShape, exact: bool) -> Self {
        if Self::Depthwise.takes(shape) && shape.groups > 1 {
            return Self::Depthwise;
        }
        let others = [Self::Winograd, Self::Winograd2x2].into_iter();
        let others = others.filter(|algorithm| !exact && algorithm.takes(shape));
        let all = [Self::Direct].into_iter().chain(others);
        all.min_by_key(|algorithm| algorithm.cost(level, shape)).unwrap_or(Self::Direct)
    }

    /// What it costs for one image, in products of a vector of 16 lanes.
    fn cost(self, level: Level, shape: &ConvShape) -> usize {
        let shape = &ConvShape { batch: 1, ..*shape };
        let transformed = self.tile().map_or(0, |tile| {
            let channels = [shape.in_channels, shape.out_channels].map(|count| count.next_multiple_of(BLOCK));
            tile.count(shape) * tile.places() * channels.iter().sum::<usize>()
        });
        let weights = self.packed_bytes(level, shape, false) / size_of::<f32>();
        self.products(shape) * 16 / level.lanes() + WEIGHT * weights + VALUE * transformed
    }

    /// What speaks for it.
    #[must_use]
    pub fn reason(self, shape: &ConvShape) -> &'static str {
        match self {
            Self::Direct if !Self::Winograd.takes(shape) => "no 3x3 window of stride 1 in one group",
            Self::Direct => "fewer weights, and no transforms",
            Self::Depthwise => "one channel a group",
            Self::Winograd => "36 products for 16 outputs instead of 144",
            Self::Winograd2x2 => "16 products for 4 outputs instead of 36",
        }
    }

    /// How many products it computes.
    #[must_use]
    pub fn products(self, shape: &ConvShape) -> usize {
        let outputs = shape.batch * shape.out_channels;
        match self.tile() {
            None => outputs * shape.output_pixels() * shape.depth(),
            Some(tile) => outputs * shape.in_channels * tile.places() * tile.count(shape),
        }
    }

    /// Winograd's tile.
    fn tile(self) -> Option<Tile> {
        match self {
            Self::Direct | Self::Depthwise => None,
            Self::Winograd => Some(Tile::Four),
            Self::Winograd2x2 => Some(Tile::Two),
        }
    }

    /// Bytes of the packed weights, which are halves or not, as [`PackedConv::bytes`](super::PackedConv::bytes) tells them once they
    /// are packed.
    #[must_use]
    pub fn packed_bytes(self, level: Level, shape: &ConvShape, halves: bool) -> usize {
        let channels = weights::Channels::new(shape, Direction::Forward);
        let panels = |taps: usize| channels.panels(level.blocks(), taps).1;
        if halves && self.keeps_halves(level, shape, Direction::Forward) {
            return panels(shape.taps()) * size_of::<u16>();
        }
        let values = match self {
            Self::Direct if is_narrow(level, &channels) => channels.inputs * shape.taps() * channels.outputs,
            Self::Direct => panels(shape.taps()),
            Self::Depthwise => shape.groups.next_multiple_of(BLOCK) * shape.taps(),
            Self::Winograd | Self::Winograd2x2 => panels(self.tile().map_or(0, Tile::places)),
        };
        values * size_of::<f32>()
    }

    /// Whether packed weights that come as halves stay so: direct sums widen a panel before they read it, and Winograd's transform
    /// the windows of a panel. Where there are few weights, numbers take little and are faster.
    #[must_use]
    pub fn keeps_halves(self, level: Level, shape: &ConvShape, direction: Direction) -> bool {
        let channels = weights::Channels::new(shape, direction);
        let can = match self {
            Self::Direct => !is_narrow(level, &channels),
            Self::Depthwise => false,
            Self::Winograd | Self::Winograd2x2 => true,
        };
        can && level.reads_halves() && channels.weights() > FEW
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
