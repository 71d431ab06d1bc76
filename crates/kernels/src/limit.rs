//! The machine's own limit, to hold kernels against.

use std::hint::black_box;

use crate::arch::{Kernel, Simd};
use crate::level::Level;

/// Sums that do not wait for each other: enough to hide how long a multiply-add takes.
const CHAINS: usize = 12;

/// Multiplies and adds in registers, `rounds` times, and says how many operations that were: two a lane. The time that it
/// takes is the least that as many operations of any kernel can take on one thread.
#[must_use]
pub fn multiply_adds(level: Level, rounds: usize) -> usize {
    let mut operations = 0;
    level.run(Registers { rounds, operations: &mut operations });
    operations
}

struct Registers<'a> {
    rounds: usize,
    operations: &'a mut usize,
}

impl Kernel for Registers<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (factor, term) = (simd.splat(black_box(0.5)), simd.splat(black_box(1.0)));
        let mut sums = [simd.splat(black_box(0.0)); CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, factor, term);
            }
        }
        let all = sums.into_iter().fold(term, |a, b| simd.add(a, b));
        let mut lanes = [0.0; 16];
        simd.store(all, &mut lanes);
        black_box(lanes);
        *self.operations = self.rounds * CHAINS * S::LANES * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_lanes() {
        for level in Level::available() {
            let operations = multiply_adds(level, 10);
            assert!([4, 8, 16].map(|lanes| 10 * CHAINS * lanes * 2).contains(&operations), "{level}: {operations}");
        }
    }
}
