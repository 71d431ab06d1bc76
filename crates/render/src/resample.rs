//! Separable resampling by a triangle filter.
//!
//! Output `i` of an axis looks at the input coordinate `c = offset + (i + 0.5) * scale` (in pixels from the
//! axis's start, pixel `j` reaching from `j` to `j + 1`) with support `s = max(scale, 1)`, so that reducing
//! averages (antialiases) and enlarging interpolates:
//!
//! ```text
//! weight(j) = max(0, 1 - |j + 0.5 - c| / s), divided by the sum over the pixels inside the image
//! ```
//!
//! With `scale = input / output` and no offset this is Pillow's `Image.resize(size, BILINEAR)`, and for 8-bit
//! pixels its arithmetic too, bit for bit: weights rounded to 22 binary places, two passes that each round to
//! 8 bits, in its [`Order`]. Enlarging is the same as bilinear interpolation with `align_corners = false`.

use std::ops::Range;

use ndarray::{Array2, Array3, ArrayView2};

const CHANNELS: usize = 3;
const FRACTION_BITS: u32 = 22;
const ONE: i32 = 1 << FRACTION_BITS;
const HALF: i32 = ONE / 2;

/// The pixels of one axis that each output of that axis is a weighted mean of.
pub(crate) struct Taps {
    windows: Vec<Window>,
    weights: Vec<f64>,
}

struct Window {
    inputs: Range<usize>,
    first_weight: usize,
}

impl Window {
    /// This window's part of the weights of all, or of what was made of each of them.
    fn of<'a, T>(&self, weights: &'a [T]) -> &'a [T] {
        &weights[self.first_weight..self.first_weight + self.inputs.len()]
    }
}

impl Taps {
    /// The taps of `outputs` over an axis of `input` pixels, at least one; a centre `c` outside it moves to its end.
    pub(crate) fn new(input: usize, scale: f64, offset: f64, outputs: Range<usize>) -> Self {
        let support = scale.max(1.0);
        let mut taps = Self { windows: Vec::with_capacity(outputs.len()), weights: Vec::new() };
        for output in outputs {
            let centre = (offset + (output as f64 + 0.5) * scale).clamp(0.0, input as f64);
            // The casts truncate and saturate at 0.
            let start = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(input);
            let first_weight = taps.weights.len();
            let inverse = 1.0 / support;
            taps.weights.extend((start..end).map(|j| (1.0 - ((j as f64 - centre + 0.5) * inverse).abs()).max(0.0)));
            let sum: f64 = taps.weights[first_weight..].iter().sum();
            for weight in &mut taps.weights[first_weight..] {
                *weight /= sum;
            }
            taps.windows.push(Window { inputs: start..end, first_weight });
        }
        taps
    }

    /// The taps that resize `input` pixels to `output`, of which only `kept` are computed.
    pub(crate) fn resize(input: usize, output: usize, kept: Range<usize>) -> Self {
        Self::new(input, input as f64 / output as f64, 0.0, kept)
    }

    /// The number of outputs.
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }

    /// The inputs that any output needs.
    fn inputs(&self) -> Range<usize> {
        match (self.windows.first(), self.windows.last()) {
            (Some(first), Some(last)) => first.inputs.start..last.inputs.end,
            _ => 0..0,
        }
    }

    /// The weighted mean of rows of `values` `[h, w]` that output `i` asks for: `w` values.
    pub(crate) fn mean_row(&self, i: usize, values: &Array2<f32>) -> Vec<f32> {
        let window = &self.windows[i];
        let mut mean = vec![0.0; values.ncols()];
        for (row, &weight) in window.inputs.clone().zip(window.of(&self.weights)) {
            for (sum, &value) in mean.iter_mut().zip(values.row(row)) {
                *sum += weight as f32 * value;
            }
        }
        mean
    }

    fn fixed_point(&self) -> Vec<i32> {
        self.weights.iter().map(|weight| (weight * f64::from(ONE) + 0.5) as i32).collect()
    }
}

/// Resamples the columns of `values` `[h, w]` to `[h, columns.len()]`.
pub(crate) fn resample_columns(values: ArrayView2<'_, f32>, columns: &Taps) -> Array2<f32> {
    Array2::from_shape_fn((values.nrows(), columns.len()), |(row, i)| {
        let window = &columns.windows[i];
        window
            .inputs
            .clone()
            .zip(window.of(&columns.weights))
            .map(|(column, &weight)| weight as f32 * values[[row, column]])
            .sum()
    })
}

