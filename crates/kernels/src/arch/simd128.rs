//! WebAssembly's simd128: 4 lanes. A module that uses it does not load where it is missing, so there is nothing to detect.

use std::arch::wasm32::{
    f32x4_add, f32x4_eq, f32x4_ge, f32x4_le, f32x4_max, f32x4_mul, f32x4_ne, f32x4_pmin, f32x4_splat, f32x4_sub,
    i32x4_bitmask, i32x4_eq, u32x4, u32x4_splat, v128, v128_and, v128_load, v128_not, v128_or, v128_store,
};

use super::Simd;

/// Proves that the module was compiled with simd128.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simd128(());

impl Simd128 {
    pub(crate) const COMPILED: Self = Self(());
}

impl Simd for Simd128 {
    type Vector = v128;
    const LANES: usize = 4;
    const VECTORS: usize = 4;
    const PIXELS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> v128 {
        f32x4_splat(value)
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> v128 {
        let from: &[f32] = &from[..Self::LANES];
        // SAFETY: `from` has the 4 numbers that are read; no alignment is asked for.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, vector: v128, to: &mut [f32]) {
        let to: &mut [f32] = &mut to[..Self::LANES];
        // SAFETY: `to` has the 4 numbers that are written; no alignment is asked for.
        unsafe { v128_store(to.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &[T], _: usize) {}

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }

    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }

    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        f32x4_max(a, b)
    }

    #[inline(always)]
    fn min(self, a: v128, b: v128) -> v128 {
        f32x4_pmin(b, a)
    }

    #[inline(always)]
    fn within(self, of: v128, [low, high]: [v128; 2]) -> u16 {
        u16::from(i32x4_bitmask(v128_not(v128_or(f32x4_le(of, low), f32x4_ge(of, high)))))
    }

    #[inline(always)]
    fn keep(self, value: v128, bits: u16) -> v128 {
        let lanes = u32x4(1, 2, 4, 8);
        v128_and(value, i32x4_eq(v128_and(u32x4_splat(bits.into()), lanes), lanes))
    }

    #[inline(always)]
    fn equal(self, of: v128, other: v128) -> u16 {
        u16::from(i32x4_bitmask(v128_or(f32x4_eq(of, other), f32x4_ne(of, of))))
    }
}
