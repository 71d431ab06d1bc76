//! Fully connected maps: every weight is read once, so they run at the speed of memory.

use std::array::from_fn;

use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::half::widen;
use crate::level::Level;
use crate::parallel;
use crate::weights::{Element, Part, Stored, Weights};

/// Outputs that one piece of work covers.
const OUTPUTS: usize = 64;
/// Inputs that one piece of work covers, transposed: their sums stay in the innermost cache, and of each row of the weight
/// enough follows on for the machine to fetch ahead.
const INPUTS: usize = 2048;
/// Rows of the weight that are read side by side: the machine fetches ahead in each of them.
const ROWS: usize = 4;
/// Rows of the weight that are read side by side, transposed: as many terms of each sum are added before it is written.
const TERMS: usize = 8;
/// Vectors of independent partial sums of a row.
const SUMS: usize = 2;
/// Bytes in a line of the cache.
const LINE: usize = 64;
/// How far ahead the numbers of a row are asked for.
const ASKED: usize = 512;

/// `output[n, o] = bias[o] + sum_i weight[o, i] input[n, i]` for `input [batch, inputs]`, `weight [outputs, inputs]`.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn linear(
    [batch, inputs, outputs]: [usize; 3],
    input: &[f32],
    weight: Weights<'_>,
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    let (sizes, level, part) = ([batch, inputs, outputs], Level::current()?, weight.part);
    match weight.stored {
        Stored::Single(weight) => forward(level, sizes, input, weight, part, bias, output),
        Stored::Half(weight) if level.reads_halves() => forward(level, sizes, input, weight, part, bias, output),
        Stored::Half(weight) => forward(level, sizes, input, &numbers(level, weight)?, part, bias, output),
    }
}

fn forward<W: Element>(
    level: Level,
    [batch, inputs, outputs]: [usize; 3],
    input: &[f32],
    weight: &[W],
    part: Part,
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    expect_len("input", input.len(), batch * inputs)?;
    expect_len("weight", weight.len(), outputs * inputs)?;
    expect_len("output", output.len(), batch * outputs)?;
    if let Some(bias) = bias {
        expect_len("bias", bias.len(), outputs)?;
    }
    // Computed as [outputs, batch], so that a piece of work reads its rows of the weight once for the whole batch.
    let mut transposed = vec![0.0; output.len()];
    parallel::for_each_chunk(&mut transposed, OUTPUTS * batch, |block, sums| {
        let first = block * OUTPUTS;
        let weight = &weight[first * inputs..][..sums.len() / batch * inputs];
        level.run(Forward { batch, inputs, input, weight, part, sums });
        if let Some(bias) = bias {
            let rows = sums.chunks_exact_mut(batch).zip(&bias[first..]);
            rows.for_each(|(row, bias)| row.iter_mut().for_each(|value| *value += bias));
        }
    });
    for (index, value) in output.iter_mut().enumerate() {
        *value = transposed[index % outputs * batch + index / outputs];
    }
    Ok(())
}

/// The transpose of [`linear`] without bias: `input[n, i] = sum_o weight[o, i] upstream[n, o]`.
///
/// Outputs whose upstream is zero in every image are not read: a one-hot upstream costs one row of the weight.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn linear_transpose(
    [batch, inputs, outputs]: [usize; 3],
    upstream: &[f32],
    weight: Weights<'_>,
    input: &mut [f32],
) -> Result<()> {
    let (sizes, level, part) = ([batch, inputs, outputs], Level::current()?, weight.part);
    match weight.stored {
        Stored::Single(weight) => transposed(level, sizes, upstream, weight, part, input),
        Stored::Half(weight) if level.reads_halves() => transposed(level, sizes, upstream, weight, part, input),
        Stored::Half(weight) => transposed(level, sizes, upstream, &numbers(level, weight)?, part, input),
    }
}

