//! Plain Rust for any machine. `a * b + c` is rounded twice.

use std::array::from_fn;

use super::Simd;

/// Proves nothing: every machine can do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portable;

impl Simd for Portable {
    type Vector = [f32; 4];
    const LANES: usize = 4;
    const VECTORS: usize = 4;
    const PIXELS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 4] {
        [value; 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> [f32; 4] {
        [from[0], from[1], from[2], from[3]]
    }

    #[inline(always)]
    fn store(self, vector: [f32; 4], to: &mut [f32]) {
        to[..4].copy_from_slice(&vector);
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &[T], _: usize) {}

    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| if a[lane] > b[lane] || a[lane].is_nan() { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn within(self, of: [f32; 4], [low, high]: [[f32; 4]; 2]) -> u16 {
        let bit = |lane: usize| if of[lane] <= low[lane] || of[lane] >= high[lane] { 0 } else { 1 << lane };
        (bit(0) | bit(1)) | (bit(2) | bit(3))
    }

    #[inline(always)]
    fn keep(self, value: [f32; 4], bits: u16) -> [f32; 4] {
        from_fn(|lane| if bits >> lane & 1 == 0 { 0.0 } else { value[lane] })
    }

    #[inline(always)]
    fn equal(self, of: [f32; 4], other: [f32; 4]) -> u16 {
        let bit = |lane: usize| if of[lane] == other[lane] || of[lane].is_nan() { 1 << lane } else { 0 };
        (bit(0) | bit(1)) | (bit(2) | bit(3))
    }
}
