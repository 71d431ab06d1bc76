//! Sums of weights that stand next to each other.

use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::weights::{Element, Part, Stored, Weights};

/// Sums that one piece of work covers.
const SUMS: usize = 4096;

/// `sums[k] = sum_j weight[k length + j]` over the `length` numbers of each group.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn group_sums(length: usize, weight: Weights<'_>, sums: &mut [f32]) -> Result<()> {
    let level = Level::current()?;
    expect_len("weight", weight.len(), sums.len() * length)?;
    sums.fill(0.0);
    match weight.stored {
        Stored::Single(values) => sum(level, length, values, weight.part, sums),
        Stored::Half(values) => sum(level, length, values, weight.part, sums),
    }
    Ok(())
}

fn sum<W: Element>(level: Level, length: usize, weight: &[W], part: Part, sums: &mut [f32]) {
    parallel::for_each_chunk(sums, SUMS, |piece, sums| {
        let weight = &weight[piece * SUMS * length..][..sums.len() * length];
        level.run(Groups { length, weight, part, sums });
    });
}

struct Groups<'a, 'b, W> {
    length: usize,
    weight: &'a [W],
    part: Part,
    sums: &'b mut [f32],
}

impl<W: Element> Kernel for Groups<'_, '_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { length, weight, part, sums } = self;
        for (sum, group) in sums.iter_mut().zip(weight.chunks_exact(length.max(1))) {
            let vectors = group.chunks_exact(S::LANES);
            let mut rest = 0.0;
            for value in vectors.remainder() {
                rest += part.of(value.value());
            }
            let mut lanes = simd.splat(0.0);
            for vector in vectors {
                lanes = simd.add(lanes, part.load(simd, vector));
            }
            *sum = simd.sum(lanes) + rest;
        }
    }
}
