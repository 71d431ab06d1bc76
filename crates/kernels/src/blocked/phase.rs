//! Windows seen from the pixel that is written.
//!
//! Forward, output pixel `y` reads the inputs `y s + v d - p` over the taps `v`. Transposed, input pixel `y` receives from
//! the outputs `(y + p - v d) / s` over the taps for which that is whole: which taps those are depends on `y mod s` only.
//! So a transposed convolution is one convolution of stride 1 for each phase `y mod s`, and needs no other kernel.

use std::ops::Range;

use super::conv::Direction;
use super::layout::Layout;
use crate::shape::{Padding, Window};

/// The pixels `[row, column] + [i, j] * step` of what is written, and what each of them reads.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    /// The first pixel.
    pub first: [usize; 2],
    /// Taps of the window.
    pub taps: Vec<usize>,
    /// For each tap, the place that it reads relative to `[i, j] * stride`.
    pub places: Vec<[isize; 2]>,
}

/// All phases of a window.
#[derive(Debug, Clone)]
pub(super) struct Phases {
    /// Row-major by their first pixel.
    pub phases: Vec<Phase>,
    /// Pixels read from one sum to the next.
    pub stride: [usize; 2],
    /// Pixels written from one sum to the next.
    pub step: [usize; 2],
}

/// Where a phase's taps lie in memory.
pub(super) struct Taps {
    /// The least place.
    pub origin: [isize; 2],
    /// For each tap, how many pixels behind the origin.
    pub offsets: Vec<usize>,
    /// And how many rows.
    rows: Vec<usize>,
    /// Pixels from one row to the next.
    row_stride: usize,
}

impl Phases {
    pub(super) fn new(window: &Window, direction: Direction) -> Self {
        let padding = [window.padding.top, window.padding.left];
        match direction {
            Direction::Forward => {
                let along = |axis: usize| {
                    let place = move |tap: usize| (tap * window.dilation[axis]) as isize - padding[axis] as isize;
                    (0..window.kernel[axis]).map(|tap| (tap, place(tap))).collect::<Vec<_>>()
                };
                let phase = Phase::new([0, 0], window, &along(0), &along(1));
                Self { phases: vec![phase], stride: window.stride, step: [1, 1] }
            }
            Direction::Transposed => {
                let along = |axis: usize, first: usize| {
                    let stride = window.stride[axis] as isize;
                    let distance =
                        move |tap: usize| (first + padding[axis]) as isize - (tap * window.dilation[axis]) as isize;
                    let taps = (0..window.kernel[axis]).filter(move |tap| distance(*tap) % stride == 0);
                    taps.map(|tap| (tap, distance(tap) / stride)).collect::<Vec<_>>()
                };
                let mut phases = Vec::new();
                for row in 0..window.stride[0] {
                    for column in 0..window.stride[1] {
                        phases.push(Phase::new([row, column], window, &along(0, row), &along(1, column)));
                    }
                }
                Self { phases, stride: [1, 1], step: window.stride }
            }
        }
    }

    /// The zeros around what is read, of this size, that writing `output` pixels needs.
    pub(super) fn halo(&self, input: [usize; 2], output: [usize; 2]) -> Padding {
        let mut before = [0; 2];
        let mut after = [0; 2];
        for phase in &self.phases {
            for axis in 0..2 {
                let count = output[axis].saturating_sub(phase.first[axis]).div_ceil(self.step[axis]);
                let last = (count.max(1) - 1) * self.stride[axis];
                for place in phase.places.iter().map(|place| place[axis]) {
                    before[axis] = place.saturating_neg().max(before[axis]);
                    after[axis] = (last as isize + place + 1 - input[axis] as isize).max(after[axis]);
                }
            }
        }
        let size = |length: isize| length.max(0).cast_unsigned();
        Padding { top: size(before[0]), bottom: size(after[0]), left: size(before[1]), right: size(after[1]) }
    }
}

impl Phase {
    fn new(first: [usize; 2], window: &Window, rows: &[(usize, isize)], columns: &[(usize, isize)]) -> Self {
        let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        let (taps, places) =
            pairs.map(|(row, column)| (row.0 * window.kernel[1] + column.0, [row.1, column.1])).unzip();
        Self { first, taps, places }
    }

    /// The taps in an image of this layout, whose rows are `row_stride` pixels apart.
    pub(super) fn taps(&self, row_stride: usize) -> Taps {
        let least = |axis: usize| self.places.iter().map(|place| place[axis]).min().unwrap_or(0);
        let origin = [least(0), least(1)];
        let behind = |axis: usize| self.places.iter().map(move |place| (place[axis] - origin[axis]).cast_unsigned());
        let rows: Vec<usize> = behind(0).collect();
        let offsets = rows.iter().zip(behind(1)).map(|(row, column)| row * row_stride + column).collect();
        Taps { origin, offsets, rows, row_stride }
    }
}

impl Taps {
    /// Where the pixels of a row start to read, in pixels: the first place of `[row, 0] * stride`, row `row` counted in strides.
    /// Above the first image that is a number that wraps around.
    pub(super) fn start(&self, layout: &Layout, n: usize, row: usize) -> usize {
        let row = (n * layout.stored_rows() + layout.halo.top + row).wrapping_add_signed(self.origin[0]);
        row.wrapping_mul(self.row_stride).wrapping_add(layout.halo.left).wrapping_add_signed(self.origin[1])
    }

    /// Which taps read rows of an image that has `height`.
    pub(super) fn inside(&self, height: usize, row: usize) -> Range<usize> {
        let is_inside = |behind: &usize| (row + behind).checked_add_signed(self.origin[0]).is_some_and(|y| y < height);
        let first = self.rows.iter().position(is_inside).unwrap_or(0);
        first..first + self.rows.iter().filter(|behind| is_inside(behind)).count()
    }
}
