//! Integrated gradients (M. Sundararajan et al., ICML 2017, equations 1 and 3).
//!
//! With `x` the image, `x'` the baseline and `g(z)` the gradient of the score at `z`:
//! `a = (x - x') mean_k g(x' + α_k (x - x'))`, with `α_k = (k + 1/2) / steps`, the midpoint rule: the integrand of a
//! rectifier network jumps, so that rules of higher order gain nothing.
//! Completeness: `Σ a = F(x) - F(x')` but for the rule's error, the gap. Map: `Σ_c a_c`, signed.

use gradex_engine::{Graph, NodeId, Retain};
use ndarray::{Array3, ArrayView3, Axis, Zip};

use super::{channel_sum, map_of};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::memory::Work;
use crate::methods::passes::Passes;
use crate::methods::{About, Baseline, DEFAULT_BATCH, Method, input_only};
use crate::run::Run;

/// The gradient along the straight line from a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegratedGradients {
    /// Where the line starts.
    pub baseline: Baseline,
    /// Points on the line. The paper finds 20 to 300 enough; the completeness gap tells.
    pub steps: usize,
    /// Points in a batch.
    pub batch: usize,
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        Self { baseline: Baseline::Zero, steps: 50, batch: DEFAULT_BATCH }
    }
}

/// What integrated gradients say of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Integrated {
    /// The attribution `[c, h, w]`, in units of the score.
    pub attribution: Array3<f32>,
    /// The image's score less the baseline's: what the attribution should sum to.
    pub difference: f64,
    /// The attribution's sum less `difference`.
    pub gap: f64,
}

/// Integrated gradients of image number `image` from `baseline [c, h, w]`, at most `batch` points together.
///
/// # Errors
/// [`Error::Inapplicable`](crate::Error::Inapplicable) for 0 steps, 0 images in a batch or a baseline of another shape,
/// [`Error::NoSuchImage`](crate::Error::NoSuchImage), and as [`Run::input_gradients`].
pub fn integrated_gradients(
    run: &Run<'_>,
    image: usize,
    baseline: ArrayView3<'_, f32>,
    steps: usize,
    batch: usize,
) -> Result<Integrated> {
    let passes = Passes::new(run, "integrated-gradients", image, steps, batch)?;
    passes.check("baseline", baseline)?;
    let original = passes.original()?;
    let mut attribution = Array3::<f64>::zeros(original.dim());
    passes.gradients(
        |step, mut copy| {
            let part = (step as f64 + 0.5) / steps as f64;
            copy.zip_mut_with(&baseline, |x, base| {
                *x = (f64::from(*base) + part * (f64::from(*x) - f64::from(*base))) as f32;
            });
            Ok(())
        },
        |gradient| attribution.zip_mut_with(&gradient, |sum, value| *sum += f64::from(*value)),
    )?;
    Zip::from(&mut attribution).and(&original).and(&baseline).for_each(|sum, x, base| {
        *sum *= (f64::from(*x) - f64::from(*base)) / steps as f64;
    });
    let start = run.logits(&baseline.insert_axis(Axis(0)).into_owned().into_dyn())?;
    let start: f64 = run.scores(image, &start)?.into_iter().map(f64::from).sum();
    let difference = f64::from(run.objective(image)?.score) - start;
    let gap = attribution.sum() - difference;
    Ok(Integrated { attribution: attribution.mapv(|value| value as f32), difference, gap })
}

impl Method for IntegratedGradients {
    fn about(&self) -> About {
        About {
            name: "integrated-gradients",
            summary: "each pixel's part of the score's rise from a baseline, signed",
            cost: "50 forwards and backwards (steps), 1 forward",
            paper: "Sundararajan et al., ICML 2017",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT])
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        vec![("steps", self.steps.to_string()), ("baseline", self.baseline.to_string())]
    }

    fn work(&self) -> Work {
        Work::Gradients(self.batch.min(self.steps))
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let one_image = |image| {
            let original = run.activation(point)?.index_axis_move(Axis(0), image);
            let baseline = self.baseline.of("integrated-gradients", original)?;
            let Integrated { attribution, difference, gap } =
                integrated_gradients(run, image, baseline.view(), self.steps, self.batch)?;
            let map = map_of("integrated gradients", point, channel_sum(attribution.view()), attribution.view())?;
            Ok(map.noting(format!("completeness gap {gap:.3e} of a score difference of {difference:.3e}")))
        };
        input_only(self, run, point)?.map(one_image).collect()
    }
}
