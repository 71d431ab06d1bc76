//! Complexity as entropy (U. Bhatt, A. Weller and J. Moura, "Evaluating and Aggregating Feature-based Model Explanations",
//! IJCAI 2020).
//!
//! With `p` the magnitudes divided by their sum: `entropy = -Σ p ln p`, in nats: 0 where one pixel has everything, `ln n`
//! where all are equal.

use ndarray::ArrayView2;

/// The entropy of a map; none where it is zero or not finite.
#[must_use]
pub fn entropy(map: ArrayView2<'_, f32>) -> Option<f64> {
    let sum: f64 = map.iter().map(|value| f64::from(value.abs())).sum();
    let parts = map.iter().map(|value| f64::from(value.abs()) / sum).filter(|part| *part > 0.0);
    (sum > 0.0 && sum.is_finite()).then(|| parts.map(|part| -part * part.ln()).sum::<f64>().max(0.0))
}
