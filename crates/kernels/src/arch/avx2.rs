//! AVX2, FMA and F16C: 8 lanes, 16 registers.

use std::arch::x86_64::{
    __m256, _CMP_EQ_OQ, _CMP_NGE_UQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _MM_HINT_T0, _MM_HINT_T1, _mm_loadu_si128,
    _mm_prefetch, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_blendv_ps, _mm256_castsi256_ps, _mm256_cmp_ps,
    _mm256_cmpeq_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_permute2f128_ps, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setr_epi32, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::{Kernel, Simd};

/// Proves that the machine has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let has_all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        has_all.then_some(Self(()))
    }
}

impl Simd for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    const VECTORS: usize = 2;
    const PIXELS: usize = 6;

    fn enter(self, kernel: impl Kernel) {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn inner(simd: Avx2, kernel: impl Kernel) {
            kernel.run(simd);
        }
        // SAFETY: `self` proves that the machine has AVX2, FMA and F16C.
        unsafe { inner(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from: &[f32] = &from[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX; `from` has the 8 numbers that are read.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn widen(self, from: &[u16]) -> __m256 {
        let from: &[u16] = &from[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX; `from` has the 8 halves that are read.
        let halves = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        // SAFETY: `self` proves that the machine has F16C.
        unsafe { _mm256_cvtph_ps(halves) }
    }

    #[inline(always)]
    fn store(self, vector: __m256, to: &mut [f32]) {
        let to: &mut [f32] = &mut to[..Self::LANES];
        // SAFETY: `self` proves that the machine has AVX; `to` has the 8 numbers that are written.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), vector) }
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
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        let larger = unsafe { _mm256_max_ps(a, b) }; // b where either is NaN
        // SAFETY: `self` proves that the machine has AVX.
        let nan = unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a) };
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_blendv_ps(larger, a, nan) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn within(self, of: __m256, [low, high]: [__m256; 2]) -> u16 {
        // SAFETY: `self` proves that the machine has AVX.
        let above = unsafe { _mm256_cmp_ps::<_CMP_NLE_UQ>(of, low) };
        // SAFETY: `self` proves that the machine has AVX.
        let below = unsafe { _mm256_cmp_ps::<_CMP_NGE_UQ>(of, high) };
        // SAFETY: `self` proves that the machine has AVX.
        let within = unsafe { _mm256_and_ps(above, below) };
        // SAFETY: `self` proves that the machine has AVX.
        let bits = unsafe { _mm256_movemask_ps(within) };
        bits as u16
    }

    #[inline(always)]
    fn keep(self, value: __m256, bits: u16) -> __m256 {
        // SAFETY: `self` proves that the machine has AVX.
        let lanes = unsafe { _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128) };
        // SAFETY: `self` proves that the machine has AVX.
        let all = unsafe { _mm256_set1_epi32(bits.into()) };
        // SAFETY: `self` proves that the machine has AVX2.
        let set = unsafe { _mm256_and_si256(all, lanes) };
        // SAFETY: `self` proves that the machine has AVX2.
        let kept = unsafe { _mm256_cmpeq_epi32(set, lanes) };
        // SAFETY: `self` proves that the machine has AVX.
        let kept = unsafe { _mm256_castsi256_ps(kept) };
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { _mm256_and_ps(value, kept) }
    }

    #[inline(always)]
    fn equal(self, of: __m256, other: __m256) -> u16 {
        // SAFETY: `self` proves that the machine has AVX.
        let equal = unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(of, other) };
        // SAFETY: `self` proves that the machine has AVX.
        let nan = unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(of, of) };
        // SAFETY: `self` proves that the machine has AVX.
        let either = unsafe { _mm256_or_ps(equal, nan) };
        // SAFETY: `self` proves that the machine has AVX.
        let bits = unsafe { _mm256_movemask_ps(either) };
        bits as u16
    }

    #[inline(always)]
    fn sums(self, vectors: [__m256; 8]) -> [f32; 8] {
        // SAFETY: `self` proves that the machine has AVX.
        unsafe { sums(vectors) }
    }
}

/// The sum of all lanes of each vector: halves are added to halves, those of two vectors at once.
#[inline]
#[target_feature(enable = "avx")]
pub(super) fn sums([a, b, c, d, e, f, g, h]: [__m256; 8]) -> [f32; 8] {
    // Vectors four apart come to lie in the two halves of one.
    let halves =
        |low, high| _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high));
    let quarters = |one, two| _mm256_add_ps(_mm256_shuffle_ps::<0x44>(one, two), _mm256_shuffle_ps::<0xee>(one, two));
    let [one, two] = [quarters(halves(a, e), halves(b, f)), quarters(halves(c, g), halves(d, h))];
    let sums = _mm256_add_ps(_mm256_shuffle_ps::<0x88>(one, two), _mm256_shuffle_ps::<0xdd>(one, two));
    let mut lanes = [0.0; 8];
    // SAFETY: `lanes` has the 8 numbers that are written.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sums) };
    lanes
}
