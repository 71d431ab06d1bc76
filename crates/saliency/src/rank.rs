//! Rank correlation (C. Spearman, "The proof and measurement of association between two things", American Journal of
//! Psychology 15, 1904): Pearson's correlation of the ranks, equal values sharing the mean of their ranks.

/// The rank correlation of two lists of finite values, place by place, in `[-1, 1]`.
///
/// None where it is not defined: the lists differ in length, or one of them is the same everywhere (or empty).
#[must_use]
pub fn rank_correlation<'v>(a: impl IntoIterator<Item = &'v f32>, b: impl IntoIterator<Item = &'v f32>) -> Option<f64> {
    let (a, b) = (centred_ranks(a), centred_ranks(b));
    if a.len() != b.len() {
        return None;
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let spread = product(&a, &a).sqrt() * product(&b, &b).sqrt();
    (spread > 0.0).then(|| (product(&a, &b) / spread).clamp(-1.0, 1.0))
}

/// The rank of each value, less the mean of all ranks.
fn centred_ranks<'v>(values: impl IntoIterator<Item = &'v f32>) -> Vec<f64> {
    let mut ranks = ranks(values.into_iter().copied());
    let mean = (ranks.len() as f64 - 1.0) / 2.0;
    ranks.iter_mut().for_each(|rank| *rank -= mean);
    ranks
}

/// The rank of each value from 0, equal values sharing the mean of theirs. Halves of whole numbers: exact in `f64`.
pub(crate) fn ranks(values: impl Iterator<Item = f32>) -> Vec<f64> {
    let mut order: Vec<(f32, usize)> = values.zip(0..).collect();
    order.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut ranks = vec![0.0; order.len()];
    let mut before = 0;
    for equal in order.chunk_by(|(a, _), (b, _)| a == b) {
        let rank = before as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|(_, place)| ranks[*place] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let cases: [(&[f32], &[f32], f64); 6] = [
            (&[1.0, 2.0, 3.0], &[10.0, 20.0, 1e9], 1.0),
            (&[1.0, 2.0, 3.0], &[3.0, -1.0, -7.0], -1.0),
            // 1 - 6 Σd² / (n (n² - 1)) with d = 0, 1, -1, 0.
            (&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0], 0.8),
            (&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 1.0, 3.0], 0.0),
            // Ranks -1, 0.5, 0.5 and -1, 0, 1: 1.5 / sqrt(1.5 · 2).
            (&[1.0, 2.0, 2.0], &[1.0, 2.0, 3.0], 0.75f64.sqrt()),
            (&[0.0, -0.0, 1.0], &[5.0, 5.0, 6.0], 1.0),
        ];
        for (a, b, expected) in cases {
            let found = rank_correlation(a, b).unwrap();
            assert!((found - expected).abs() < 1e-12, "{a:?} {b:?}: {found}, expected {expected}");
            assert_eq!(rank_correlation(b, a), Some(found), "{a:?} {b:?}");
        }
    }

    #[test]
    fn whatever_is_the_same_everywhere_correlates_with_nothing() {
        for (a, b) in [(&[][..], &[][..]), (&[1.0], &[2.0]), (&[2.0, 2.0], &[1.0, 3.0]), (&[1.0, 2.0], &[1.0])] {
            assert_eq!(rank_correlation(a, b), None, "{a:?} {b:?}");
        }
    }
}
