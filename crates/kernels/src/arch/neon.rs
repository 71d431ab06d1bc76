//! NEON: 4 lanes, 32 registers. Every aarch64 machine that Rust's standard targets run on has it.

use std::arch::aarch64::{
    float32x4_t, uint32x4_t, vaddq_f32, vaddvq_u32, vandq_u32, vbicq_u32, vbslq_f32, vceqq_f32, vcgeq_f32, vcleq_f32,
    vcltq_f32, vdupq_n_f32, vdupq_n_u32, vfmaq_f32, vld1q_f32, vld1q_u32, vmaxq_f32, vmulq_f32, vornq_u32, vorrq_u32,
    vst1q_f32, vsubq_f32, vtstq_u32,
};

use super::{Kernel, Simd};

/// Proves that the machine has NEON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Each lane's bit.
    #[inline(always)]
    fn bits(self) -> uint32x4_t {
        const BITS: [u32; 4] = [1, 2, 4, 8];
        // SAFETY: `self` proves that the machine has NEON; there are the 4 numbers that are read.
        unsafe { vld1q_u32(BITS.as_ptr()) }
    }
}

impl Simd for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    const VECTORS: usize = 4;
    const PIXELS: usize = 6;

    fn enter(self, kernel: impl Kernel) {
        #[target_feature(enable = "neon")]
        fn inner(simd: Neon, kernel: impl Kernel) {
            kernel.run(simd);
        }
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { inner(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> float32x4_t {
        let from: &[f32] = &from[..Self::LANES];
        // SAFETY: `self` proves that the machine has NEON; `from` has the 4 numbers that are read.
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, vector: float32x4_t, to: &mut [f32]) {
        let to: &mut [f32] = &mut to[..Self::LANES];
        // SAFETY: `self` proves that the machine has NEON; `to` has the 4 numbers that are written.
        unsafe { vst1q_f32(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &[T], _: usize) {}

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vmaxq_f32(a, b) } // NaN where either is
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves that the machine has NEON.
        let smaller = unsafe { vcltq_f32(a, b) };
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vbslq_f32(smaller, a, b) }
    }

    #[inline(always)]
    fn within(self, of: float32x4_t, [low, high]: [float32x4_t; 2]) -> u16 {
        // SAFETY: `self` proves that the machine has NEON.
        let below = unsafe { vcleq_f32(of, low) };
        // SAFETY: `self` proves that the machine has NEON.
        let above = unsafe { vcgeq_f32(of, high) };
        // SAFETY: `self` proves that the machine has NEON.
        let beyond = unsafe { vorrq_u32(below, above) };
        // SAFETY: `self` proves that the machine has NEON.
        let within = unsafe { vbicq_u32(self.bits(), beyond) };
        // SAFETY: `self` proves that the machine has NEON.
        let bits = unsafe { vaddvq_u32(within) };
        bits as u16
    }

    #[inline(always)]
    fn keep(self, value: float32x4_t, bits: u16) -> float32x4_t {
        let zero = self.splat(0.0);
        // SAFETY: `self` proves that the machine has NEON.
        let all = unsafe { vdupq_n_u32(bits.into()) };
        // SAFETY: `self` proves that the machine has NEON.
        let set = unsafe { vtstq_u32(all, self.bits()) };
        // SAFETY: `self` proves that the machine has NEON.
        unsafe { vbslq_f32(set, value, zero) }
    }

    #[inline(always)]
    fn equal(self, of: float32x4_t, other: float32x4_t) -> u16 {
        // SAFETY: `self` proves that the machine has NEON.
        let equal = unsafe { vceqq_f32(of, other) };
        // SAFETY: `self` proves that the machine has NEON.
        let number = unsafe { vceqq_f32(of, of) };
        // SAFETY: `self` proves that the machine has NEON.
        let either = unsafe { vornq_u32(equal, number) };
        // SAFETY: `self` proves that the machine has NEON.
        let set = unsafe { vandq_u32(self.bits(), either) };
        // SAFETY: `self` proves that the machine has NEON.
        let bits = unsafe { vaddvq_u32(set) };
        bits as u16
    }
}
