//! The gradient over noisy copies of the image.
//!
//! With `g_k` the gradient at `x + ε_k` and `ε_k` normal with standard deviation `level (max x - min x)`:
//! - SmoothGrad (D. Smilkov et al., 2017, arXiv 1706.03825, section 3): `a = mean_k g_k`;
//! - VarGrad (J. Adebayo et al., NeurIPS 2018, appendix): `a = mean_k (g_k - mean g)²`, divided by the number of samples.
//!
//! Map: `max_c |a_c|`. Every image gets the same noise, which the seed and the sample's number determine.

use gradex_engine::{Graph, NodeId, Retain};
use ndarray::{Array3, ArrayView3, Zip};

use super::{largest_magnitude, map_of};
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::fold::extremes;
use crate::memory::Work;
use crate::methods::passes::Passes;
use crate::methods::{About, DEFAULT_BATCH, Method, input_only};
use crate::random::Random;
use crate::run::Run;

/// Noisy copies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Seed of the noise.
    pub seed: u64,
    /// Standard deviation as a part of the image's range. The paper finds 0.1 to 0.2 good.
    pub level: f32,
    /// Copies. The paper finds little change beyond 50.
    pub samples: usize,
    /// Copies in a batch.
    pub batch: usize,
}

impl Default for Noise {
    fn default() -> Self {
        Self { seed: 0, level: 0.15, samples: 50, batch: DEFAULT_BATCH }
    }
}

impl Noise {
    /// Louder noise leaves nothing of the image.
    pub const MAX_LEVEL: f32 = 10.0;

    /// The noise of copy number `sample` of `image [c, h, w]`.
    #[must_use]
    pub fn sample(&self, sample: usize, image: ArrayView3<'_, f32>) -> Array3<f32> {
        let [least, largest] = extremes(image);
        let deviation = f64::from(self.level) * (f64::from(largest) - f64::from(least));
        let random = Random::stream(self.seed, sample as u64);
        let mut place = 0..;
        Array3::from_shape_simple_fn(image.dim(), || {
            (deviation * random.normal(place.next().unwrap_or_default())) as f32
        })
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let Self { seed, level, samples, .. } = self;
        vec![("samples", samples.to_string()), ("noise level", level.to_string()), ("seed", seed.to_string())]
    }

    fn moments(&self, method: &'static str, run: &Run<'_>, image: usize) -> Result<Moments> {
        if !(self.level > 0.0 && self.level <= Self::MAX_LEVEL) {
            let (level, most) = (self.level, Self::MAX_LEVEL);
            let why = format!(
                "a noise level of {level}: it is a part of the image's range, such as 0.15, above 0 and at most {most}"
            );
            return Err(Error::Inapplicable { method, why });
        }
        let passes = Passes::new(run, method, image, self.samples, self.batch)?;
        let original = passes.original()?;
        moments(&passes, |sample| self.sample(sample, original))
    }
}

/// Mean and variance of the gradient over noisy copies of an image, each `[c, h, w]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// The mean: SmoothGrad.
    pub mean: Array3<f32>,
    /// The mean squared distance from it: VarGrad.
    pub variance: Array3<f32>,
}

/// The moments for given noise: copy `k` of image number `image` is the image plus `noise(k) [c, h, w]`.
///
/// # Errors
/// [`Error::Inapplicable`] for 0 samples or noise of another shape, [`Error::NoSuchImage`], and as
/// [`Run::input_gradients`].
pub fn noisy_gradients(
    run: &Run<'_>,
    image: usize,
    samples: usize,
    noise: impl FnMut(usize) -> Array3<f32>,
) -> Result<Moments> {
    moments(&Passes::new(run, "smooth-grad", image, samples, DEFAULT_BATCH)?, noise)
}

fn moments(passes: &Passes<'_>, mut noise: impl FnMut(usize) -> Array3<f32>) -> Result<Moments> {
    let size = passes.original()?.dim();
    let (mut mean, mut squares) = (Array3::<f64>::zeros(size), Array3::<f64>::zeros(size));
    let mut count = 0.0;
    passes.gradients(
        |sample, mut copy| {
            let noise = noise(sample);
            passes.check("noise", noise.view())?;
            copy += &noise;
            Ok(())
        },
        |gradient| {
            // Welford's update: no cancellation, whatever the mean.
            count += 1.0;
            Zip::from(&mut mean).and(&mut squares).and(&gradient).for_each(|mean, squares, value| {
                let before = f64::from(*value) - *mean;
                *mean += before / count;
                *squares += before * (f64::from(*value) - *mean);
            });
        },
    )?;
    Ok(Moments { mean: mean.mapv(|value| value as f32), variance: squares.mapv(|value| (value / count) as f32) })
}

/// The mean gradient over noisy copies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SmoothGrad(pub Noise);

/// The gradient's variance over noisy copies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VarGrad(pub Noise);

impl Method for SmoothGrad {
    fn about(&self) -> About {
        About {
            name: "smooth-grad",
            summary: "mean gradient over noisy copies",
            cost: "50 forwards and backwards (samples)",
            paper: "Smilkov et al., arXiv 1706.03825, 2017",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT])
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        self.0.parameters()
    }

    fn work(&self) -> Work {
        Work::Gradients(self.0.batch.min(self.0.samples))
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let one_image = |image| {
            let mean = self.0.moments("smooth-grad", run, image)?.mean;
            map_of("SmoothGrad", point, largest_magnitude(mean.view()), mean.view())
        };
        input_only(self, run, point)?.map(one_image).collect()
    }
}

impl Method for VarGrad {
    fn about(&self) -> About {
        About {
            name: "var-grad",
            summary: "variance of the gradient over noisy copies",
            cost: "50 forwards and backwards (samples)",
            paper: "Adebayo et al., NeurIPS 2018",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT])
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        self.0.parameters()
    }

    fn work(&self) -> Work {
        Work::Gradients(self.0.batch.min(self.0.samples))
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        if self.0.samples < 2 {
            let why = format!("{} sample has no variance: ask for at least 2", self.0.samples);
            return Err(Error::Inapplicable { method: "var-grad", why });
        }
        let one_image = |image| {
            let variance = self.0.moments("var-grad", run, image)?.variance;
            map_of("VarGrad", point, largest_magnitude(variance.view()), variance.view())
        };
        input_only(self, run, point)?.map(one_image).collect()
    }
}
