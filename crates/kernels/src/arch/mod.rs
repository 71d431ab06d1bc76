//! Vectors of `f32`: one trait, one file a level.
//!
//! A kernel is written once, over [`Simd`], and compiled for each level. All it does with memory goes through slices, so
//! that nothing outside of this folder is unsafe and no index goes unchecked.

use std::array::from_fn;

use crate::half::widened;

#[cfg(all(feature = "simd", target_arch = "x86_64"))]
pub(crate) mod avx2;
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
pub(crate) mod avx512;
#[cfg(all(feature = "simd", target_arch = "aarch64"))]
pub(crate) mod neon;
#[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) mod portable;
#[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) mod simd128;

/// A token whose existence proves that the machine has this level's instructions, and what they do.
pub(crate) trait Simd: Copy + Send + Sync {
    /// [`Simd::LANES`] numbers.
    type Vector: Copy;
    /// Numbers in a vector: 4, 8 or 16.
    const LANES: usize;
    /// Vectors of output channels in a register tile.
    const VECTORS: usize;
    /// Pixels in a register tile, at most 14: [`Simd::VECTORS`] sums for each of them fit into the registers.
    const PIXELS: usize;

    /// Runs a kernel by itself, compiled for this level: within another one, what is seldom done keeps out of its registers.
    #[inline(never)]
    fn enter(self, kernel: impl Kernel) {
        kernel.run(self);
    }
    /// Every lane the same number.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first [`Simd::LANES`] numbers of a slice that has as many.
    fn load(self, from: &[f32]) -> Self::Vector;
    /// The numbers that the first [`Simd::LANES`] halves of a slice mean, which has as many.
    #[inline(always)]
    fn widen(self, from: &[u16]) -> Self::Vector {
        let mut lanes = [0.0; 16];
        lanes[..Self::LANES].iter_mut().zip(&from[..Self::LANES]).for_each(|(lane, bits)| *lane = widened(*bits));
        self.load(&lanes)
    }
    /// Writes the first [`Simd::LANES`] numbers of a slice that has as many.
    fn store(self, vector: Self::Vector, to: &mut [f32]);
    /// Asks the memory for what lies `ahead` of a slice's start, in it or behind it, where the level can.
    fn prefetch<T>(self, from: &[T], ahead: usize);
    /// The same, but into a cache that is larger and farther.
    #[inline(always)]
    fn prefetch_far<T>(self, _from: &[T], _ahead: usize) {}
    /// `a + b`
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b`
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the level has such an instruction.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger; NaN where either is.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller; `b` where either is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The value, but no less than `low` and no more than `high`; NaN where it is NaN.
    #[inline(always)]
    fn clamp(self, value: Self::Vector, [low, high]: [Self::Vector; 2]) -> Self::Vector {
        self.min(high, self.max(value, low))
    }
    /// A bit for each lane, from the lowest on: unless `of <= low` or `of >= high`.
    fn within(self, of: Self::Vector, bounds: [Self::Vector; 2]) -> u16;
    /// `value` where the lane's bit is set, else 0. Bits beyond the lanes do not count.
    fn keep(self, value: Self::Vector, bits: u16) -> Self::Vector;
    /// A bit for each lane, from the lowest on: where `of` equals `other` or is NaN.
    fn equal(self, of: Self::Vector, other: Self::Vector) -> u16;

    /// `N` vectors, `step` numbers apart.
    #[inline(always)]
    fn loads<const N: usize>(self, from: &[f32], step: usize) -> [Self::Vector; N] {
        let mut vectors = [self.splat(0.0); N];
        for (index, vector) in vectors.iter_mut().enumerate() {
            *vector = self.load(&from[index * step..]);
        }
        vectors
    }

    /// The sum of all lanes.
    #[inline(always)]
    fn sum(self, vector: Self::Vector) -> f32 {
        let mut lanes = [0.0; 16];
        self.store(vector, &mut lanes);
        let four: [f32; 4] = from_fn(|lane| (lanes[lane] + lanes[lane + 8]) + (lanes[lane + 4] + lanes[lane + 12]));
        (four[0] + four[2]) + (four[1] + four[3])
    }

    /// The sum of all lanes of each vector, with the bits of [`Simd::sum`] but for the sign of zero.
    #[inline(always)]
    fn sums(self, vectors: [Self::Vector; 8]) -> [f32; 8] {
        let mut sums = [0.0; 8];
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = self.sum(vector);
        }
        sums
    }
}

/// A piece of work for one thread, compiled for every level.
///
/// Loops in it are written out: a closure that is not inlined, as one given to `array::from_fn`, is compiled without the
/// level's instructions.
pub(crate) trait Kernel {
    /// Does the work. Implementations are `#[inline(always)]`: only then the level's instructions are used.
    fn run<S: Simd>(self, simd: S);
}
