//! RISE (V. Petsiuk et al., BMVC 2018, equation 6 and section 3.2).
//!
//! With `m_k` a mask in `[0, 1]` and `F` the score: `map = Σ_k F(x m_k) m_k / (N p)`, `p` the masks' expectation.
//! A mask is a grid of cells that are 1 with probability `p` and else 0, resized bilinearly to one cell more than the
//! image each way, and cut out at a random shift of less than a cell. It is laid on the normalised image, so that 0 is the
//! mean colour. The score is the target's: a logit, where the paper takes a probability. So a constant part of the
//! logits shows as the masks' own mean, which is flat but for noise that falls with `N`.

use gradex_engine::{Graph, NodeId, Retain};
use gradex_kernels::resize_bilinear;
use ndarray::{Array2, AxisDescription, Slice};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::methods::passes::Passes;
use crate::methods::{About, DEFAULT_BATCH, Method, input_only};
use crate::random::Random;
use crate::reason::Reason;
use crate::run::Run;

const NAME: &str = "rise";

/// Random masks, weighted by the score behind them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// Seed of the masks. Every image gets the same ones.
    pub seed: u64,
    /// Masks. The paper takes 4000 to 8000.
    pub masks: usize,
    /// Cells a side of the grid.
    pub cells: usize,
    /// The probability that a cell is seen.
    pub probability: f64,
    /// Images in a batch.
    pub batch: usize,
}

impl Default for Rise {
    fn default() -> Self {
        Self { seed: 0, masks: 1000, cells: 7, probability: 0.5, batch: DEFAULT_BATCH }
    }
}

impl Rise {
    /// Mask number `sample` for images of `size` `[h, w]`.
    ///
    /// The cells, row by row, are the places from 0 of the sample's stream; the two shifts follow them.
    ///
    /// # Errors
    /// [`Error::Inapplicable`] where there are no cells or the probability is not in `(0, 1]`, [`Error::Kernel`] where the
    /// size is zero.
    pub fn mask(&self, sample: usize, size: [usize; 2]) -> Result<Array2<f32>> {
        let Self { cells, probability, .. } = *self;
        let refuse = |why| Err(Error::Inapplicable { method: NAME, why });
        if cells == 0 {
            return refuse("a grid of 0 cells: the paper takes 7".to_owned());
        }
        if !(probability > 0.0 && probability <= 1.0) {
            return refuse(format!("a probability of {probability} that a cell is seen: choose one in (0, 1]"));
        }
        let random = Random::stream(self.seed, sample as u64);
        let places = (cells * cells) as u64;
        let seen = |place| if random.uniform(place) < probability { 1.0 } else { 0.0 };
        let grid: Vec<f32> = (0..places).map(seen).collect();
        let cell = size.map(|side| side.div_ceil(cells));
        let whole = cell.map(|side| side * (cells + 1));
        let mut fine = Array2::zeros(whole);
        if let Some(fine) = fine.as_slice_mut() {
            resize_bilinear([cells; 2], &grid, whole, fine)?;
        }
        let cut = |AxisDescription { axis, .. }: AxisDescription| {
            let start = (random.uniform(places + axis.index() as u64) * cell[axis.index()] as f64) as usize;
            Slice::from(start..start + size[axis.index()])
        };
        Ok(fine.slice_each_axis(cut).to_owned())
    }
}

impl Method for Rise {
    fn about(&self) -> About {
        About {
            name: NAME,
            summary: "random masks, weighted by the score behind them",
            cost: "1000 forwards (samples)",
            paper: "Petsiuk et al., BMVC 2018",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT])
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        let Self { seed, masks, cells, probability, .. } = self;
        vec![
            ("masks", masks.to_string()),
            ("seed", seed.to_string()),
            ("cells", cells.to_string()),
            ("probability", probability.to_string()),
        ]
    }

    fn work(&self) -> Work {
        Work::Scores(self.batch.min(self.masks))
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let one_image = |image| {
            let passes = Passes::new(run, NAME, image, self.masks, self.batch)?;
            let (_, height, width) = passes.original()?.dim();
            let mut sum = Array2::<f64>::zeros((height, width));
            passes.scores(
                self,
                |sample, mut copy| {
                    copy *= &self.mask(sample, [height, width])?;
                    Ok(())
                },
                |first, scores| {
                    for (sample, score) in (first..).zip(scores) {
                        let mask = self.mask(sample, [height, width])?;
                        sum.zip_mut_with(&mask, |sum, seen| *sum += f64::from(*score) * f64::from(*seen));
                    }
                    let expected = (first + scores.len()) as f64 * self.probability;
                    let map = CoarseMap::new(NAME, point, sum.mapv(|sum| (sum / expected) as f32))?;
                    Ok(map.because(Reason::NoPositiveEvidence))
                },
            )
        };
        input_only(self, run, point)?.map(one_image).collect()
    }
}
