//! Infidelity (C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, definition 1).
//!
//! Random squares of the image are replaced by the baseline. With `d_k` the fall of the score and `s_k` the sum of the map
//! over square `k`: `infidelity = Σ_k (β s_k - d_k)² / Σ_k d_k²`, with the paper's optimal scaling
//! `β = max(0, Σ s d / Σ s²)`, since a map has no unit. 0 where the map foretells every fall, 1 where it foretells none.
//!
//! The falls do not depend on the map: they are measured once, and serve any number of maps.

use gradex_saliency::Random;
use gradex_saliency::methods::Baseline;
use ndarray::{ArrayView2, ArrayView3};

use crate::error::{Error, Result};
use crate::scorer::{BATCH, Scorer, scores_of_copies};
use crate::window::window;

/// Which squares are hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Infidelity {
    /// How many.
    pub samples: usize,
    /// The smallest and the largest side, as parts of the image's shorter side.
    pub sides: [f64; 2],
    /// What is seen in a square.
    pub baseline: Baseline,
    /// Seed of places and sides.
    pub seed: u64,
    /// Images sent through the network together.
    pub batch: usize,
}

impl Default for Infidelity {
    /// 64 squares of an eighth to a half of the image's side.
    fn default() -> Self {
        Self { samples: 64, sides: [0.125, 0.5], baseline: Baseline::Zero, seed: 0, batch: BATCH }
    }
}

/// A square of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Square {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// Rows and columns.
    pub side: usize,
}

/// Hidden squares of one image, and how far the score falls for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Falls {
    size: [usize; 2],
    /// The squares.
    pub squares: Vec<Square>,
    /// The fall of the score for each.
    pub falls: Vec<f64>,
}

impl Infidelity {
    /// The squares for an image of this size.
    ///
    /// # Errors
    /// [`Error::Setting`] for no samples, or sides outside of `(0, 1]` or in the wrong order.
    pub fn squares(&self, [height, width]: [usize; 2]) -> Result<Vec<Square>> {
        let [smallest, largest] = self.sides;
        if self.samples == 0 || !(smallest > 0.0 && smallest <= largest && largest <= 1.0) {
            let why =
                format!("{} squares of {smallest} to {largest} of a side: take 1 or more, of 0 to 1", self.samples);
            return Err(Error::Setting { what: "squares", why });
        }
        let random = Random::stream(self.seed, 0);
        let square = |sample: usize| {
            let draw = |number: u64, choices: usize| {
                let part = random.uniform(3 * sample as u64 + number);
                ((part * choices as f64) as usize).min(choices - 1)
            };
            let pixels = |part: f64| ((part * height.min(width) as f64).round() as usize).max(1);
            let side = pixels(smallest) + draw(0, pixels(largest) - pixels(smallest) + 1);
            Square { top: draw(1, height - side + 1), left: draw(2, width - side + 1), side }
        };
        Ok((0..self.samples).map(square).collect())
    }

    /// Hides each square of the image in turn.
    ///
    /// # Errors
    /// As [`Infidelity::squares`], and those of the scorer and the baseline.
    pub fn falls(&self, scorer: &impl Scorer, image: ArrayView3<'_, f32>) -> Result<Falls> {
        let size = [image.dim().1, image.dim().2];
        let squares = self.squares(size)?;
        let baseline = self.baseline.of("infidelity", image)?;
        let scores = scores_of_copies(scorer, image, squares.len() + 1, self.batch, |number, mut copy| {
            let Some(Square { top, left, side }) = number.checked_sub(1).map(|number| squares[number]) else { return };
            for (mut copy, baseline) in copy.outer_iter_mut().zip(baseline.outer_iter()) {
                let square = window([top, left], [side; 2]);
                copy.slice_each_axis_mut(square).assign(&baseline.slice_each_axis(square));
            }
        })?;
        let falls = scores[1..].iter().map(|score| scores[0] - score).collect();
        Ok(Falls { size, squares, falls })
    }
}

impl Falls {
    /// How badly the map foretells the falls, in `[0, 1]`. None where the score never changes.
    ///
    /// # Errors
    /// [`Error::Size`] where the map has not the image's size, [`Error::NonFinite`] where it holds NaN or an infinity.
    pub fn infidelity(&self, map: ArrayView2<'_, f32>) -> Result<Option<f64>> {
        if map.shape() != self.size {
            let (expected, actual) = (self.size.to_vec(), map.shape().to_vec());
            return Err(Error::Size { what: "map", expected, actual });
        }
        if !map.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite { what: "map" });
        }
        let foretold = |Square { top, left, side }: &Square| {
            map.slice_each_axis(window([*top, *left], [*side; 2])).iter().map(|value| f64::from(*value)).sum::<f64>()
        };
        let foretold: Vec<f64> = self.squares.iter().map(foretold).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (own, both, fallen) =
            (dot(&foretold, &foretold), dot(&foretold, &self.falls), dot(&self.falls, &self.falls));
        let scale = if own > 0.0 { (both / own).max(0.0) } else { 0.0 };
        let error = self.falls.iter().zip(&foretold).map(|(fall, sum)| (scale * sum - fall).powi(2)).sum::<f64>();
        Ok((fallen > 0.0).then(|| error / fallen))
    }
}
