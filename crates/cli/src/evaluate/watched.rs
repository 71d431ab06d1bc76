//! Scores for as long as nobody pressed Ctrl-C.

use gradex::Tensor;
use gradex::metrics::{Error, Result, Scorer};

use crate::interrupt::Interrupt;

/// A scorer that stops between two batches.
pub struct Watched<'a, S> {
    /// Who scores.
    pub scorer: S,
    /// Whether to go on.
    pub interrupt: &'a Interrupt,
}

impl<S: Scorer> Scorer for Watched<'_, S> {
    fn scores(&self, images: &Tensor) -> Result<Vec<f64>> {
        if self.interrupt.is_pressed() { Err(Error::Stopped) } else { self.scorer.scores(images) }
    }
}
