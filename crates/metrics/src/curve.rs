//! The score while one image turns into another, pixel by pixel in the order of a map's heat.

use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::ranking::{check_size, hottest_first};
use crate::scorer::{Scorer, scores_of_copies};

/// A score over the fraction of the pixels that were exchanged, both ends included.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Fractions in `[0, 1]`, evenly spaced and rising.
    pub fractions: Vec<f64>,
    /// The score at each of them.
    pub scores: Vec<f64>,
}

impl Curve {
    /// The area below the curve, by trapezoids over the fraction: the mean score on the way.
    #[must_use]
    pub fn area(&self) -> f64 {
        let points: Vec<_> = self.fractions.iter().zip(&self.scores).collect();
        points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
    }

    /// From `start` to `end`, both `[c, h, w]`, in `steps` steps: the hottest pixels are exchanged first, in all channels.
    pub(crate) fn exchanging(
        scorer: &impl Scorer,
        start: ArrayView3<'_, f32>,
        end: ArrayView3<'_, f32>,
        map: ArrayView2<'_, f32>,
        steps: usize,
        batch: usize,
    ) -> Result<Self> {
        check_size(start, map)?;
        let places = hottest_first(map)?;
        let (pixels, width) = (places.len(), map.ncols());
        if steps == 0 || steps > pixels {
            return Err(Error::Setting {
                what: "steps",
                why: format!("{steps} steps over {pixels} pixels: take 1 to {pixels}"),
            });
        }
        let fraction = |step: usize| step as f64 / steps as f64;
        let exchanged = |step: usize| &places[..(fraction(step) * pixels as f64).round() as usize];
        let scores = scores_of_copies(scorer, start, steps + 1, batch, |step, mut copy| {
            for place in exchanged(step) {
                let (row, column) = (place / width, place % width);
                for channel in 0..start.dim().0 {
                    copy[[channel, row, column]] = end[[channel, row, column]];
                }
            }
        })?;
        Ok(Self { fractions: (0..=steps).map(fraction).collect(), scores })
    }
}
