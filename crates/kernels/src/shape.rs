//! The shapes that kernels work on, checked once at the border.

use crate::error::{Error, Result, expect_len};

/// Zeros around an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// The larger of both on each side.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.max(other.left),
            right: self.right.max(other.right),
        }
    }

    /// `rows` above and below, `columns` left and right.
    #[must_use]
    pub const fn symmetric(rows: usize, columns: usize) -> Self {
        Self { top: rows, bottom: rows, left: columns, right: columns }
    }
}

/// A sliding window: `[rows, columns]` of each property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Size in taps.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
}

impl Window {
    /// The number of windows along both axes of an input, or `None` where not one fits.
    #[must_use]
    pub fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let padding = [self.padding.top + self.padding.bottom, self.padding.left + self.padding.right];
        let mut output = [0; 2];
        for axis in 0..2 {
            let reach = self.dilation[axis] * self.kernel[axis].checked_sub(1)? + 1;
            let room = (input[axis] + padding[axis]).checked_sub(reach)?;
            output[axis] = room.checked_div(self.stride[axis])? + 1;
        }
        Some(output)
    }
}

/// A grouped two-dimensional convolution (cross-correlation).
///
/// Input `[batch, in_channels, input]`, weight `[out_channels, in_channels / groups, kernel]`,
/// output `[batch, out_channels, output]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Independent groups of channels.
    pub groups: usize,
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Rows and columns of the output.
    pub output: [usize; 2],
    /// The sliding window.
    pub window: Window,
}

impl ConvShape {
    /// Input channels a group.
    pub(crate) fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels a group.
    pub(crate) fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Taps of the window.
    pub(crate) fn taps(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1]
    }

    /// Terms of the sum behind one output value.
    pub(crate) fn depth(&self) -> usize {
        self.group_in() * self.taps()
    }

    /// Pixels of one input plane.
    pub(crate) fn input_pixels(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Pixels of one output plane.
    pub(crate) fn output_pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Checks that the shape does not contradict itself.
    pub(crate) fn check_geometry(&self) -> Result<()> {
        if self.groups == 0
            || !self.in_channels.is_multiple_of(self.groups)
            || !self.out_channels.is_multiple_of(self.groups)
        {
            return Err(Error::Shape("the groups do not divide the channels"));
        }
        if self.window.output(self.input) != Some(self.output) {
            return Err(Error::Shape("the window, the input and the output do not fit together"));
        }
        Ok(())
    }

    /// Checks the shape and the lengths of the three tensors.
    pub(crate) fn check(&self, input: usize, weight: usize, output: usize) -> Result<()> {
        self.check_geometry()?;
        expect_len("input", input, self.batch * self.in_channels * self.input_pixels())?;
        expect_len("weight", weight, self.out_channels * self.depth())?;
        expect_len("output", output, self.batch * self.out_channels * self.output_pixels())
    }
}

/// One output position of a pooling along one axis: the input positions `start..end`, already cut to the input,
/// and the length that an average divides by (which may count padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First input position.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What an average divides by along this axis.
    pub divisor: usize,
}

/// A pooling: every plane of `[planes, input]` becomes `[rows.len(), columns.len()]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolShape {
    /// Images times channels.
    pub planes: usize,
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// One span for each output row.
    pub rows: Vec<Span>,
    /// One span for each output column.
    pub columns: Vec<Span>,
}

impl PoolShape {
    /// Pixels of one input plane.
    pub(crate) fn input_pixels(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Pixels of one output plane.
    pub(crate) fn output_pixels(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The divisor of the only window, where it is the whole plane.
    pub(crate) fn whole_plane(&self) -> Option<usize> {
        let ([rows], [columns]) = (&self.rows[..], &self.columns[..]) else { return None };
        let is_whole = [rows.start, columns.start] == [0, 0] && [rows.end, columns.end] == self.input;
        is_whole.then_some(rows.divisor * columns.divisor)
    }

    /// Checks that every window is one and lies inside the input.
    pub(crate) fn check_spans(&self) -> Result<()> {
        let fits = |spans: &[Span], size: usize| {
            let inside = |span: &Span| span.start < span.end && span.end <= size && span.divisor > 0;
            !spans.is_empty() && spans.iter().all(inside)
        };
        if !fits(&self.rows, self.input[0]) || !fits(&self.columns, self.input[1]) {
            return Err(Error::Shape("a pooling window is empty or leaves the input"));
        }
        Ok(())
    }

    /// Checks the spans and the lengths of both tensors.
    pub(crate) fn check(&self, input: usize, output: usize) -> Result<()> {
        self.check_spans()?;
        expect_len("input", input, self.planes * self.input_pixels())?;
        expect_len("output", output, self.planes * self.output_pixels())
    }
}
