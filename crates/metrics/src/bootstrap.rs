//! The percentile bootstrap (B. Efron, "Bootstrap Methods", Annals of Statistics 7, 1979).
//!
//! Samples of the same size are drawn with replacement; the 2.5th and the 97.5th percentile of their means bound the interval.
//! Of few values that is too narrow: of `n` it holds the truth as often as its level says only when both distances from the
//! mean grow by `t √(n / (n - 1)) / z`, where `t` is Student's quantile of `n - 1` degrees of freedom and `z` the normal one
//! (T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 3.2: the
//! resampled means spread like `σ √((n - 1) / n)`, and stand for a normal distribution where Student's is due). Of paired
//! differences it is the interval of the mean difference.

use gradex_saliency::Random;

use crate::student::{NORMAL, quantile};

/// Samples drawn.
pub const RESAMPLES: usize = 2000;

/// A mean and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// The 95 % interval; none of fewer than two values.
    pub bounds: Option<[f64; 2]>,
    /// How many values.
    pub count: usize,
}

impl Interval {
    /// Of these values; none where there are none.
    #[must_use]
    pub fn of(values: &[f64], seed: u64) -> Option<Self> {
        let (count, random) = (values.len(), Random::stream(seed, 0));
        let mean = |sum: f64| sum / count as f64;
        let draw = |place: usize| values[((random.uniform(place as u64) * count as f64) as usize).min(count - 1)];
        let centre = mean(values.iter().sum());
        let resampled = |sample: usize| mean((0..count).map(|number| draw(sample * count + number)).sum());
        let bounds = (count > 1).then(|| {
            let mut means: Vec<f64> = (0..RESAMPLES).map(resampled).collect();
            means.sort_by(f64::total_cmp);
            let size = count as f64;
            let wider = quantile(count - 1) * (size / (size - 1.0)).sqrt() / NORMAL;
            [0.025, 0.975].map(|part| centre + wider * (percentile(&means, part) - centre))
        });
        (count > 0).then_some(Self { mean: centre, bounds, count })
    }

    /// The same, as far as it lies in this range: a mean of values that never leave it does not either.
    #[must_use]
    pub fn within(self, [low, high]: [f64; 2]) -> Self {
        Self { bounds: self.bounds.map(|bounds| bounds.map(|bound| bound.max(low).min(high))), ..self }
    }

    /// Whether all of the interval lies on one side of zero: 1 above, -1 below, 0 neither.
    #[must_use]
    pub fn side(&self) -> i32 {
        match self.bounds {
            Some([low, _]) if low > 0.0 => 1,
            Some([_, high]) if high < 0.0 => -1,
            Some(_) | None => 0,
        }
    }
}

/// Between the two nearest of the sorted values, linearly.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_none_of_one_and_of_equal_values() {
        assert_eq!(Interval::of(&[], 0), None);
        assert_eq!(Interval::of(&[0.5], 0), Some(Interval { mean: 0.5, bounds: None, count: 1 }));
        assert_eq!(Interval::of(&[2.0; 9], 0), Some(Interval { mean: 2.0, bounds: Some([2.0, 2.0]), count: 9 }));
    }

    #[test]
    fn of_many_values_it_is_the_normal_interval() {
        let random = Random::stream(4, 4);
        let values: Vec<f64> = (0..400).map(|place| 3.0 + random.normal(place)).collect();
        let Interval { mean, bounds, .. } = Interval::of(&values, 1).unwrap();
        let [low, high] = bounds.unwrap();
        // 1.96 / sqrt(400).
        assert!((high - low - 2.0 * 0.098).abs() < 0.02, "{low} {high}");
        assert!((mean - (low + high) / 2.0).abs() < 0.01);
        assert_eq!(Interval::of(&values, 1), Interval::of(&values, 1));
        assert_ne!(Interval::of(&values, 1), Interval::of(&values, 2));
    }

    /// Half of the intervals of two values, and three quarters of those of three, would hold the truth without widening.
    #[test]
    fn few_values_keep_the_level() {
        const TRIALS: u64 = 400;
        for count in [2, 3, 5, 8, 13] {
            let holds = |trial: &u64| {
                let random = Random::stream(*trial, count);
                let values: Vec<f64> = (0..count).map(|place| random.normal(place)).collect();
                let [low, high] = Interval::of(&values, *trial).unwrap().bounds.unwrap();
                low <= 0.0 && 0.0 <= high
            };
            let held = (0..TRIALS).filter(holds).count() as f64 / TRIALS as f64;
            assert!((0.90..0.99).contains(&held), "{count} values: {held}");
        }
    }

    #[test]
    fn no_interval_leaves_the_range_of_its_metric() {
        let within = |values: &[f64], range| Interval::of(values, 0).unwrap().within(range).bounds;
        assert_eq!(within(&[0.0, 1.0], [0.0, 1.0]), Some([0.0, 1.0]));
        let [low, high] = within(&[0.0, 1.0], [0.0, f64::INFINITY]).unwrap();
        assert!(low == 0.0 && high > 1.0, "{low} {high}");
        assert_eq!(within(&[0.5], [0.0, 1.0]), None);
    }

    #[test]
    fn sides_of_zero() {
        let side = |bounds| Interval { mean: 0.0, bounds, count: 2 }.side();
        assert_eq!(
            [side(Some([0.1, 0.2])), side(Some([-2.0, -1.0])), side(Some([-1.0, 1.0])), side(None)],
            [1, -1, 0, 0]
        );
        assert_eq!(side(Some([0.0, 1.0])), 0);
    }

    #[test]
    fn percentiles_lie_between_the_nearest() {
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.75), 3.0);
    }
}
