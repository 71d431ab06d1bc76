//! AVX-512F: 16 lanes, 32 registers.

use std::arch::x86_64::{
    __m512, _CMP_EQ_OQ, _CMP_NGE_UQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps,
    _mm256_castpd_ps, _mm256_loadu_si256, _mm256_setzero_ps, _mm512_add_ps, _mm512_castps_pd, _mm512_castps512_ps256,
    _mm512_cmp_ps_mask, _mm512_cvtph_ps, _mm512_extractf64x4_pd, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_blend_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_reduce_add_ps,
    _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::{Kernel, Simd, avx2};

/// Proves that the machine has AVX-512F.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Simd for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const VECTORS: usize = 2;
    const PIXELS: usize = 14;

    fn enter(self, kernel: impl Kernel) {
        #[target_feature(enable = "avx512f")]
        fn inner(simd: Avx512, kernel: impl Kernel) {
            kernel.run(simd);
        }
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { inner(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from: &[f32] = &from[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX-512F; `from` has the 16 numbers that are read.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn widen(self, from: &[u16]) -> __m512 {
        let from: &[u16] = &from[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX-512F, and so AVX; `from` has the 16 halves that are read.
        let halves = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_cvtph_ps(halves) }
    }

    #[inline(always)]
    fn store(self, vector: __m512, to: &mut [f32]) {
        let to: &mut [f32] = &mut to[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX-512F; `to` has the 16 numbers that are written.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn prefetch<T>(self, from: &[T], ahead: usize) {
        // SAFETY: fetching ahead reads nothing that the program sees, and faults at no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().wrapping_add(ahead).cast()) }
    }

    #[inline(always)]
    fn prefetch_far<T>(self, from: &[T], ahead: usize) {
        // SAFETY: fetching ahead reads nothing that the program sees, and faults at no address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.as_ptr().wrapping_add(ahead).cast()) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        let larger = unsafe { _mm512_max_ps(a, b) }; // b where either is NaN
        // SAFETY: `self` proves that the machine has AVX-512F.
        let nan = unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a) };
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_mask_blend_ps(nan, larger, a) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn within(self, of: __m512, [low, high]: [__m512; 2]) -> u16 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        let above = unsafe { _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(of, low) };
        // SAFETY: `self` proves that the machine has AVX-512F.
        let below = unsafe { _mm512_cmp_ps_mask::<_CMP_NGE_UQ>(of, high) };
        above & below
    }

    #[inline(always)]
    fn keep(self, value: __m512, bits: u16) -> __m512 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_maskz_mov_ps(bits, value) }
    }

    #[inline(always)]
    fn equal(self, of: __m512, other: __m512) -> u16 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        let equal = unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(of, other) };
        // SAFETY: `self` proves that the machine has AVX-512F.
        let nan = unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(of, of) };
        equal | nan
    }

    #[inline(always)]
    fn sum(self, vector: __m512) -> f32 {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { _mm512_reduce_add_ps(vector) }
    }

    #[inline(always)]
    fn sums(self, vectors: [__m512; 8]) -> [f32; 8] {
        // SAFETY: `self` proves that the machine has AVX-512F.
        unsafe { sums(vectors) }
    }
}

/// The sum of all lanes of each vector.
#[inline]
#[target_feature(enable = "avx512f")]
fn sums(vectors: [__m512; 8]) -> [f32; 8] {
    let mut halves = [_mm256_setzero_ps(); 8];
    for (half, vector) in halves.iter_mut().zip(vectors) {
        let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(vector));
        *half = _mm256_add_ps(_mm512_castps512_ps256(vector), _mm256_castpd_ps(high));
    }
    avx2::sums(halves)
}
