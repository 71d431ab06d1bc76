//! A convolution with its weights packed for one of several algorithms.

use std::fmt;

use super::buffer::{Buffer, Workspace};
use super::depthwise::Depthwise;
use super::direct::Direct;
use super::epilogue::Epilogue;
use super::layout::{Layout, View};
use super::winograd::Winograd;
use super::winograd_transform::{OUTPUT, PLACES};
use super::{BLOCK, weights};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::shape::{ConvShape, Padding, Window};

/// Which way a convolution is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Input to output.
    Forward,
    /// The transpose: upstream, of the output's shape, to the input's shape.
    Transposed,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Sums over windows: takes every convolution.
    Direct,
    /// Sums over windows of the same channel: one channel a group.
    Depthwise,
    /// Winograd's F(4x4, 3x3): 36 products for 16 outputs instead of 144. Windows of 3x3 with stride 1 and one group.
    Winograd,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Depthwise, Self::Winograd];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Depthwise => "depthwise",
            Self::Winograd => "winograd",
        }
    }

    /// Whether it can compute a convolution.
    #[must_use]
    pub fn takes(self, shape: &ConvShape) -> bool {
        let Window { kernel, stride, dilation, padding } = shape.window;
        match self {
            Self::Direct => true,
            Self::Depthwise => shape.groups == shape.in_channels && shape.groups == shape.out_channels,
            Self::Winograd => {
                let fits = kernel == [3, 3] && stride == [1, 1] && dilation == [1, 1] && shape.groups == 1;
                fits && [padding.top, padding.bottom, padding.left, padding.right].iter().all(|side| *side <= 2)
            }
        }
    }

    /// The fastest for a shape; `exact` leaves out Winograd's, whose rounding is coarser.
    ///
    /// The batch has no say: an image gets the same bits in any.
    #[must_use]
    pub fn fastest(shape: &ConvShape, exact: bool) -> Self {
        if Self::Depthwise.takes(shape) && shape.groups > 1 {
            Self::Depthwise
        } else if exact || against_winograd(shape).is_some() {
            Self::Direct
        } else {
            Self::Winograd
        }
    }

    /// What speaks for it.
    #[must_use]
    pub fn reason(self, shape: &ConvShape) -> &'static str {
        match self {
            Self::Direct => against_winograd(shape).unwrap_or("asked for"),
            Self::Depthwise => "one channel a group",
            Self::Winograd => "36 products for 16 outputs instead of 144",
        }
    }

    /// How many products it computes.
    #[must_use]
    pub fn products(self, shape: &ConvShape) -> usize {
        let outputs = shape.batch * shape.out_channels;
        match self {
            Self::Direct | Self::Depthwise => outputs * shape.output_pixels() * shape.depth(),
            Self::Winograd => {
                outputs
                    * shape.in_channels
                    * PLACES
                    * shape.output.map(|size| size.div_ceil(OUTPUT)).iter().product::<usize>()
            }
        }
    }

    /// Bytes of the packed weights, as [`PackedConv::bytes`] tells them once they are packed.
    #[must_use]
    pub fn packed_bytes(self, level: Level, shape: &ConvShape) -> usize {
        let panels = |taps: usize| weights::Channels::new(shape, Direction::Forward).panels(level.blocks(), taps).1;
        let values = match self {
            Self::Direct => panels(shape.taps()),
            Self::Depthwise => shape.groups.next_multiple_of(BLOCK) * shape.taps(),
            Self::Winograd => panels(PLACES),
        };
        values * size_of::<f32>()
    }
}

/// Why Winograd's does not win: it multiplies less and reads four times as many weights, so there must be channels enough to
/// pay for the transforms, and pixels enough to pay for the weights.
fn against_winograd(shape: &ConvShape) -> Option<&'static str> {
    if !Algorithm::Winograd.takes(shape) {
        Some("no 3x3 window of stride 1 in one group")
    } else if shape.in_channels.min(shape.out_channels) < 32 {
        Some("too few channels to pay for transforms")
    } else if shape.output_pixels() < 128 {
        Some("too few pixels to pay for more weights")
    } else {
        None
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A convolution, or its transpose, with packed weights.
#[derive(Debug, Clone)]
pub struct PackedConv {
    channels: weights::Channels,
    window: Window,
    direction: Direction,
    kernel: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    Direct(Direct),
    Depthwise(Depthwise),
    Winograd(Winograd),
}

/// What one run of a convolution is given.
pub(super) struct Run<'a> {
    pub input: View<'a>,
    pub epilogue: &'a Epilogue<'a>,
    pub workspace: &'a Workspace,
}

