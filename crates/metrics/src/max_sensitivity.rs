//! Max-sensitivity (C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, definition 3).
//!
//! `max over |δ|∞ <= r of ‖map(x + δ) - map(x)‖ / ‖map(x)‖`, over random uniform `δ`. Low is good: what the eye cannot see
//! should not move the map.

use gradex_saliency::Random;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Zip};

use crate::error::{Error, Result};

/// How far a map moves when the image hardly does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxSensitivity {
    /// How many changed images are explained.
    pub samples: usize,
    /// The largest change of a value, as a part of the image's range.
    pub radius: f64,
    /// Seed of the changes.
    pub seed: u64,
}

impl Default for MaxSensitivity {
    /// The paper's radius, a fiftieth of the range, and 8 samples.
    fn default() -> Self {
        Self { samples: 8, radius: 0.02, seed: 0 }
    }
}

impl MaxSensitivity {
    /// The metric of `map`, the map of `image`; `explain` gives the map of a changed image. None where the map is zero.
    ///
    /// # Errors
    /// [`Error::Setting`] for no samples or a radius that is not positive, [`Error::Size`] where `explain` gives a map of
    /// another size, [`Error::NonFinite`] where a map holds NaN, and those of `explain`.
    pub fn of(
        &self,
        image: ArrayView3<'_, f32>,
        map: ArrayView2<'_, f32>,
        mut explain: impl FnMut(&Array3<f32>) -> Result<Array2<f32>>,
    ) -> Result<Option<f64>> {
        if self.samples == 0 || !(self.radius > 0.0 && self.radius.is_finite()) {
            let why =
                format!("{} samples within {}: take 1 or more, within a positive radius", self.samples, self.radius);
            return Err(Error::Setting { what: "max-sensitivity", why });
        }
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let whole = norm(&mut map.iter().map(|value| f64::from(*value)));
        let mut farthest = 0f64;
        for sample in 0..self.samples {
            let other = explain(&self.changed(image, sample))?;
            if other.dim() != map.dim() {
                let (expected, actual) = (map.shape().to_vec(), other.shape().to_vec());
                return Err(Error::Size { what: "map of a changed image", expected, actual });
            }
            if !other.iter().all(|value| value.is_finite()) {
                return Err(Error::NonFinite { what: "map of a changed image" });
            }
            let moved = Zip::from(&map).and(&other).map_collect(|a, b| f64::from(*a) - f64::from(*b));
            farthest = farthest.max(norm(&mut moved.into_iter()));
        }
        if whole.is_finite() {
            Ok((whole > 0.0).then(|| farthest / whole))
        } else {
            Err(Error::NonFinite { what: "map" })
        }
    }

    /// The image under change number `sample`.
    #[must_use]
    pub fn changed(&self, image: ArrayView3<'_, f32>, sample: usize) -> Array3<f32> {
        let largest = image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let smallest = image.iter().copied().fold(f32::INFINITY, f32::min);
        let radius = self.radius * f64::from(largest - smallest);
        let (random, mut place) = (Random::stream(self.seed, sample as u64), 0);
        image.mapv(|value| {
            place += 1;
            (f64::from(value) + radius * (2.0 * random.uniform(place) - 1.0)) as f32
        })
    }
}