fn numbers(level: Level, halves: &[u16]) -> Result<Vec<f32>> {
    let mut numbers = vec![0.0; halves.len()];
    widen(level, halves, &mut numbers)?;
    Ok(numbers)
}

fn transposed<W: Element>(
    level: Level,
    [batch, inputs, outputs]: [usize; 3],
    upstream: &[f32],
    weight: &[W],
    part: Part,
    input: &mut [f32],
) -> Result<()> {
    expect_len("input", input.len(), batch * inputs)?;
    expect_len("weight", weight.len(), outputs * inputs)?;
    expect_len("upstream", upstream.len(), batch * outputs)?;
    input.fill(0.0);
    if inputs == 0 {
        return Ok(());
    }
    let is_read = |o: &usize| (0..batch).any(|n| upstream[n * outputs + o] != 0.0);
    let rows: Vec<usize> = (0..outputs).filter(is_read).collect();
    // Pieces of work are columns of the weight, read once for the whole batch.
    let mut pieces: Vec<Vec<&mut [f32]>> = (0..inputs.div_ceil(INPUTS)).map(|_| Vec::with_capacity(batch)).collect();
    for image in input.chunks_exact_mut(inputs) {
        pieces.iter_mut().zip(image.chunks_mut(INPUTS)).for_each(|(piece, columns)| piece.push(columns));
    }
    parallel::for_each(pieces.into_iter().enumerate().collect(), |(piece, images)| {
        let weight = weight.get(piece * INPUTS..).unwrap_or_default();
        level.run(Transposed { inputs, outputs, rows: &rows, upstream, weight, part, images });
    });
    Ok(())
}

/// `sums[o, n] = Σ_i weight[o, i] input[n, i]` for some rows of the weight.
struct Forward<'a, 'b, W> {
    batch: usize,
    inputs: usize,
    input: &'a [f32],
    weight: &'a [W],
    part: Part,
    sums: &'b mut [f32],
}

impl<W: Element> Kernel for Forward<'_, '_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { batch, inputs, input, weight, part, sums } = self;
        if inputs == 0 {
            return;
        }
        let groups = weight.chunks(ROWS * inputs).zip(sums.chunks_mut(ROWS * batch));
        for (weight, sums) in groups {
            for n in 0..batch {
                let input = &input[n * inputs..][..inputs];
                let mut dots = [0.0; ROWS];
                if weight.len() == ROWS * inputs {
                    dots = dot::<S, W, ROWS>(simd, weight, part, input);
                } else {
                    for (row, dot_of_row) in weight.chunks_exact(inputs).zip(&mut dots) {
                        [*dot_of_row] = dot::<S, W, 1>(simd, row, part, input);
                    }
                }
                sums.iter_mut().skip(n).step_by(batch).zip(dots).for_each(|(sum, dot)| *sum = dot);
            }
        }
    }
}

/// The products of `R` rows with a vector, each in `SUMS` vectors of partial sums.
#[inline(always)]
fn dot<S: Simd, W: Element, const R: usize>(simd: S, rows: &[W], part: Part, vector: &[f32]) -> [f32; R] {
    let length = vector.len();
    let step = SUMS * S::LANES;
    let whole = length - length % step;
    let rows: [&[W]; R] = from_fn(|row| &rows[row * length..][..length]);
    let mut sums = [[simd.splat(0.0); SUMS]; R];
    for start in (0..whole).step_by(step) {
        let vector = &vector[start..][..step];
        // Behind a row's end the row of the next group.
        let ahead = if start + ASKED < length { start + ASKED } else { start + ASKED + (R - 1) * length };
        for (sums, row) in sums.iter_mut().zip(rows) {
            for line in (0..step).step_by(LINE / size_of::<W>()) {
                simd.prefetch(row, ahead + line);
            }
            let row = &row[start..][..step];
            for (index, sum) in sums.iter_mut().enumerate() {
                let at = index * S::LANES;
                *sum = simd.mul_add(part.load(simd, &row[at..]), simd.load(&vector[at..]), *sum);
            }
        }
    }
    let mut dots = [0.0; R];
    for ((dot, sums), row) in dots.iter_mut().zip(sums).zip(rows) {
        let mut lanes = [0.0; 16];
        let mut sum = simd.splat(0.0);
        for one in sums {
            sum = simd.add(sum, one);
        }
        simd.store(sum, &mut lanes);
        let rest: f32 = row[whole..].iter().zip(&vector[whole..]).map(|(a, b)| part.of(a.value()) * b).sum();
        *dot = lanes[..S::LANES].iter().sum::<f32>() + rest;
    }
    dots
}

