//! Many images of which only the logits count: each goes through the network by itself, as many at a time as there are threads.
//!
//! A thread that keeps to its image finds more of it in its caches than threads that share every layer of a batch.

use gradex_kernels::for_each;
use ndarray::{Axis, concatenate};

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::network::Network;
use crate::tape::Retain;
use crate::tensor::Tensor;

impl Network {
    /// The logits `[n, classes]` of images `[n, c, h, w]`: those of [`Network::forward`], bit for bit.
    ///
    /// # Errors
    /// As [`Network::forward`], of the first image that has one.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        // The shape is checked for all, so that an error tells it as it was given; and one plan packs the weights for all.
        self.graph().shapes(images.shape())?;
        let one = [&[1], &images.shape()[1..]].concat();
        let wanted = self.graph().ids().map(|id| id == self.graph().logits()).collect();
        self.plan(&self.graph().shapes(&one)?, vec![NodeId::INPUT], wanted)?;
        let mut found: Vec<Option<Result<Tensor>>> = vec![None; images.shape()[0]];
        let jobs: Vec<_> = images.axis_chunks_iter(Axis(0), 1).zip(&mut found).collect();
        for_each(jobs, |(image, logits)| {
            let tape = self.forward(&image.to_owned(), &Retain::logits());
            *logits = Some(tape.and_then(|tape| Ok(tape.logits()?.clone())));
        });
        let found: Vec<Tensor> = found.into_iter().flatten().collect::<Result<_>>()?;
        let views: Vec<_> = found.iter().map(|logits| logits.view()).collect();
        concatenate(Axis(0), &views).map_err(|_| Error::shape("a forward pass", "at least one image", images.shape()))
    }
}
