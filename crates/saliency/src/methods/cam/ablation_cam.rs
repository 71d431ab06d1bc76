//! Ablation-CAM (S. Desai, H. Ramaswamy, WACV 2020, equations 2 and 4).
//!
//! `w_c = (y - y_c) / y` with `y` the score and `y_c` the score were channel `c` zero, `map = max(0, Σ_c w_c x_c)`.
//!
//! Only what lies behind the point is computed again. A channel that is zero already costs nothing and weighs nothing.
//! With a negative score what raises it weighs negatively; with a score of zero the method has no meaning.

use gradex_engine::{Graph, NodeId, Retain};
use ndarray::{Array4, ArrayView3, Axis};

use super::{rectified, weighted_sum, why_blank};
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::methods::batches::Batches;
use crate::methods::{About, DEFAULT_BATCH, Method};
use crate::run::Run;

/// Channels weighted by the part of the score that is lost without them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AblationCam {
    /// Channels a pass.
    pub batch: usize,
}

impl Default for AblationCam {
    fn default() -> Self {
        Self { batch: DEFAULT_BATCH }
    }
}

impl Method for AblationCam {
    fn about(&self) -> About {
        About {
            name: "ablation-cam",
            summary: "channels weighted by the part of the score that is lost without them",
            cost: "1 forward from the point a channel",
            paper: "Desai and Ramaswamy, WACV 2020",
        }
    }

    fn retain(&self, graph: &Graph, point: NodeId) -> Retain {
        Retain::logits().nodes(&[point]).nodes(&graph.beside(point))
    }

    fn work(&self) -> Work {
        Work::Scores(self.batch)
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        run.check_related(point)?;
        let activations = run.activation(point)?;
        let (images, channels, ..) = activations.dim();
        let mut batches = Batches::new(run, self.about().name, self.batch, images * channels)?;
        let mut maps = Vec::with_capacity(images);
        for (image, x) in activations.outer_iter().enumerate() {
            let weights = self.weights(run, &mut batches, image, point, x)?;
            let map = rectified(weighted_sum(x, &weights)).mapv(|value| value as f32);
            maps.push(CoarseMap::new("Ablation-CAM", point, map)?.because(why_blank(x)));
        }
        Ok(maps)
    }
}

impl AblationCam {
    fn weights(
        &self,
        run: &Run<'_>,
        batches: &mut Batches<'_>,
        image: usize,
        point: NodeId,
        x: ArrayView3<'_, f32>,
    ) -> Result<Vec<f64>> {
        let score = f64::from(run.objective(image)?.score);
        if score == 0.0 {
            let why = "the score is zero, and no part of it can be lost: use score-cam, or another target".to_owned();
            return Err(Error::Inapplicable { method: self.about().name, why });
        }
        let (channels, height, width) = x.dim();
        let acts = |channel: &usize| x.index_axis(Axis(0), *channel).iter().any(|value| *value != 0.0);
        let active: Vec<usize> = (0..channels).filter(acts).collect();
        let without = batches.scores(active.len(), |range| {
            run.shared_scores(&(*self, point), image, range.start, || {
                let mut values = Array4::zeros((range.len(), channels, height, width));
                for (mut ablated, channel) in values.outer_iter_mut().zip(&active[range]) {
                    ablated.assign(&x);
                    ablated.index_axis_mut(Axis(0), *channel).fill(0.0);
                }
                run.resume(image, point, &values.into_dyn())
            })
        })?;
        let mut weights = vec![0.0; channels];
        for (channel, without) in active.into_iter().zip(without) {
            weights[channel] = (score - f64::from(without)) / score;
        }
        Ok(weights)
    }
}
