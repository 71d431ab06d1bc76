//! Gini's sparseness (N. Hurley and S. Rickard, "Comparing Measures of Sparsity", 2009; for maps P. Chalasani et al., ICML
//! 2020).
//!
//! With `a` the magnitudes in rising order, `k` from 1 to `n`: `gini = 1 - 2 Σ_k a_k / Σ a · (n - k + 1/2) / n`. 0 where all
//! pixels are equal, `1 - 1/n` where one has everything.

use ndarray::ArrayView2;

/// The sparseness of a map in `[0, 1)`; none where it is zero or not finite.
#[must_use]
pub fn gini(map: ArrayView2<'_, f32>) -> Option<f64> {
    let mut magnitudes: Vec<f64> = map.iter().map(|value| f64::from(value.abs())).collect();
    magnitudes.sort_by(f64::total_cmp);
    let (sum, count) = (magnitudes.iter().sum::<f64>(), magnitudes.len() as f64);
    let terms = magnitudes.iter().enumerate().map(|(index, value)| value / sum * (count - index as f64 - 0.5) / count);
    (sum > 0.0 && sum.is_finite()).then(|| 1.0 - 2.0 * terms.sum::<f64>())
}
