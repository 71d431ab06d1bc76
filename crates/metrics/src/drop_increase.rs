//! Average drop and average increase (A. Chattopadhay et al., "Grad-CAM++", WACV 2018, section 5.1).
//!
//! The image is dimmed by the map, `e = b + m (x - b)` with `m` in `[0, 1]` and `b` the baseline; with `y` and `o` the scores
//! of `x` and `e`: `drop = max(0, y - o) / y`, `increase = 1` where `o > y`, else 0. Over many images their means are the
//! metrics. A map that is 1 everywhere drops nothing: read them beside a measure of sparseness.

use gradex_saliency::methods::Baseline;
use ndarray::{ArrayView2, ArrayView3, Zip};

use crate::error::{Error, Result};
use crate::ranking::check_size;
use crate::scorer::{Scorer, scores_of_copies};

/// What happens to the score when only what the map shows is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropIncrease {
    /// `max(0, y - o) / y`; 0 where `y` is 0.
    pub drop: f64,
    /// Whether the score rises.
    pub increase: bool,
}

impl DropIncrease {
    /// Dims the image by the map, whose values must lie in `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::Size`] where the map has not the image's size, [`Error::Setting`] where it leaves `[0, 1]`, and those of the
    /// scorer and the baseline.
    pub fn of(
        scorer: &impl Scorer,
        image: ArrayView3<'_, f32>,
        map: ArrayView2<'_, f32>,
        baseline: &Baseline,
    ) -> Result<Self> {
        check_size(image, map)?;
        if !map.iter().all(|value| (0.0..=1.0).contains(value)) {
            let why = "its values must lie in [0, 1]: stretch it first".to_owned();
            return Err(Error::Setting { what: "map", why });
        }
        let baseline = baseline.of("average drop", image)?;
        let scores = scores_of_copies(scorer, image, 2, 2, |number, mut copy| {
            if number == 1 {
                for (mut channel, baseline) in copy.outer_iter_mut().zip(baseline.outer_iter()) {
                    Zip::from(&mut channel).and(baseline).and(map).for_each(|x, b, m| *x = b + m * (*x - b));
                }
            }
        })?;
        let (whole, dimmed) = (scores[0], scores[1]);
        let drop = if whole > 0.0 { (whole - dimmed).max(0.0) / whole } else { 0.0 };
        Ok(Self { drop, increase: dimmed > whole })
    }
}
