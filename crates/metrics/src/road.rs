//! ROAD, remove and debias (Y. Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods",
//! ICML 2022).
//!
//! Pixels are removed by *noisy linear imputation*: each becomes the weighted mean of its neighbours, 1/6 for the four
//! nearest and 1/12 for the diagonal ones, as far as they lie in the image, and all removed pixels at once, so a linear
//! system is solved; then noise is added. So no edge of the removed region tells the network what its shape was.
//! `road = mean over p of score(the coldest p removed) - score(the hottest p removed)`; high is good.

use gradex_saliency::Random;
use ndarray::{Array3, ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::neighbours::Neighbours;
use crate::ranking::{check_size, hottest_first};
use crate::scorer::{BATCH, Scorer, scores_of_copies};

/// What removing the hottest pixels costs, and what removing the coldest does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Road {
    /// The fractions of the pixels that are removed, each in `(0, 1)`.
    pub fractions: Vec<f64>,
    /// Standard deviation of the noise, in the image's units.
    pub noise: f64,
    /// Seed of the noise.
    pub seed: u64,
    /// Images sent through the network together.
    pub batch: usize,
}

impl Default for Road {
    /// A fifth, two, three and four fifths of the pixels, with the paper's noise.
    fn default() -> Self {
        Self { fractions: vec![0.2, 0.4, 0.6, 0.8], noise: 0.01, seed: 0, batch: BATCH }
    }
}

impl Road {
    /// The metric.
    ///
    /// # Errors
    /// [`Error::Size`] where the map has not the image's size, [`Error::Setting`] where no fraction is asked for or one
    /// leaves `(0, 1)`, and those of the scorer.
    pub fn of(&self, scorer: &impl Scorer, image: ArrayView3<'_, f32>, map: ArrayView2<'_, f32>) -> Result<f64> {
        check_size(image, map)?;
        if self.fractions.is_empty() || !self.fractions.iter().all(|fraction| *fraction > 0.0 && *fraction < 1.0) {
            let why = format!("{:?} to remove: take one or more between 0 and 1, both excluded", self.fractions);
            return Err(Error::Setting { what: "fractions", why });
        }
        let hottest = hottest_first(map)?;
        let removed = |number: usize| {
            let count = (self.fractions[number / 2] * hottest.len() as f64).round() as usize;
            if number.is_multiple_of(2) { &hottest[hottest.len() - count..] } else { &hottest[..count] }
        };
        let scores = scores_of_copies(scorer, image, 2 * self.fractions.len(), self.batch, |number, mut copy| {
            copy.assign(&self.imputed(image, removed(number)));
        })?;
        let differences = scores.chunks_exact(2).map(|pair| pair[0] - pair[1]);
        Ok(differences.sum::<f64>() / self.fractions.len() as f64)
    }

    /// The image with the pixels at these row-major places removed; as it is where there are none.
    #[must_use]
    pub fn imputed(&self, image: ArrayView3<'_, f32>, removed: &[usize]) -> Array3<f32> {
        let (channels, height, width) = image.dim();
        let neighbours = Neighbours::of(removed, [height, width]);
        let mut imputed = image.to_owned();
        let noise = Random::stream(self.seed, 0);
        for channel in 0..channels {
            let known = |place: usize| f64::from(image[[channel, place / width, place % width]]);
            for (place, value) in removed.iter().zip(neighbours.harmonic(known)) {
                let noise = self.noise * noise.normal((channel * height * width + place) as u64);
                imputed[[channel, place / width, place % width]] = (value + noise) as f32;
            }
        }
        imputed
    }
}
