//! Fully connected maps: one long sum an output, read once.

use crate::error::{Result, expect_len};
use crate::parallel;

/// Outputs (or inputs, transposed) that one piece of work covers.
const BLOCK: usize = 64;
/// Independent partial sums of a dot product.
const LANES: usize = 16;

/// `output[n, o] = bias[o] + sum_i weight[o, i] input[n, i]` for `input [batch, inputs]`, `weight [outputs, inputs]`.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn linear(
    [batch, inputs, outputs]: [usize; 3],
    input: &[f32],
    weight: &[f32],
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
    parallel::for_each_chunk(&mut transposed, BLOCK * batch, |block, chunk| {
        for (o, values) in (block * BLOCK..).zip(chunk.chunks_exact_mut(batch.max(1))) {
            let row = &weight[o * inputs..][..inputs];
            for (n, value) in values.iter_mut().enumerate() {
                *value = bias.map_or(0.0, |bias| bias[o]) + dot(row, &input[n * inputs..][..inputs]);
            }
        }
    });
    for (index, value) in output.iter_mut().enumerate() {
        *value = transposed[index % outputs * batch + index / outputs];
    }
    Ok(())
}

/// The transpose of [`linear`] without bias: `input[n, i] = sum_o weight[o, i] upstream[n, o]`.
///
/// Outputs whose upstream is zero are not read: a one-hot upstream costs one row of the weight.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn linear_transpose(
    [batch, inputs, outputs]: [usize; 3],
    upstream: &[f32],
    weight: &[f32],
    input: &mut [f32],
) -> Result<()> {
    expect_len("input", input.len(), batch * inputs)?;
    expect_len("weight", weight.len(), outputs * inputs)?;
    expect_len("upstream", upstream.len(), batch * outputs)?;
    input.fill(0.0);
    for (n, input) in input.chunks_exact_mut(inputs.max(1)).enumerate() {
        let upstream = &upstream[n * outputs..][..outputs];
        parallel::for_each_chunk(input, BLOCK * LANES, |block, chunk| {
            for (o, upstream) in upstream.iter().enumerate().filter(|(_, upstream)| **upstream != 0.0) {
                let row = &weight[o * inputs + block * BLOCK * LANES..][..chunk.len()];
                chunk.iter_mut().zip(row).for_each(|(input, weight)| *input += weight * upstream);
            }
        });
    }
    Ok(())
}

/// A dot product in [`LANES`] partial sums.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
