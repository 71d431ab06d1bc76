//! Many images of which only the logits count: each goes through the network by itself, as many at a time as there are threads.
//!
//! A thread that keeps to its image finds more of it in its caches than threads that share every layer of a batch, and what is
//! alive at once does not grow with the batch.

use std::ops::Range;

use gradex_kernels::{for_each, threads};
use ndarray::{Array1, Array2, Axis, Slice, stack};

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::network::Network;
use crate::tape::Retain;
use crate::tensor::Tensor;

/// How many of so many images [`Network::logits`] sends through the network side by side.
#[must_use]
pub fn side_by_side(images: usize) -> usize {
    threads().min(images)
}

impl Network {
    /// The logits `[n, classes]` of images `[n, c, h, w]`: those of [`Network::forward`], bit for bit.
    ///
    /// # Errors
    /// As [`Network::forward`], of the first image that has one.
    pub fn logits(&self, images: &Tensor) -> Result<Array2<f32>> {
        // The shape is checked for all, so that an error tells it as it was given; and one plan packs the weights for all.
        self.graph().shapes(images.shape())?;
        let one = [&[1], &images.shape()[1..]].concat();
        let wanted = self.graph().ids().map(|id| id == self.graph().logits()).collect();
        self.plan(&self.graph().shapes(&one)?, vec![NodeId::INPUT], wanted)?;
        let count = images.shape()[0];
        let share = count.div_ceil(side_by_side(count).max(1)).max(1);
        let mut found = vec![None; count.div_ceil(share)];
        let lanes = (0..count).step_by(share).map(|first| first..count.min(first + share));
        for_each(lanes.zip(&mut found).collect(), |(lane, logits)| *logits = Some(self.one_by_one(images, lane)));
        let found: Vec<_> = found.into_iter().flatten().collect::<Result<_>>()?;
        let views: Vec<_> = found.iter().flatten().map(|logits: &Array1<f32>| logits.view()).collect();
        stack(Axis(0), &views).map_err(|_| Error::shape("a forward pass", "at least one image", images.shape()))
    }

    fn one_by_one(&self, images: &Tensor, lane: Range<usize>) -> Result<Vec<Array1<f32>>> {
        let one = |image| images.slice_axis(Axis(0), Slice::from(image..image + 1)).to_owned();
        lane.map(|image| Ok(self.forward(&one(image), &Retain::logits())?.image_logits(0)?.to_owned())).collect()
    }
}
