//! Comparison of what we compute with what is expected.

use std::fmt;

/// How far a value may lie from the expected one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Not at all: the expected value, rounded to float32.
    Exact,
    /// By the rounding of a float32 sum of this many terms: `4 eps sqrt(terms)` of the largest expected value.
    Rounding {
        /// Terms of the sum.
        terms: usize,
    },
    /// By this part of the largest expected value.
    Relative(f64),
}

/// What lies between two arrays.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The largest absolute difference.
    pub max_abs: f64,
    /// The largest absolute difference over the largest expected magnitude.
    pub max_rel: f64,
    /// The cosine of the angle between them; 1 where both are zero.
    pub cosine: f64,
    /// The first five indices that lie apart, with both values.
    pub first: Vec<(usize, f64, f64)>,
}

/// Compares `actual` with `expected`, value by value.
///
/// # Panics
/// Where the lengths differ.
#[must_use]
pub fn difference(actual: &[f32], expected: &[f64], tolerance: Tolerance) -> Difference {
    assert_eq!(actual.len(), expected.len(), "lengths differ");
    let scale = expected.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    let bound = match tolerance {
        Tolerance::Exact => 0.0,
        Tolerance::Rounding { terms } => 4.0 * f64::from(f32::EPSILON) * (terms as f64).sqrt() * scale,
        Tolerance::Relative(part) => part * scale,
    };
    let target = |expected: f64| if tolerance == Tolerance::Exact { f64::from(expected as f32) } else { expected };
    let pairs = || actual.iter().map(|a| f64::from(*a)).zip(expected.iter().map(|e| target(*e)));
    let apart = |(_, (a, e)): &(usize, (f64, f64))| (a - e).is_nan() || (a - e).abs() > bound;
    let max_abs = pairs().fold(0.0, |max: f64, (a, e)| if (a - e).abs() <= max { max } else { (a - e).abs() });
    let dot = |f: fn((f64, f64)) -> f64| pairs().map(f).sum::<f64>();
    let norms = (dot(|(a, _)| a * a) * dot(|(_, e)| e * e)).sqrt();
    Difference {
        max_abs,
        max_rel: if max_abs == 0.0 { 0.0 } else { max_abs / scale },
        cosine: if max_abs == 0.0 { 1.0 } else { dot(|(a, e)| a * e) / norms },
        first: pairs().enumerate().filter(apart).take(5).map(|(i, (a, e))| (i, a, e)).collect(),
    }
}

impl Difference {
    /// Whether every value lies within the tolerance.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.first.is_empty()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_abs, max_rel, cosine, first } = self;
        write!(f, "max abs {max_abs:.3e}, max rel {max_rel:.3e}, cosine {cosine:.9}")?;
        for (index, actual, expected) in first {
            write!(f, "\n    [{index}] is {actual:e}, expected {expected:e}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_within() {
        for tolerance in [Tolerance::Exact, Tolerance::Rounding { terms: 9 }, Tolerance::Relative(1.0)] {
            assert!(!difference(&[f32::NAN], &[1.0], tolerance).is_within());
        }
    }

    #[test]
    fn figures_by_hand() {
        let same = difference(&[0.0, 0.0], &[0.0, 0.0], Tolerance::Exact);
        assert!(same.is_within() && same.cosine == 1.0);
        let apart = difference(&[3.0, 0.0], &[0.0, 4.0], Tolerance::Relative(0.8));
        assert_eq!((apart.max_abs, apart.max_rel, apart.cosine), (4.0, 1.0, 0.0));
        assert_eq!(apart.first, [(1, 0.0, 4.0)]);
    }
}
