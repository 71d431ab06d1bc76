//! The weights that kernels read or pack: numbers or halves, and of each the whole or a part.

use std::borrow::Cow;

use crate::arch::Simd;
use crate::half::widened;

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

impl<'a> Stored<'a> {
    /// The numbers.
    pub(crate) fn numbers(self) -> Cow<'a, [f32]> {
        match self {
            Self::Single(values) => Cow::Borrowed(values),
            Self::Half(bits) => bits.iter().map(|bits| bits.value()).collect(),
        }
    }
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
        match self {
            Self::Whole => value,
            Self::Positive => value.max(0.0),
            Self::Negative => value.min(0.0),
        }
    }

    /// The numbers that it lies between.
    fn bounds(self) -> [f32; 2] {
        match self {
            Self::Whole => [f32::NEG_INFINITY, f32::INFINITY],
            Self::Positive => [0.0, f32::INFINITY],
            Self::Negative => [f32::NEG_INFINITY, 0.0],
        }
    }

    /// This part of the first [`Simd::LANES`] elements of a slice that has as many.
    #[inline(always)]
    pub(crate) fn load<S: Simd, W: Element>(self, simd: S, from: &[W]) -> S::Vector {
        let values = W::load(simd, from);
        if self == Self::Whole {
            return values;
        }
        simd.clamp(values, self.bounds().map(|bound| simd.splat(bound)))
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
