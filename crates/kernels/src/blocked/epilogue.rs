//! What happens to the sums of a convolution before they leave the nearest cache: `activation(scale sum + shift + residual)`.

use super::gate::Gate;
use super::grid::Piece;
use super::slopes::{Slopes, mark};
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;

/// The last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
}

impl Activation {
    /// Where its slope is zero: up to the first, and from the second on. No number lies beyond NaN.
    pub(super) fn bounds(self) -> [f32; 2] {
        match self {
            Self::None => [f32::NAN; 2],
            Self::Relu => [0.0, f32::INFINITY],
            Self::Relu6 => [0.0, 6.0],
        }
    }

    /// Its [bounds](Self::bounds) in vectors.
    #[inline(always)]
    pub(super) fn vectors<S: Simd>(self, simd: S) -> [S::Vector; 2] {
        let [low, high] = self.bounds();
        [simd.splat(low), simd.splat(high)]
    }

    /// What it keeps values within.
    fn range(self) -> [f32; 2] {
        match self {
            Self::None => [f32::NEG_INFINITY, f32::INFINITY],
            Self::Relu => [0.0, f32::INFINITY],
            Self::Relu6 => [0.0, 6.0],
        }
    }
}

/// A scale and a shift for each channel, with room for whole blocks.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// What the channel is multiplied by.
    pub scale: &'a [f32],
    /// What is added to it then.
    pub shift: &'a [f32],
}

/// All steps, each rounded by itself: a layer computed here gives the bits that it gives alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// First, a scale and a shift.
    pub norm: Option<Norm<'a>>,
    /// Then, an image of the output's shape is added.
    pub residual: Option<View<'a>>,
    /// Then, the activation.
    pub activation: Activation,
    /// Where the activation's slope is not zero is marked here.
    pub slopes: Option<&'a Slopes>,
    /// Last, the transpose of another activation, a scale, or both.
    pub gate: Option<Gate<'a>>,
}

impl<'a> Epilogue<'a> {
    /// Checks that it fits an output.
    pub(super) fn check(&self, output: Layout) -> Result<()> {
        if let Some(Norm { scale, shift }) = self.norm {
            expect_len("scale", scale.len(), output.blocks() * BLOCK)?;
            expect_len("shift", shift.len(), output.blocks() * BLOCK)?;
        }
        self.slopes.map_or(Ok(()), |slopes| slopes.check(output))?;
        self.gate.map_or(Ok(()), |gate| gate.check(output))?;
        let Some(View { layout, values }) = self.residual else { return Ok(()) };
        if !layout.is_shaped_as(&output) {
            return Err(Error::Shape("what is added is not of the output's shape"));
        }
        expect_len("residual", values.len(), layout.len())
    }

    /// Whether something follows once a row is written.
    fn has_end(&self) -> bool {
        self.slopes.is_some() || self.gate.is_some()
    }

    /// The slopes and the gate, for a piece of single blocks that was just written.
    pub(super) fn end(&self, level: Level, layout: Layout, piece: &mut Piece<'_>) {
        if !self.has_end() {
            return;
        }
        let [height, width] = layout.size;
        for (row, slice) in piece.rows.clone().zip(&mut piece.slices) {
            for (place, block) in piece.panels.clone().enumerate() {
                let output = &mut slice[place * layout.block_stride() + layout.halo.left * BLOCK..];
                let finish = self.at(row / height, row % height, block, 0);
                level.run(End { finish: &finish, size: [1, width], stride: 1, block_stride: 0, output });
            }
        }
    }

    /// From this place of the output on: image, row, block of channels, column.
    #[inline(always)]
    pub(super) fn at(&self, n: usize, y: usize, block: usize, x: usize) -> Finish<'a> {
        let residual = self.residual.map(|View { layout, values }| {
            let start = layout.row_start(n, y) + block * layout.block_stride() + (layout.halo.left + x) * BLOCK;
            (&values[start..], layout.block_stride())
        });
        let norm = self.norm.map(|Norm { scale, shift }| (&scale[block * BLOCK..], &shift[block * BLOCK..]));
        let last = self.has_end().then_some(Last { slopes: self.slopes, gate: self.gate, place: [n, y, block, x] });
        Finish { norm, residual, activation: self.activation, last }
    }
}

/// What follows once a row is written.
#[derive(Clone, Copy)]
struct Last<'a> {
    slopes: Option<&'a Slopes>,
    gate: Option<Gate<'a>>,
    /// Image, row, block of channels, column.
    place: [usize; 4],
}

/// An [`Epilogue`] along a row.
#[derive(Clone, Copy, Default)]
pub(super) struct Finish<'a> {
    norm: Option<(&'a [f32], &'a [f32])>,
    /// And the block stride.
    residual: Option<(&'a [f32], usize)>,
    activation: Activation,
    last: Option<Last<'a>>,
}