/// Which pass comes first; the other way round a level may differ by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Along the rows, then down the columns.
    AcrossFirst,
    /// Down the columns, then along the rows.
    DownFirst,
}

impl Order {
    /// Pillow's since its release 13; older ones always went across first.
    pub(crate) fn of(input: [usize; 2], output: [usize; 2]) -> Self {
        let lost_rows = input[0].saturating_sub(output[0]);
        let lost_columns = input[1].saturating_sub(output[1]);
        if lost_rows > 2 * lost_columns { Self::DownFirst } else { Self::AcrossFirst }
    }
}

/// Resamples interleaved RGB `pixels`, `width` a row, to `[rows.len(), columns.len(), 3]`.
pub(crate) fn resample_rgb(pixels: &[u8], width: usize, rows: &Taps, columns: &Taps, order: Order) -> Array3<u8> {
    let values = if order == Order::DownFirst {
        let fewer_rows = down(pixels, width, rows, 0);
        across(&fewer_rows, width, columns)
    } else {
        let needed = rows.inputs();
        let stride = CHANNELS * width;
        let narrowed = across(&pixels[needed.start * stride..needed.end * stride], width, columns);
        down(&narrowed, columns.len(), rows, needed.start)
    };
    let mut output = Array3::zeros((rows.len(), columns.len(), CHANNELS));
    for (to, value) in output.iter_mut().zip(values) {
        *to = value;
    }
    output
}

/// Every row of `pixels`, `width` a row, at the columns' outputs.
fn across(pixels: &[u8], width: usize, columns: &Taps) -> Vec<u8> {
    let weights = columns.fixed_point();
    let height = pixels.len() / (CHANNELS * width);
    let mut output = Vec::with_capacity(height * columns.len() * CHANNELS);
    for row in pixels.chunks_exact(CHANNELS * width) {
        for window in &columns.windows {
            let mut sums = [HALF; CHANNELS];
            let inputs = row[window.inputs.start * CHANNELS..].chunks_exact(CHANNELS);
            for (input, &weight) in inputs.zip(window.of(&weights)) {
                add(&mut sums, input, weight);
            }
            output.extend(sums.map(to_byte));
        }
    }
    output
}

/// The rows' outputs, from `pixels`, `width` a row, whose first row is row `first` of the axis.
fn down(pixels: &[u8], width: usize, rows: &Taps, first: usize) -> Vec<u8> {
    let weights = rows.fixed_point();
    let stride = CHANNELS * width;
    let mut output = Vec::with_capacity(rows.len() * stride);
    let mut sums = vec![HALF; stride];
    for window in &rows.windows {
        sums.fill(HALF);
        let inputs = pixels[(window.inputs.start - first) * stride..].chunks_exact(stride);
        for (input, &weight) in inputs.zip(window.of(&weights)) {
            add(&mut sums, input, weight);
        }
        output.extend(sums.iter().copied().map(to_byte));
    }
    output
}

