//! Deletion (V. Petsiuk, A. Das and K. Saenko, "RISE", BMVC 2018, section 4.1).
//!
//! The hottest pixels are replaced by the baseline first, and the score is followed down:
//! `deletion = ∫ score(x with its hottest fraction t replaced) dt` over `t` in `[0, 1]`, by trapezoids. Low is good: where
//! the map is right, little must be deleted until the network is lost.

use gradex_saliency::methods::Baseline;
use ndarray::{ArrayView2, ArrayView3};

use crate::curve::Curve;
use crate::error::Result;
use crate::scorer::{BATCH, Scorer};

/// How the score falls when the hottest pixels go first.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// What deleted pixels become.
    pub baseline: Baseline,
    /// Steps from the image to the baseline.
    pub steps: usize,
    /// Images sent through the network together.
    pub batch: usize,
}

impl Default for Deletion {
    /// To zero after normalisation, in 16 steps.
    fn default() -> Self {
        Self { baseline: Baseline::Zero, steps: 16, batch: BATCH }
    }
}

impl Deletion {
    /// The score from the whole image to the baseline; [`Curve::area`] is the metric.
    ///
    /// # Errors
    /// [`Error::Size`](crate::Error::Size) where the map has not the image's size,
    /// [`Error::NonFinite`](crate::Error::NonFinite) where it holds NaN, [`Error::Setting`](crate::Error::Setting) for no
    /// steps, and those of the scorer and the baseline.
    pub fn curve(&self, scorer: &impl Scorer, image: ArrayView3<'_, f32>, map: ArrayView2<'_, f32>) -> Result<Curve> {
        let baseline = self.baseline.of("deletion", image)?;
        Curve::exchanging(scorer, image, baseline.view(), map, self.steps, self.batch)
    }
}
