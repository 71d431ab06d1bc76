//! A convolution with its weights packed for one of several algorithms.

use super::buffer::{Buffer, Workspace};
use super::depthwise::Depthwise;
use super::direct::Direct;
use super::epilogue::Epilogue;
use super::layout::{Layout, View};
use super::weights::Unpacked;
use super::winograd::Winograd;
use super::winograd_transform::Tile;
use super::{Algorithm, BLOCK, planes, weights};
use crate::error::{Error, Result, expect_len};
use crate::half::widen;
use crate::level::Level;
use crate::shape::{ConvShape, Padding, Window};
use crate::weights::{Part, Stored, Weights};

/// Which way a convolution is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Input to output.
    Forward,
    /// The transpose: upstream, of the output's shape, to the input's shape.
    Transposed,
}

/// A convolution, or its transpose, with packed weights.
#[derive(Debug, Clone)]
pub struct PackedConv {
    level: Level,
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
    /// Whether the input lies in [`planes`]; only [`Direct`] is given such.
    pub planes: bool,
    pub epilogue: &'a Epilogue<'a>,
    pub workspace: &'a Workspace,
}

impl Run<'_> {
    /// From one block of the input's channels to the next.
    pub(super) fn block_stride(&self) -> usize {
        if self.planes { self.input.layout.stored_columns() } else { self.input.layout.block_stride() }
    }

    /// Pixels from one row of the input to the next.
    pub(super) fn row_stride(&self) -> usize {
        let blocks = if self.planes { self.input.layout.channels } else { self.input.layout.blocks() };
        blocks * self.input.layout.stored_columns()
    }
}

