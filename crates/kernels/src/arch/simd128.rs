//! WebAssembly's simd128: 4 lanes. A module that uses it does not load where it is missing, so there is nothing to detect.

use std::arch::wasm32::{
    f32x4_add, f32x4_eq, f32x4_ge, f32x4_le, f32x4_max, f32x4_mul, f32x4_ne, f32x4_pmin, f32x4_splat, f32x4_sub,
    i32x4_add, i32x4_gt, i32x4_lt, i32x4_splat, u32x4_extend_low_u16x8, u32x4_shl, v128, v128_and, v128_andnot,
    v128_bitselect, v128_load, v128_load64_zero, v128_or, v128_store,
};

use super::Simd;
use crate::half::{QUIET, REBIAS};

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

    /// As [`widened`](crate::half::widened) does it, lane by lane.
    #[inline(always)]
    fn widen(self, from: &[u16]) -> v128 {
        let from: &[u16] = &from[..Self::LANES];
        // SAFETY: `from` has the 4 halves that are read; no alignment is asked for.
        let bits = u32x4_extend_low_u16x8(unsafe { v128_load64_zero(from.as_ptr().cast()) });
        let (sign, magnitude) =
            (u32x4_shl(v128_and(bits, i32x4_splat(0x8000)), 16), v128_and(bits, i32x4_splat(0x7fff)));
        let rebiased = i32x4_add(u32x4_shl(magnitude, 13), i32x4_splat(REBIAS as i32));
        let [one, least] = [i32x4_splat(1 << 23), i32x4_splat(REBIAS as i32 + (1 << 23))];
        let subnormal = f32x4_sub(i32x4_add(rebiased, one), least);
        let nan = v128_and(i32x4_gt(magnitude, i32x4_splat(0x7c00)), i32x4_splat(QUIET as i32));
        let special = v128_or(i32x4_add(rebiased, i32x4_splat(REBIAS as i32)), nan);
        let finite = v128_bitselect(subnormal, rebiased, i32x4_lt(magnitude, i32x4_splat(0x0400)));
        v128_or(sign, v128_bitselect(special, finite, i32x4_gt(magnitude, i32x4_splat(0x7bff))))
    }

    #[inline(always)]
    fn store(self, vector: v128, to: &mut [f32]) {
        let to: &mut [f32] = &mut to[..Self::LANES];
        // SAFETY: `to` has the 4 numbers that are written; no alignment is asked for.
        unsafe { v128_store(to.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn prefetch(self, _: &[f32], _: usize) {}

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
    fn keep_within(self, value: v128, of: v128, [low, high]: [v128; 2]) -> v128 {
        v128_andnot(value, v128_or(f32x4_le(of, low), f32x4_ge(of, high)))
    }

    #[inline(always)]
    fn split(self, value: v128, of: v128, other: v128) -> [v128; 2] {
        let taken = v128_or(f32x4_eq(of, other), f32x4_ne(of, of));
        [v128_and(value, taken), v128_andnot(value, taken)]
    }
}
