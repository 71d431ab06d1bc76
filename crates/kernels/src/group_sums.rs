//! Sums of weights that stand next to each other.

use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::weights::{Element, Stored, Weights};

/// Sums that one piece of work covers.
const SUMS: usize = 4096;

/// `sums[k] = sum_j weight[k length + j]` over the `length` numbers of each group.
///
/// # Errors
/// [`Error`](crate::Error) where a slice has another length.
pub fn group_sums(length: usize, weight: Weights<'_>, sums: &mut [f32]) -> Result<()> {
    let level = Level::current()?;
    expect_len("weight", weight.len(), sums.len() * length)?;
    match weight.stored {
        Stored::Single(weight) => sum(level, length, weight, sums),
        Stored::Half(weight) => sum(level, length, weight, sums),
    }
    Ok(())
}

fn sum<W: Element>(level: Level, length: usize, weight: &[W], sums: &mut [f32]) {
    parallel::for_each_chunk(sums, SUMS, |piece, sums| {
        let weight = &weight[piece * SUMS * length..][..sums.len() * length];
        level.run(Groups { length, weight, sums });
    });
}

struct Groups<'a, 'b, W> {
    length: usize,
    weight: &'a [W],
    sums: &'b mut [f32],
}

impl<W: Element> Kernel for Groups<'_, '_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { length, weight, sums } = self;
        for (sum, group) in sums.iter_mut().zip(weight.chunks_exact(length.max(1))) {
            let vectors = group.chunks_exact(S::LANES);
            let mut rest = 0.0;
            for value in vectors.remainder() {
                rest += value.value();
            }
            let mut lanes = simd.splat(0.0);
            for vector in vectors {
                lanes = simd.add(lanes, W::load(simd, vector));
            }
            *sum = simd.sum(lanes) + rest;
        }
    }
}
