//! Weights at half precision: 16 bits at rest (IEEE 754's binary16), widened to `f32` while they are read.
//!
//! Every half is an `f32`, so sums of widened weights are those of the same weights at single precision, bit for bit.

use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// Halves that one piece of work widens.
const PIECE: usize = 1 << 16;

/// Widens halves: exact, infinities and NaN too (a signalling NaN becomes quiet).
///
/// # Errors
/// [`Error`](crate::Error) where the slices differ in length.
pub fn widen(level: Level, bits: &[u16], values: &mut [f32]) -> Result<()> {
    expect_len("values", values.len(), bits.len())?;
    parallel::for_each_chunk(values, PIECE, |piece, values| {
        level.run(Widen { bits: &bits[piece * PIECE..][..values.len()], values });
    });
    Ok(())
}

/// Widens halves to as many numbers.
pub(crate) struct Widen<'a, 'b> {
    pub bits: &'a [u16],
    pub values: &'b mut [f32],
}

impl Kernel for Widen<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let whole = self.bits.len() - self.bits.len() % S::LANES;
        let (bits, last) = self.bits.split_at(whole);
        let (values, rest) = self.values.split_at_mut(whole);
        for (bits, values) in bits.chunks_exact(S::LANES).zip(values.chunks_exact_mut(S::LANES)) {
            simd.store(simd.widen(bits), values);
        }
        rest.iter_mut().zip(last).for_each(|(value, bits)| *value = widened(*bits));
    }
}

/// From an exponent's bias of 15 to one of 127.
const REBIAS: u32 = (127 - 15) << 23;
/// What makes a NaN quiet.
const QUIET: u32 = 1 << 22;

/// One half by integers.
pub(crate) fn widened(bits: u16) -> f32 {
    let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7fff));
    let rebiased = (magnitude << 13) + REBIAS;
    // Without the implicit 1, which a subnormal does not have: 2^-14 more, and less again.
    let subnormal = f32::from_bits(rebiased + (1 << 23)) - f32::from_bits(REBIAS + (1 << 23));
    let value = match magnitude {
        0..0x0400 => subnormal.to_bits(),
        0x0400..0x7c00 => rebiased,
        0x7c00 => rebiased + REBIAS,
        _ => (rebiased + REBIAS) | QUIET,
    };
    f32::from_bits(sign | value)
}
