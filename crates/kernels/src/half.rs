//! Weights at half precision: 16 bits at rest (IEEE 754's binary16), widened to `f32` while they are read.
//!
//! Every half is an `f32`, so sums of widened weights are those of the same weights at single precision, bit for bit.

use crate::arch::{Kernel, Simd};
use crate::error::{Result, expect_len};
use crate::level::Level;
use crate::parallel;

/// Halves that one piece of work widens.
const PIECE: usize = 1 << 16;

/// Weights as they lie in memory, and which part of each counts.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a> {
    pub(crate) stored: Stored<'a>,
    pub(crate) part: Part,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored<'a> {
    Single(&'a [f32]),
    /// The bits of halves.
    Half(&'a [u16]),
}

/// A part of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// `max(w, 0)`
    Positive,
    /// `min(w, 0)`
    Negative,
}

impl Part {
    /// This part of a number.
    #[must_use]
    pub fn of(self, value: f32) -> f32 {
        self.bounds().map_or(value, |[low, high]| value.max(low).min(high))
    }

    /// The numbers that it lies between.
    fn bounds(self) -> Option<[f32; 2]> {
        match self {
            Self::Whole => None,
            Self::Positive => Some([0.0, f32::INFINITY]),
            Self::Negative => Some([f32::NEG_INFINITY, 0.0]),
        }
    }

    /// This part of the first [`Simd::LANES`] elements of a slice that has as many.
    #[inline(always)]
    pub(crate) fn load<S: Simd, W: Element>(self, simd: S, from: &[W]) -> S::Vector {
        let values = W::load(simd, from);
        match self.bounds() {
            Some([low, high]) => simd.min(simd.splat(high), simd.max(values, simd.splat(low))),
            None => values,
        }
    }
}

impl Weights<'_> {
    /// This part of them.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.stored {
            Stored::Single(values) => values.len(),
            Stored::Half(bits) => bits.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for Weights<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self { stored: Stored::Single(values), part: Part::Whole }
    }
}

impl<'a> From<&'a [u16]> for Weights<'a> {
    fn from(bits: &'a [u16]) -> Self {
        Self { stored: Stored::Half(bits), part: Part::Whole }
    }
}

/// What a kernel reads as numbers.
pub(crate) trait Element: Copy + Send + Sync {
    /// The first [`Simd::LANES`] of a slice that has as many.
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Vector;
    /// One.
    fn value(self) -> f32;
}

impl Element for f32 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Vector {
        simd.load(from)
    }

    #[inline(always)]
    fn value(self) -> f32 {
        self
    }
}

impl Element for u16 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Vector {
        simd.widen(from)
    }

    #[inline(always)]
    fn value(self) -> f32 {
        widened(self)
    }
}

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

struct Widen<'a, 'b> {
    bits: &'a [u16],
    values: &'b mut [f32],
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
pub(crate) const REBIAS: u32 = (127 - 15) << 23;
/// What makes a NaN quiet.
pub(crate) const QUIET: u32 = 1 << 22;

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