fn add(sums: &mut [i32], values: &[u8], weight: i32) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += weight * i32::from(value);
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> FRACTION_BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;

    use super::*;

    /// The definition, pixel by pixel in float64: every input pixel is asked for its weight.
    fn weight(pixel: usize, output: usize, scale: f64, offset: f64) -> f64 {
        let centre = offset + (output as f64 + 0.5) * scale;
        (1.0 - ((pixel as f64 + 0.5 - centre) / scale.max(1.0)).abs()).max(0.0)
    }

    fn oracle(input: &Array2<f64>, size: [usize; 2]) -> Array2<f64> {
        let scales = [0, 1].map(|axis| input.shape()[axis] as f64 / size[axis] as f64);
        Array2::from_shape_fn(size, |(row, column)| {
            let (mut sum, mut total) = (0.0, 0.0);
            for ((y, x), value) in input.indexed_iter() {
                let weight = weight(y, row, scales[0], 0.0) * weight(x, column, scales[1], 0.0);
                sum += weight * value;
                total += weight;
            }
            sum / total
        })
    }

    /// Bytes without a pattern: the high byte of a linear congruential generator.
    fn bytes(count: usize) -> Vec<u8> {
        let mut state = 12_345_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    const SIZES: [([usize; 2], [usize; 2]); 9] = [
        ([1, 1], [3, 4]),
        ([1, 40], [7, 7]),
        ([40, 1], [7, 7]),
        ([13, 29], [5, 7]),
        ([13, 29], [31, 64]),
        ([13, 29], [31, 3]),
        ([16, 24], [8, 12]),
        ([9, 11], [9, 11]),
        ([30, 40], [1, 1]),
    ];

    #[test]
    fn bytes_are_within_one_level_of_the_definition() {
        for ([height, width], size) in SIZES {
            let pixels = bytes(height * width * 3);
            let [rows, columns] = [Taps::resize(height, size[0], 0..size[0]), Taps::resize(width, size[1], 0..size[1])];
            for order in [Order::AcrossFirst, Order::DownFirst] {
                let resized = resample_rgb(&pixels, width, &rows, &columns, order);
                for channel in 0..3 {
                    let level = |(y, x)| f64::from(pixels[(y * width + x) * 3 + channel]);
                    let expected = oracle(&Array2::from_shape_fn((height, width), level), size);
                    for ((at, expected), actual) in expected.indexed_iter().zip(resized.index_axis(Axis(2), channel)) {
                        assert!(
                            (expected - f64::from(*actual)).abs() <= 1.0,
                            "{height}x{width} to {size:?}, {order:?}, {channel}, {at:?}: {actual}, expected {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn floats_are_the_definition() {
        for ([height, width], size) in SIZES {
            let values = bytes(height * width);
            let plane = Array2::from_shape_fn((height, width), |(y, x)| f32::from(values[y * width + x]) / 255.0);
            let wide = resample_columns(plane.view(), &Taps::resize(width, size[1], 0..size[1]));
            let rows = Taps::resize(height, size[0], 0..size[0]);
            let expected = oracle(&plane.mapv(f64::from), size);
            for row in 0..size[0] {
                for (column, actual) in rows.mean_row(row, &wide).into_iter().enumerate() {
                    let expected = expected[[row, column]];
                    assert!(
                        (expected - f64::from(actual)).abs() < 1e-6,
                        "{height}x{width} to {size:?}, [{row}, {column}]: {actual}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn enlarging_is_bilinear_interpolation_between_pixel_centres() {
        let line = [0.25_f32, 1.0, 0.0, 0.5];
        let taps = Taps::resize(line.len(), 10, 0..10);
        let enlarged = resample_columns(ArrayView2::from_shape((1, 4), &line).unwrap(), &taps);
        for (i, actual) in enlarged.iter().enumerate() {
            let at = ((i as f32 + 0.5) * 0.4 - 0.5).clamp(0.0, 3.0);
            let (left, part) = (at.floor() as usize, at.fract());
            let expected = line[left] * (1.0 - part) + line[(left + 1).min(3)] * part;
            assert!((actual - expected).abs() < 1e-6, "{i}: {actual}, expected {expected}");
        }
    }

    #[test]
    fn a_part_of_the_outputs_is_a_part_of_the_whole() {
        let (height, width) = (23, 37);
        let pixels = bytes(height * width * 3);
        let [rows, columns] = [|kept| Taps::resize(23, 11, kept), |kept| Taps::resize(37, 50, kept)];
        let resize = |y, x| resample_rgb(&pixels, width, &rows(y), &columns(x), Order::AcrossFirst);
        let (all, part) = (resize(0..11, 0..50), resize(4..9, 20..41));
        let expected = all.slice_axis(Axis(0), (4..9).into());
        assert_eq!(part, expected.slice_axis(Axis(1), (20..41).into()));
    }

    #[test]
    fn the_order_is_that_of_pillow_13() {
        let down_first = |input, output| Order::of(input, output) == Order::DownFirst;
        assert!(!down_first([20, 20], [1, 10]) && down_first([20, 20], [1, 11]));
        assert!(!down_first([30, 20], [28, 19]) && down_first([30, 20], [27, 19]));
        assert!(!down_first([20, 20], [20, 40]) && down_first([20, 20], [19, 40]));
        assert!(!down_first([20, 20], [21, 40]) && !down_first([20, 20], [21, 1]));
    }

    #[test]
    fn the_longest_side_reduced_to_one_pixel_keeps_its_level() {
        let side = crate::MAX_SIDE;
        let white = vec![255; side * 3];
        let one = Taps::resize(side, 1, 0..1);
        let pixel = resample_rgb(&white, side, &Taps::resize(1, 1, 0..1), &one, Order::AcrossFirst);
        assert!(pixel.iter().all(|level| *level >= 253), "{pixel}");
    }

    #[test]
    fn a_centre_outside_the_axis_moves_to_its_end() {
        let ends = Taps::new(4, 1.0, -3.0, 0..10);
        let line = [1.0_f32, 2.0, 3.0, 4.0];
        let moved = resample_columns(ArrayView2::from_shape((1, 4), &line).unwrap(), &ends);
        assert_eq!(moved.as_slice().unwrap(), [1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0]);
    }
}
