//! Convolution and its transpose over tensors `[n, c, h, w]`: packed on the way in, unpacked on the way out.

use crate::blocked::{Algorithm, Direction, Epilogue, Layout, PackedConv, View, Workspace};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::shape::{ConvShape, Padding};

/// Blocked images of these functions' calls.
static WORKSPACE: Workspace = Workspace::new();

/// `output[n, o] = bias[o] + sum over the group's channels and taps of weight * input`.
///
/// # Errors
/// [`Error`](crate::Error) where the shape contradicts itself or a slice has another length.
pub fn conv2d(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    shape.check(input.len(), weight.len(), output.len())?;
    if let Some(bias) = bias {
        expect_len("bias", bias.len(), shape.out_channels)?;
    }
    run(shape, Direction::Forward, input, weight, bias, output)
}

/// The transpose of [`conv2d`] without bias: `input = weight^T upstream`, with `upstream` of the output's shape.
///
/// # Errors
/// [`Error`](crate::Error) where the shape contradicts itself or a slice has another length.
pub fn conv2d_transpose(shape: &ConvShape, upstream: &[f32], weight: &[f32], input: &mut [f32]) -> Result<()> {
    shape.check(input.len(), weight.len(), upstream.len())?;
    run(shape, Direction::Transposed, upstream, weight, None, input)
}

fn run(
    shape: &ConvShape,
    direction: Direction,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    if output.is_empty() {
        return Ok(());
    }
    let level = Level::current()?;
    let packed = PackedConv::new(level, Algorithm::fastest(level, shape, true), shape, direction, weight.into(), bias)?;
    let image =
        |channels: usize, size: [usize; 2]| Layout { batch: shape.batch, channels, size, halo: Padding::default() };
    let (forward, back) = (image(shape.in_channels, shape.input), image(shape.out_channels, shape.output));
    let (from, to) = match direction {
        Direction::Forward => (forward, back),
        Direction::Transposed => (back, forward),
    };
    let from = Layout { halo: packed.halo(from.size, to.size), ..from };
    let (mut read, mut written) = (WORKSPACE.take(from.len()), WORKSPACE.take(to.len()));
    from.pack(input, &mut read)?;
    packed.run(View { layout: from, values: &read }, &Epilogue::default(), &WORKSPACE, to, &mut written)?;
    to.unpack(&written, output)?;
    WORKSPACE.give(read);
    WORKSPACE.give(written);
    Ok(())
}