/// `input[n, i] += Σ_o weight[o, i] upstream[n, o]` for some columns of the weight.
struct Transposed<'a, 'b, W> {
    inputs: usize,
    outputs: usize,
    rows: &'a [usize],
    upstream: &'a [f32],
    /// From the first of the columns on.
    weight: &'a [W],
    part: Part,
    images: Vec<&'b mut [f32]>,
}

impl<W: Element> Kernel for Transposed<'_, '_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { inputs, outputs, rows, upstream, weight, part, mut images } = self;
        let columns = images.first().map_or(0, |image| image.len());
        let whole = columns - columns % S::LANES;
        let wide = columns - columns % (SUMS * S::LANES);
        let mut factors = vec![[0.0; TERMS]; images.len()];
        for rows in rows.chunks(TERMS) {
            // Of rows that are too few the first counts again, zero times.
            let weights: [&[W]; TERMS] =
                from_fn(|index| &weight[rows.get(index).unwrap_or(&rows[0]) * inputs..][..columns]);
            for (n, factors) in factors.iter_mut().enumerate() {
                *factors = from_fn(|index| rows.get(index).map_or(0.0, |o| upstream[n * outputs + o]));
            }
            for start in (0..wide).step_by(SUMS * S::LANES) {
                add_rows::<S, W, SUMS>(simd, weights, part, &factors, start, &mut images);
            }
            for start in (wide..whole).step_by(S::LANES) {
                add_rows::<S, W, 1>(simd, weights, part, &factors, start, &mut images);
            }
            for (image, factors) in images.iter_mut().zip(&factors) {
                for (index, sum) in image.iter_mut().enumerate().skip(whole) {
                    weights
                        .iter()
                        .zip(factors)
                        .for_each(|(weight, factor)| *sum += part.of(weight[index].value()) * factor);
                }
            }
        }
        // Rows that only other images need may have changed the sign of a zero, and nothing else.
        images.iter_mut().for_each(|image| image.iter_mut().for_each(|sum| *sum += 0.0));
    }
}

/// Adds `TERMS` rows, each times its factor for an image, to the sums of every image, for `V` vectors of columns.
#[inline(always)]
fn add_rows<S: Simd, W: Element, const V: usize>(
    simd: S,
    weights: [&[W]; TERMS],
    part: Part,
    factors: &[[f32; TERMS]],
    start: usize,
    images: &mut [&mut [f32]],
) {
    let mut terms = [[simd.splat(0.0); V]; TERMS];
    for (term, weight) in terms.iter_mut().zip(weights) {
        let weight = &weight[start..][..V * S::LANES];
        for (vector, term) in term.iter_mut().enumerate() {
            *term = part.load(simd, &weight[vector * S::LANES..]);
        }
    }
    for (image, factors) in images.iter_mut().zip(factors) {
        let sums = &mut image[start..][..V * S::LANES];
        let mut vectors: [S::Vector; V] = simd.loads(sums, S::LANES);
        for (term, factor) in terms.iter().zip(factors) {
            let factor = simd.splat(*factor);
            for (sum, weight) in vectors.iter_mut().zip(term) {
                *sum = simd.mul_add(*weight, factor, *sum);
            }
        }
        for (vector, sum) in vectors.iter().enumerate() {
            simd.store(*sum, &mut sums[vector * S::LANES..]);
        }
    }
}
