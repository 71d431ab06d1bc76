//! What metrics ask a network: how sure is it of one class?

use gradex_engine::{Network, Tensor};
use gradex_saliency::top;
use ndarray::{Array4, ArrayView1, ArrayView3, ArrayViewMut3};

use crate::error::{Error, Result};

/// Images sent through the network together unless another number is asked for. No result depends on it.
pub const BATCH: usize = 8;

/// Gives each image a score. Any closure from images `[n, c, h, w]` to `n` scores is one.
pub trait Scorer {
    /// The scores of images `[n, c, h, w]`.
    ///
    /// # Errors
    /// Whatever keeps it from scoring; [`Error::Stopped`] where nobody waits for the scores any more.
    fn scores(&self, images: &Tensor) -> Result<Vec<f64>>;
}

impl<F: Fn(&Tensor) -> Result<Vec<f64>>> Scorer for F {
    fn scores(&self, images: &Tensor) -> Result<Vec<f64>> {
        self(images)
    }
}

/// The softmax probability of one class.
#[derive(Debug, Clone, Copy)]
pub struct Probability<'a> {
    /// The network.
    pub network: &'a Network,
    /// The class.
    pub class: usize,
}

impl Scorer for Probability<'_> {
    fn scores(&self, images: &Tensor) -> Result<Vec<f64>> {
        let logits = self.network.logits(images)?;
        let probability = |logits: ArrayView1<'_, f32>| {
            let of_class = top(logits, logits.len()).into_iter().find(|prediction| prediction.class == self.class);
            let none = gradex_saliency::Error::NoSuchClass { class: self.class, classes: logits.len() };
            Ok(of_class.ok_or(none)?.probability)
        };
        logits.outer_iter().map(probability).collect()
    }
}

/// The scores of `count` copies of `original`, at most `batch` together, the `k`-th changed by `change(k, copy)`.
pub(crate) fn scores_of_copies(
    scorer: &impl Scorer,
    original: ArrayView3<'_, f32>,
    count: usize,
    batch: usize,
    mut change: impl FnMut(usize, ArrayViewMut3<'_, f32>),
) -> Result<Vec<f64>> {
    if batch == 0 {
        return Err(Error::Setting { what: "batch", why: "0 images at once: take 1 or more".to_owned() });
    }
    let (channels, height, width) = original.dim();
    let mut scores = Vec::with_capacity(count);
    for first in (0..count).step_by(batch) {
        let images = batch.min(count - first);
        let mut copies = Array4::zeros((images, channels, height, width));
        for (number, mut copy) in (first..).zip(copies.outer_iter_mut()) {
            copy.assign(&original);
            change(number, copy);
        }
        let found = scorer.scores(&copies.into_dyn())?;
        if found.len() != images {
            return Err(Error::Scores { images, scores: found.len() });
        }
        scores.extend(found);
    }
    if scores.iter().all(|score| score.is_finite()) { Ok(scores) } else { Err(Error::NonFinite { what: "scores" }) }
}
