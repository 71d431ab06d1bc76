//! Bilinear resampling of a plane, without antialiasing.

use crate::error::{Error, Result, expect_len};

/// One output position along an axis: `near + fraction (far - near)`.
struct Sample {
    near: usize,
    far: usize,
    fraction: f32,
}

/// Resizes `input [from]` to `output [to]` as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does:
/// output pixel `i` looks at `max(0, (i + 1/2) from/to - 1/2)`.
///
/// # Errors
/// [`Error`] where a size is zero or a slice has another length.
pub fn resize_bilinear(from: [usize; 2], input: &[f32], to: [usize; 2], output: &mut [f32]) -> Result<()> {
    if from.contains(&0) || to.contains(&0) {
        return Err(Error::Shape("an image without pixels cannot be resized"));
    }
    expect_len("input", input.len(), from[0] * from[1])?;
    expect_len("output", output.len(), to[0] * to[1])?;
    let (rows, columns) = (samples(from[0], to[0]), samples(from[1], to[1]));
    // The rows of the input that an output row lies between, at the output's width: they serve several output rows.
    let mut lines = [vec![0.0; to[1]], vec![0.0; to[1]]];
    let mut held = [None; 2];
    for (row, output) in rows.iter().zip(output.chunks_exact_mut(to[1])) {
        if held[1] == Some(row.near) {
            lines.swap(0, 1);
            held.swap(0, 1);
        }
        for ((line, held), wanted) in lines.iter_mut().zip(&mut held).zip([row.near, row.far]) {
            if *held != Some(wanted) {
                stretch(&input[wanted * from[1]..][..from[1]], &columns, line);
                *held = Some(wanted);
            }
        }
        for ((output, top), bottom) in output.iter_mut().zip(&lines[0]).zip(&lines[1]) {
            *output = top + row.fraction * (bottom - top);
        }
    }
    Ok(())
}

/// One row at the output's width.
fn stretch(line: &[f32], columns: &[Sample], output: &mut [f32]) {
    for (column, output) in columns.iter().zip(output) {
        *output = line[column.near] + column.fraction * (line[column.far] - line[column.near]);
    }
}

fn samples(from: usize, to: usize) -> Vec<Sample> {
    let scale = from as f64 / to as f64;
    let sample = |index: usize| {
        let position = ((index as f64 + 0.5) * scale - 0.5).max(0.0);
        let near = (position as usize).min(from - 1);
        Sample { near, far: (near + 1).min(from - 1), fraction: (position - near as f64) as f32 }
    };
    (0..to).map(sample).collect()
}
