//! Whether all numbers are numbers.
//!
//! Zero times a number is zero, but NaN for an infinity and for NaN; and a sum with NaN in it is NaN.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::arch::{Kernel, Simd};
use crate::error::Result;
use crate::level::Level;
use crate::parallel;

/// Numbers that one piece of work looks at.
const PIECE: usize = 1 << 15;
/// Sums that do not wait for each other.
const CHAINS: usize = 4;

/// Whether none of the numbers is NaN or infinite.
///
/// # Errors
/// [`Error::Level`](crate::Error::Level) where `GRADEX_LEVEL` names no level of this machine.
pub fn is_finite(values: &[f32]) -> Result<bool> {
    Ok(finite(Level::current()?, values))
}

fn finite(level: Level, values: &[f32]) -> bool {
    let found = AtomicBool::new(false);
    parallel::for_each(values.chunks(PIECE).collect(), |values| {
        let mut sum = 0.0;
        level.run(Zeros { values, sum: &mut sum });
        if sum != 0.0 {
            found.store(true, Ordering::Relaxed);
        }
    });
    !found.into_inner()
}

/// The sum of zero times each number.
struct Zeros<'a, 'b> {
    values: &'a [f32],
    sum: &'b mut f32,
}

impl Kernel for Zeros<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { values, sum } = self;
        let zero = simd.splat(0.0);
        let mut sums = [zero; CHAINS];
        let many = values.chunks_exact(CHAINS * S::LANES);
        for value in many.remainder() {
            *sum += 0.0 * value;
        }
        for values in many {
            let values: [S::Vector; CHAINS] = simd.loads(values, S::LANES);
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = simd.mul_add(value, zero, *sum);
            }
        }
        for lanes in sums {
            *sum += simd.sum(lanes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_none_is_found_wherever_it_is() {
        let ends = [f32::MAX, f32::MIN, -0.0, f32::from_bits(1)];
        for length in [0, 1, 15, 127, 128, 131, PIECE + 130] {
            let mut values: Vec<f32> = (0..length).map(|index| ends[index % ends.len()]).collect();
            for level in Level::available() {
                assert!(finite(level, &values), "{level}, {length}");
                for place in (0..length).step_by(1 + length / 200) {
                    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                        let good = std::mem::replace(&mut values[place], bad);
                        assert!(!finite(level, &values), "{level}, {place} of {length}");
                        values[place] = good;
                    }
                }
            }
        }
    }
}
