//! Insertion (V. Petsiuk, A. Das and K. Saenko, "RISE", BMVC 2018, section 4.1).
//!
//! The hottest pixels are put into the blurred image first, and the score is followed up:
//! `insertion = ∫ score(baseline with its hottest fraction t from x) dt` over `t` in `[0, 1]`, by trapezoids. High is good:
//! where the map is right, the network needs to see little.

use gradex_saliency::methods::Baseline;
use ndarray::{ArrayView2, ArrayView3};

use crate::curve::Curve;
use crate::error::Result;
use crate::scorer::{BATCH, Scorer};

/// How the score rises when the hottest pixels come first.
#[derive(Debug, Clone, PartialEq)]
pub struct Insertion {
    /// What is seen of pixels that are not inserted yet.
    pub baseline: Baseline,
    /// Steps from the baseline to the image.
    pub steps: usize,
    /// Images sent through the network together.
    pub batch: usize,
}

impl Default for Insertion {
    /// From the image behind a Gaussian of 10 pixels, in 16 steps.
    fn default() -> Self {
        Self { baseline: Baseline::Blur(10.0), steps: 16, batch: BATCH }
    }
}

impl Insertion {
    /// The score from the baseline to the whole image; [`Curve::area`] is the metric.
    ///
    /// # Errors
    /// As [`Deletion::curve`](crate::Deletion::curve).
    pub fn curve(&self, scorer: &impl Scorer, image: ArrayView3<'_, f32>, map: ArrayView2<'_, f32>) -> Result<Curve> {
        let baseline = self.baseline.of("insertion", image)?;
        Curve::exchanging(scorer, baseline.view(), image, map, self.steps, self.batch)
    }
}
