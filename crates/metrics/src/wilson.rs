//! Intervals of parts: of how often something holds, and of how much more often than something else.
//!
//! Of `k` hits in `n`, with `p = k / n` and `z` the normal 97.5 % quantile, Wilson's interval is
//! `(p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n)` (E. Wilson, Journal of the American Statistical Association 22,
//! 1927). It stays within 0 and 1, and all hits are not taken for certainty.
//!
//! Of the difference `p - q` of two parts of the same `n`, with their Wilson intervals `[l, u]` and `[m, v]`, Newcombe's is
//! from `p - q - √((p-l)² - 2φ (p-l) (v-q) + (v-q)²)` to `p - q + √((u-p)² - 2φ (u-p) (q-m) + (q-m)²)` (R. Newcombe,
//! Statistics in Medicine 17, 1998, pages 2635-2650, method 10). With `a` both, `b` and `c` one alone, `d` neither,
//! `φ = (ad - bc) / √((a+b)(c+d)(a+c)(b+d))`, where `ad - bc`, if positive, is less by `n/2` and at least 0; 0 where undefined.

use crate::bootstrap::Interval;
use crate::student::NORMAL;

impl Interval {
    /// Of the part of these that hold, by Wilson; none where there are none.
    #[must_use]
    pub fn of_hits(hits: &[bool]) -> Option<Self> {
        let (count, found) = (hits.len(), hits.iter().filter(|hit| **hit).count());
        let bounds = (count > 1).then(|| wilson(found, count));
        (count > 0).then(|| Self { mean: found as f64 / count as f64, bounds, count })
    }

    /// Of how much more often the first of each pair holds than the second, by Newcombe; none where there are none.
    #[must_use]
    pub fn of_paired_hits(pairs: &[(bool, bool)]) -> Option<Self> {
        let count = pairs.len();
        let sum: f64 = pairs.iter().map(|(one, other)| f64::from(u8::from(*one)) - f64::from(u8::from(*other))).sum();
        let bounds = (count > 1).then(|| newcombe(pairs));
        (count > 0).then(|| Self { mean: sum / count as f64, bounds, count })
    }
}

/// Of so many hits of so many, of which there is at least one.
fn wilson(hits: usize, count: usize) -> [f64; 2] {
    let (part, count, square) = (hits as f64 / count as f64, count as f64, NORMAL * NORMAL);
    let centre = part + square / (2.0 * count);
    let half = NORMAL * (part * (1.0 - part) / count + square / (4.0 * count * count)).sqrt();
    [-half, half].map(|side| ((centre + side) / (1.0 + square / count)).clamp(0.0, 1.0))
}

/// Of how much more often the first holds than the second, of at least one pair.
fn newcombe(pairs: &[(bool, bool)]) -> [f64; 2] {
    let count = |wanted| pairs.iter().filter(|pair| **pair == wanted).count() as f64;
    let (a, b, c, d) = (count((true, true)), count((true, false)), count((false, true)), count((false, false)));
    let (size, product) = (pairs.len() as f64, a * d - b * c);
    let product = if product > 0.0 { (product - size / 2.0).max(0.0) } else { product };
    let margins = ((a + b) * (c + d) * (a + c) * (b + d)).sqrt();
    let phi = if margins > 0.0 { product / margins } else { 0.0 };
    let (p, q) = ((a + b) / size, (a + c) / size);
    let ([l, u], [m, v]) = (wilson((a + b) as usize, pairs.len()), wilson((a + c) as usize, pairs.len()));
    let far = |one: f64, other: f64| (one * one - 2.0 * phi * one * other + other * other).max(0.0).sqrt();
    [p - q - far(p - l, v - q), p - q + far(u - p, q - m)].map(|side| side.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: [f64; 2], expected: [f64; 2]) {
        let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 5.1e-5);
        assert!(is_near, "{found:?}, not {expected:?}");
    }

    /// R. Newcombe, Statistics in Medicine 17, 1998, pages 857-872, table I, method 3.
    #[test]
    fn parts_as_in_the_literature() {
        for (hits, count, expected) in [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ] {
            assert_near(wilson(hits, count), expected);
            let [low, high] = expected;
            assert_near(wilson(count - hits, count), [1.0 - high, 1.0 - low]);
        }
    }

    fn pairs(counts: [usize; 4]) -> Vec<(bool, bool)> {
        let kinds = [(true, true), (true, false), (false, true), (false, false)];
        kinds.into_iter().zip(counts).flat_map(|(kind, count)| vec![kind; count]).collect()
    }

    /// Computed in Python, with Wilson's bounds as the roots of `(p - x)² = z² x (1 - x) / n`.
    #[test]
    fn differences_of_parts() {
        for (counts, expected) in [
            ([36, 12, 2, 0], [0.05693, 0.34043]),
            ([14, 5, 0, 22], [0.01148, 0.22649]),
            ([43, 7, 2, 2], [-0.02439, 0.21454]),
            ([212, 144, 256, 707], [-0.11419, -0.05543]),
            ([0, 0, 0, 13], [-0.22810, 0.22810]),
            ([0, 6, 0, 0], [0.44798, 1.0]),
        ] {
            assert_near(newcombe(&pairs(counts)), expected);
            let [a, b, c, d] = counts;
            let [low, high] = expected;
            assert_near(newcombe(&pairs([a, c, b, d])), [-high, -low]);
        }
    }

    #[test]
    fn hits_are_counted() {
        assert_eq!((Interval::of_hits(&[]), Interval::of_paired_hits(&[])), (None, None));
        let one = |mean| Some(Interval { mean, bounds: None, count: 1 });
        assert_eq!((Interval::of_hits(&[true]), Interval::of_paired_hits(&[(false, true)])), (one(1.0), one(-1.0)));
        let Interval { mean, bounds: Some([low, high]), count: 2 } = Interval::of_hits(&[true; 2]).unwrap() else {
            panic!("two hits are bounded");
        };
        assert!(mean == 1.0 && high == 1.0 && low < 0.5, "two hits are no certainty: {low} {high}");
        let found = Interval::of_paired_hits(&pairs([1, 2, 1, 0])).unwrap();
        assert_eq!((found.mean, found.count), (0.25, 4));
    }
}