impl Finish<'_> {
    /// As [`Epilogue::has_end`].
    #[inline(always)]
    pub(super) fn has_end(&self) -> bool {
        self.last.is_some()
    }

    /// The steps, for channels from `lane` of block `block` on, `pixel` pixels behind the start.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(
        &self,
        simd: S,
        value: S::Vector,
        block: usize,
        lane: usize,
        pixel: usize,
    ) -> S::Vector {
        let residual = self.residual_at(simd, block, lane, pixel);
        self.steps(simd, value, self.norm_of(simd, block, lane), residual)
    }

    /// Scale and shift of the channels from `lane` of block `block` on.
    #[inline(always)]
    fn norm_of<S: Simd>(&self, simd: S, block: usize, lane: usize) -> Option<[S::Vector; 2]> {
        let (scale, shift) = self.norm?;
        let channel = block * BLOCK + lane;
        Some([simd.load(&scale[channel..]), simd.load(&shift[channel..])])
    }

    /// What is added to them at this pixel.
    #[inline(always)]
    fn residual_at<S: Simd>(&self, simd: S, block: usize, lane: usize, pixel: usize) -> Option<S::Vector> {
        let (values, block_stride) = self.residual?;
        Some(simd.load(&values[block * block_stride + pixel * BLOCK + lane..]))
    }

    #[inline(always)]
    fn steps<S: Simd>(
        &self,
        simd: S,
        mut value: S::Vector,
        norm: Option<[S::Vector; 2]>,
        residual: Option<S::Vector>,
    ) -> S::Vector {
        if let Some([scale, shift]) = norm {
            value = simd.add(simd.mul(value, scale), shift);
        }
        if let Some(residual) = residual {
            value = simd.add(value, residual);
        }
        simd.clamp(value, self.bounds(simd))
    }

    #[inline(always)]
    fn bounds<S: Simd>(&self, simd: S) -> [S::Vector; 2] {
        let [low, high] = self.activation.range();
        [simd.splat(low), simd.splat(high)]
    }

    /// The steps for values of every `stride`-th pixel, which then go to `output`. They are of channels from `lane` of block
    /// `block` on, and `first` pixels, counted in strides, lie before them.
    #[inline(always)]
    pub(super) fn leave<S: Simd>(
        &self,
        simd: S,
        values: impl Iterator<Item = S::Vector>,
        [block, lane, first]: [usize; 3],
        stride: usize,
        output: &mut [f32],
    ) {
        let places = output.as_chunks_mut::<BLOCK>().0;
        let residual = self.residual.map(|(values, block_stride)| {
            values[block * block_stride + first * stride * BLOCK..].as_chunks::<BLOCK>().0
        });
        let bounds = self.bounds(simd);
        let mut at = 0;
        match (self.norm_of(simd, block, lane), residual) {
            (None, None) => {
                for value in values {
                    simd.store(simd.clamp(value, bounds), &mut places[at][lane..]);
                    at += stride;
                }
            }
            (Some([scale, shift]), None) => {
                for value in values {
                    let value = simd.add(simd.mul(value, scale), shift);
                    simd.store(simd.clamp(value, bounds), &mut places[at][lane..]);
                    at += stride;
                }
            }
            (norm, Some(residual)) => {
                for value in values {
                    let value = match norm {
                        Some([scale, shift]) => simd.add(simd.mul(value, scale), shift),
                        None => value,
                    };
                    let value = simd.add(value, simd.load(&residual[at][lane..]));
                    simd.store(simd.clamp(value, bounds), &mut places[at][lane..]);
                    at += stride;
                }
            }
        }
    }
}

/// What follows once `[blocks, pixels]` of a row are written to `output`: slopes are marked, and the values let through the
/// gate. Pixels are `stride` apart.
pub(super) struct End<'a, 'b> {
    pub finish: &'b Finish<'a>,
    pub size: [usize; 2],
    pub stride: usize,
    pub block_stride: usize,
    pub output: &'b mut [f32],
}

impl Kernel for End<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { finish, size: [blocks, pixels], stride, block_stride, output } = self;
        let Some(Last { slopes, gate, place: [n, y, first, x] }) = finish.last else { return };
        let bounds = finish.activation.vectors(simd);
        for block in 0..blocks {
            let output = output[block * block_stride..].as_chunks_mut::<BLOCK>().0;
            if let Some(slopes) = slopes {
                let bits = &slopes.line(n, y, first + block)[x..];
                for pixel in 0..pixels {
                    mark(simd, bounds, &output[pixel * stride], &bits[pixel * stride]);
                }
            }
            if let Some(gate) = gate {
                let bits = gate.slopes.map(|slopes| &slopes.line(n, y, first + block)[x..]);
                for pixel in 0..pixels {
                    let bits = bits.map(|bits| &bits[pixel * stride]);
                    gate.pass(simd, first + block, bits, &mut output[pixel * stride]);
                }
            }
        }
    }
}
