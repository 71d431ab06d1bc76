//! Score-CAM (H. Wang et al., CVPR Workshops 2020, equations 3 to 7 and algorithm 1).
//!
//! `m_c = (u_c - min) / (max - min)` with `u_c` the channel `x_c` resized to the input; `s_c` the score of the input times
//! `m_c`; `w = softmax over channels of (s - s_0)`, `map = max(0, Σ_c w_c x_c)`.
//!
//! The baseline's score `s_0` is the same for all channels and cancels in the softmax: it is not computed. A channel that
//! is the same everywhere masks everything, as zeros; all such share one pass.

use gradex_engine::{Graph, NodeId, Retain, Tensor};
use ndarray::{Array2, Array3, ArrayView3, Axis};

use super::{rectified, weighted_sum, why_blank};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::fold::extremes;
use crate::heatmap::resized;
use crate::memory::Work;
use crate::methods::batches::Batches;
use crate::methods::{About, DEFAULT_BATCH, Method};
use crate::run::Run;

/// Channels weighted by the score of what they show of the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreCam {
    /// Images a forward pass.
    pub batch: usize,
}

impl Default for ScoreCam {
    fn default() -> Self {
        Self { batch: DEFAULT_BATCH }
    }
}

impl Method for ScoreCam {
    fn about(&self) -> About {
        About {
            name: "score-cam",
            summary: "channels weighted by the score of what they show of the input",
            cost: "1 forward a channel",
            paper: "Wang et al., CVPRW 2020",
        }
    }

    fn retain(&self, _graph: &Graph, point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT, point])
    }

    fn work(&self) -> Work {
        Work::Scores(self.batch)
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let (activations, inputs) = (run.activation(point)?, run.activation(NodeId::INPUT)?);
        let (images, channels, ..) = activations.dim();
        let mut batches = Batches::new(run, self.about().name, self.batch, images * channels)?;
        let mut maps = Vec::with_capacity(images);
        for (image, (x, input)) in activations.outer_iter().zip(inputs.outer_iter()).enumerate() {
            let scores = self.scores(run, &mut batches, image, (point, x), input)?;
            let map = rectified(weighted_sum(x, &softmax(&scores))).mapv(|value| value as f32);
            maps.push(CoarseMap::new("Score-CAM", point, map)?.because(why_blank(x)));
        }
        Ok(maps)
    }
}

impl ScoreCam {
    /// The score of `input` under the mask of each channel of the point's output `x`.
    fn scores(
        &self,
        run: &Run<'_>,
        batches: &mut Batches<'_>,
        image: usize,
        (point, x): (NodeId, ArrayView3<'_, f32>),
        input: ArrayView3<'_, f32>,
    ) -> Result<Vec<f32>> {
        let channels = x.dim().0;
        let is_flat = |channel: &usize| {
            let plane = x.index_axis(Axis(0), *channel);
            plane.iter().all(|value| Some(value) == plane.first())
        };
        let (flat, mut masks): (Vec<usize>, Vec<usize>) = (0..channels).partition(is_flat);
        masks.extend(flat.first());
        let found = batches.scores(masks.len(), |range| {
            run.shared_scores(&(*self, point), image, range.start, || {
                let mut batch = Tensor::zeros(&[&[range.len()], input.shape()].concat()[..]);
                for (mut masked, channel) in batch.outer_iter_mut().zip(&masks[range]) {
                    let mask = mask(x.index_axis(Axis(0), *channel).insert_axis(Axis(0)).to_owned(), input.dim())?;
                    for (mut masked, plane) in masked.outer_iter_mut().zip(input.outer_iter()) {
                        masked.assign(&(&plane * &mask));
                    }
                }
                run.logits(&batch)
            })
        })?;
        let mut scores = vec![0.0; channels];
        masks.iter().zip(&found).for_each(|(channel, score)| scores[*channel] = *score);
        if let Some(first) = flat.first() {
            flat.iter().for_each(|channel| scores[*channel] = scores[*first]);
        }
        Ok(scores)
    }
}

/// One channel `[1, h, w]` at the input's size, stretched to `[0, 1]`; zeros where it is the same everywhere.
fn mask(channel: Array3<f32>, (_, height, width): (usize, usize, usize)) -> Result<Array2<f32>> {
    let mask = resized(&channel, [height, width])?.index_axis_move(Axis(0), 0);
    let [min, max] = extremes(mask.view());
    let range = max - min;
    Ok(if range > 0.0 { mask.mapv_into(|value| (value - min) / range) } else { Array2::zeros((height, width)) })
}

fn softmax(scores: &[f32]) -> Vec<f64> {
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = scores.iter().map(|score| f64::from(score - max).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / sum).collect()
}