impl PackedConv {
    /// Packs `weight [out_channels, in_channels / groups, kernel]` and the bias of what is written, zero where there is none.
    ///
    /// # Errors
    /// [`Error`] where the algorithm cannot compute the shape or a slice has another length.
    pub fn new(
        level: Level,
        algorithm: Algorithm,
        shape: &ConvShape,
        direction: Direction,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Result<Self> {
        shape.check_geometry()?;
        expect_len("weight", weight.len(), shape.out_channels * shape.depth())?;
        if !algorithm.takes(shape) {
            return Err(Error::Shape("the algorithm cannot compute this convolution"));
        }
        let channels = weights::Channels::new(shape, direction);
        let mut padded = Buffer::zeros(channels.outputs.next_multiple_of(BLOCK));
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), channels.outputs)?;
            padded[..bias.len()].copy_from_slice(bias);
        }
        let kernel = match algorithm {
            Algorithm::Direct => Packed::Direct(Direct::pack(level, shape, direction, weight, padded)),
            Algorithm::Depthwise => Packed::Depthwise(Depthwise::pack(level, shape, direction, weight, padded)),
            Algorithm::Winograd => Packed::Winograd(Winograd::pack(level, shape, direction, weight, padded)),
        };
        Ok(Self { channels, window: shape.window, direction, kernel })
    }

    /// The zeros that this convolution needs around what it reads, for images of this size.
    #[must_use]
    pub fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        match &self.kernel {
            Packed::Direct(kernel) => kernel.halo(input, output),
            Packed::Depthwise(kernel) => kernel.halo(input, output),
            Packed::Winograd(kernel) => kernel.halo(input, output),
        }
    }

    /// Bytes of the packed weights.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<f32>()
            * match &self.kernel {
                Packed::Direct(kernel) => kernel.len(),
                Packed::Depthwise(kernel) => kernel.len(),
                Packed::Winograd(kernel) => kernel.len(),
            }
    }

    /// `output = epilogue(convolution of input + bias)`, without touching the output's halo.
    ///
    /// # Errors
    /// [`Error`] where the layouts do not fit together, the input's halo is too small or a slice has another length.
    pub fn run(
        &self,
        input: View<'_>,
        epilogue: &Epilogue<'_>,
        workspace: &Workspace,
        layout: Layout,
        output: &mut [f32],
    ) -> Result<()> {
        let (read, written) = (input.layout, layout);
        let image = match self.direction {
            Direction::Forward => (read.size, written.size),
            Direction::Transposed => (written.size, read.size),
        };
        let fits = self.window.output(image.0) == Some(image.1)
            && read.channels == self.channels.inputs
            && written.channels == self.channels.outputs
            && read.batch == written.batch;
        if !fits {
            return Err(Error::Shape("the window, the input and the output do not fit together"));
        }
        if !covers(read.halo, self.halo(read.size, written.size)) {
            return Err(Error::Shape("the halo around the input is too small for the window"));
        }
        expect_len("input", input.values.len(), read.len())?;
        expect_len("output", output.len(), written.len())?;
        epilogue.check(written)?;
        if output.is_empty() {
            return Ok(());
        }
        let run = Run { input, epilogue, workspace };
        match &self.kernel {
            Packed::Direct(kernel) => kernel.run(&run, layout, output),
            Packed::Depthwise(kernel) => kernel.run(&run, layout, output),
            Packed::Winograd(kernel) => kernel.run(&run, layout, output),
        }
        Ok(())
    }
}

fn covers(halo: Padding, needed: Padding) -> bool {
    halo.top >= needed.top && halo.bottom >= needed.bottom && halo.left >= needed.left && halo.right >= needed.right
}