impl PackedConv {
    /// Packs `weight [out_channels, in_channels / groups, kernel]` and the bias of what is written, zero where there is none.
    /// Halves stay halves where [`Algorithm::keeps_halves`].
    ///
    /// # Errors
    /// [`Error`] where the algorithm cannot compute the shape, a slice has another length or the weight is a part of one.
    pub fn new(
        level: Level,
        algorithm: Algorithm,
        shape: &ConvShape,
        direction: Direction,
        weight: Weights<'_>,
        bias: Option<&[f32]>,
    ) -> Result<Self> {
        shape.check_geometry()?;
        expect_len("weight", weight.len(), shape.out_channels * shape.depth())?;
        if !algorithm.takes(shape) {
            return Err(Error::Shape("the algorithm cannot compute this convolution"));
        }
        if weight.part != Part::Whole {
            return Err(Error::Shape("a convolution takes the whole of its weight"));
        }
        let channels = weights::Channels::new(shape, direction);
        let mut padded = Buffer::zeros(channels.outputs.next_multiple_of(BLOCK));
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), channels.outputs)?;
            padded[..bias.len()].copy_from_slice(bias);
        }
        let numbers;
        let weight = if algorithm.keeps_halves(level, shape, direction) {
            weight.stored
        } else {
            numbers = weight.stored.numbers();
            Stored::Single(&numbers)
        };
        let kernel = match algorithm {
            Algorithm::Direct => Packed::Direct(Direct::pack(level, shape, direction, weight, padded)),
            Algorithm::Depthwise => {
                Packed::Depthwise(Depthwise::pack(level, shape, direction, &weight.numbers(), padded))
            }
            Algorithm::Winograd => {
                Packed::Winograd(Winograd::pack(level, Tile::Four, shape, direction, weight, padded))
            }
            Algorithm::Winograd2x2 => {
                Packed::Winograd(Winograd::pack(level, Tile::Two, shape, direction, weight, padded))
            }
        };
        Ok(Self { level, channels, window: shape.window, direction, kernel })
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
        match &self.kernel {
            Packed::Direct(kernel) => kernel.bytes(),
            Packed::Depthwise(kernel) => kernel.bytes(),
            Packed::Winograd(kernel) => kernel.weights().bytes(),
        }
    }

    /// Whether it keeps halves.
    #[must_use]
    pub fn keeps_halves(&self) -> bool {
        match &self.kernel {
            Packed::Direct(kernel) => kernel.keeps_halves(),
            Packed::Depthwise(_) => false,
            Packed::Winograd(kernel) => kernel.weights().keeps_halves(),
        }
    }

    /// Whether the weight can be had back: then nobody need keep it.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.keeps_halves() || matches!(&self.kernel, Packed::Direct(kernel) if kernel.is_reversible())
    }

    /// Writes the weight that was packed, `[out_channels, in_channels / groups, kernel]`, bit for bit.
    ///
    /// # Errors
    /// [`Error`] where it is not [reversible](Self::is_reversible) or the slice has another length.
    pub fn unpack(&self, weight: &mut [f32]) -> Result<()> {
        expect_len("weight", weight.len(), self.channels.weights())?;
        if self.keeps_halves() {
            let mut bits = vec![0; weight.len()];
            self.unpack_halves(&mut bits)?;
            return widen(self.level, &bits, weight);
        }
        match &self.kernel {
            Packed::Direct(kernel) if kernel.is_reversible() => {
                kernel.unpack(&self.channels, Unpacked::Single(weight));
                Ok(())
            }
            Packed::Direct(_) | Packed::Depthwise(_) | Packed::Winograd(_) => {
                Err(Error::Shape("the weight cannot be had back from what was packed"))
            }
        }
    }

    /// The same of the halves that it [keeps](Self::keeps_halves).
    ///
    /// # Errors
    /// [`Error`] where it keeps none or the slice has another length.
    pub fn unpack_halves(&self, bits: &mut [u16]) -> Result<()> {
        expect_len("weight", bits.len(), self.channels.weights())?;
        match &self.kernel {
            Packed::Direct(kernel) if self.keeps_halves() => kernel.unpack(&self.channels, Unpacked::Half(bits)),
            Packed::Winograd(kernel) if self.keeps_halves() => kernel.weights().unpack(bits),
            Packed::Direct(_) | Packed::Depthwise(_) | Packed::Winograd(_) => {
                return Err(Error::Shape("no halves were packed"));
            }
        }
        Ok(())
    }

    /// `output = epilogue(convolution of input + bias)`, and zeros in the output's halo.
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
        self.check(input.layout, epilogue, layout, output)?;
        expect_len("input", input.values.len(), input.layout.len())?;
        self.compute(&Run { input, planes: false, epilogue, workspace }, layout, output);
        Ok(())
    }

    /// Whether it can read an image that lies row-major: one of so few channels that blocks would be nearly empty.
    #[must_use]
    pub fn reads_planes(&self) -> bool {
        matches!(&self.kernel, Packed::Direct(kernel) if kernel.reads_planes())
    }

    /// [`PackedConv::run`] of `image [n, c, h, w]` with rows and columns `size`: the same bits.
    ///
    /// # Errors
    /// [`Error`] where it cannot, or as [`PackedConv::run`].
    pub fn run_planes(
        &self,
        size: [usize; 2],
        image: &[f32],
        epilogue: &Epilogue<'_>,
        workspace: &Workspace,
        layout: Layout,
        output: &mut [f32],
    ) -> Result<()> {
        if !self.reads_planes() {
            return Err(Error::Shape("this convolution reads images in blocks only"));
        }
        let halo = self.halo(size, layout.size);
        let input = Layout { batch: layout.batch, channels: self.channels.inputs, size, halo };
        self.check(input, epilogue, layout, output)?;
        expect_len("image", image.len(), input.batch * input.channels * size[0] * size[1])?;
        let mut values = workspace.take(planes::len(&input));
        planes::pack(&input, image, &mut values);
        let input = View { layout: input, values: &values };
        self.compute(&Run { input, planes: true, epilogue, workspace }, layout, output);
        workspace.give(values);
        Ok(())
    }

    /// Whether it can write an image that lies row-major: one of so few channels that blocks would be nearly empty.
    #[must_use]
    pub fn writes_planes(&self) -> bool {
        matches!(&self.kernel, Packed::Direct(kernel) if kernel.writes_planes())
    }

    /// The convolution of input, and the bias, as `image [n, c, h, w]` with rows and columns `size`: the bits of
    /// [`PackedConv::run`].
    ///
    /// # Errors
    /// [`Error`] where it cannot, or as [`PackedConv::run`].
    pub fn run_to_planes(
        &self,
        input: View<'_>,
        workspace: &Workspace,
        size: [usize; 2],
        image: &mut [f32],
    ) -> Result<()> {
        let kernel = match &self.kernel {
            Packed::Direct(kernel) if kernel.writes_planes() => kernel,
            Packed::Direct(_) | Packed::Depthwise(_) | Packed::Winograd(_) => {
                return Err(Error::Shape("this convolution writes images in blocks only"));
            }
        };
        let layout =
            Layout { batch: input.layout.batch, channels: self.channels.outputs, size, halo: Padding::default() };
        self.check_layouts(input.layout, layout)?;
        expect_len("input", input.values.len(), input.layout.len())?;
        expect_len("image", image.len(), layout.batch * layout.channels * size[0] * size[1])?;
        if !image.is_empty() {
            let run = Run { input, planes: false, epilogue: &Epilogue::default(), workspace };
            kernel.run_to_planes(&run, layout, image);
        }
        Ok(())
    }

    /// Checks that all fits together, but for the input's values.
    fn check(&self, read: Layout, epilogue: &Epilogue<'_>, written: Layout, output: &[f32]) -> Result<()> {
        self.check_layouts(read, written)?;
        expect_len("output", output.len(), written.len())?;
        epilogue.check(written)
    }

    fn check_layouts(&self, read: Layout, written: Layout) -> Result<()> {
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
        Ok(())
    }

    fn compute(&self, run: &Run<'_>, layout: Layout, output: &mut [f32]) {
        if layout.batch == 0 || layout.size.contains(&0) {
            output.fill(0.0);
            return;
        }
        match &self.kernel {
            Packed::Direct(kernel) => kernel.run(run, layout, output),
            Packed::Depthwise(kernel) => kernel.run(run, layout, output),
            Packed::Winograd(kernel) => kernel.run(run, layout, output),
        }
    }
}

fn covers(halo: Padding, needed: Padding) -> bool {
    halo.top >= needed.top && halo.bottom >= needed.bottom && halo.left >= needed.left && halo.right >= needed.right
}
