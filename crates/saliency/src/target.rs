//! What is explained: a number made of one image's logits.

use std::fmt;
use std::sync::Arc;

use gradex_engine::{Tape, Tensor};
use ndarray::{Array1, ArrayView1};

use crate::error::{Error, Result};

/// A number made of the logits, and its derivative by each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The number.
    pub score: f32,
    /// Its derivative by each logit, `[classes]`.
    pub gradient: Array1<f32>,
}

/// The type of a [`Target::Custom`].
pub type Custom = dyn Fn(ArrayView1<'_, f32>) -> Objective + Send + Sync;

/// What is explained.
#[derive(Clone)]
pub enum Target {
    /// The logit of a class: why this?
    Class(usize),
    /// The logit of the first class minus that of the second: why this and not that?
    Difference(usize, usize),
    /// Whatever a closure makes of the logits.
    Custom(Arc<Custom>),
}

impl Target {
    /// A closure of the logits `[classes]` that gives a score and its derivative.
    pub fn custom(objective: impl Fn(ArrayView1<'_, f32>) -> Objective + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(objective))
    }

    /// The score and its derivative at these logits.
    ///
    /// # Errors
    /// [`Error::NoSuchClass`] where the network has not the class, [`Error::Objective`] where a closure's derivative has
    /// another length than the logits, or is not finite.
    pub fn objective(&self, logits: ArrayView1<'_, f32>) -> Result<Objective> {
        let classes = logits.len();
        let mut gradient = Array1::zeros(classes);
        let signed: &[(usize, f32)] = match self {
            Self::Class(class) => &[(*class, 1.0)],
            Self::Difference(class, other) => &[(*class, 1.0), (*other, -1.0)],
            Self::Custom(objective) => {
                let objective = objective(logits);
                let finite = objective.score.is_finite() && objective.gradient.iter().all(|value| value.is_finite());
                if objective.gradient.len() == classes && finite {
                    return Ok(objective);
                }
                return Err(Error::Objective { length: objective.gradient.len(), classes });
            }
        };
        let mut score = 0.0;
        for (class, sign) in signed {
            let Some(value) = gradient.get_mut(*class) else {
                return Err(Error::NoSuchClass { class: *class, classes });
            };
            *value += sign;
            score += sign * logits[*class];
        }
        Ok(Objective { score, gradient })
    }
}

impl From<usize> for Target {
    fn from(class: usize) -> Self {
        Self::Class(class)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(f, "Class({class})"),
            Self::Difference(class, other) => write!(f, "Difference({class}, {other})"),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// The derivative of the sum of every image's score, of the logits' shape: `targets[n]` is image `n`'s.
pub(crate) fn seed(tape: &Tape, targets: &[Target]) -> Result<Tensor> {
    tape.image_logits(0)?;
    let mut seed = Tensor::zeros(tape.logits()?.shape());
    let images = seed.shape()[0];
    if targets.len() != images {
        return Err(Error::TargetsPerImage { images, targets: targets.len() });
    }
    for (image, (mut row, target)) in seed.outer_iter_mut().zip(targets).enumerate() {
        row.assign(&target.objective(tape.image_logits(image)?)?.gradient);
    }
    Ok(seed)
}
