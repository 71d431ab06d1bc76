//! Many passes in batches, with progress.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::run::{Progress, Run};

/// The passes of one method over all images of a run.
pub(super) struct Batches<'r> {
    run: &'r Run<'r>,
    method: &'static str,
    size: usize,
    done: usize,
    total: usize,
}

impl<'r> Batches<'r> {
    /// For `total` passes, `size` at a time.
    ///
    /// # Errors
    /// [`Error::Inapplicable`] for a size of zero.
    pub(super) fn new(run: &'r Run<'r>, method: &'static str, size: usize, total: usize) -> Result<Self> {
        if size == 0 {
            return Err(Error::Inapplicable { method, why: "a batch must have one image or more".to_owned() });
        }
        Ok(Self { run, method, size, done: 0, total })
    }

    /// The scores of passes `0..count`: `scores` gives those of a range.
    ///
    /// # Errors
    /// Those of `scores`, and [`Error::Stopped`].
    pub(super) fn scores(
        &mut self,
        count: usize,
        scores: impl Fn(Range<usize>) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        let mut all = Vec::with_capacity(count);
        for start in (0..count).step_by(self.size) {
            let range = start..count.min(start + self.size);
            self.done += range.len();
            all.extend(scores(range)?);
            let Self { method, done, total, .. } = *self;
            self.run.progress(&Progress { method, done, total, early: None })?;
        }
        Ok(all)
    }
}
