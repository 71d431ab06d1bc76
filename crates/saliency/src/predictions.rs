//! Logits as probabilities.

use ndarray::ArrayView1;

/// A class and the probability that the network gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The class.
    pub class: usize,
    /// `exp(logit_class) / Σ_j exp(logit_j)`.
    pub probability: f64,
}

/// The `count` most probable classes of one image's logits, best first; of equal ones the lower number first.
#[must_use]
pub fn top(logits: ArrayView1<'_, f32>, count: usize) -> Vec<Prediction> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponential = |logit: f32| f64::from(logit - max).exp();
    let sum: f64 = logits.iter().map(|logit| exponential(*logit)).sum();
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    classes.truncate(count);
    classes.into_iter().map(|class| Prediction { class, probability: exponential(logits[class]) / sum }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn probabilities_by_hand_and_ties_by_number() {
        let logits = array![0.0, 2f32.ln(), 0.0, 4f32.ln()];
        let best = top(logits.view(), 3);
        assert_eq!(best.iter().map(|p| p.class).collect::<Vec<_>>(), [3, 1, 0]);
        for (prediction, expected) in best.iter().zip([0.5, 0.25, 0.125]) {
            assert!((prediction.probability - expected).abs() < 1e-7, "{prediction:?}");
        }
    }

    #[test]
    fn large_logits_stay_finite() {
        let best = top(array![1e30, -1e30].view(), 5);
        assert_eq!(best.len(), 2);
        assert_eq!((best[0].probability, best[1].probability), (1.0, 0.0));
    }
}
