//! Many images of which only the logits count: each thread sends its share of them through the network.
//!
//! A thread that keeps to its images finds more of them in its caches than threads that share every layer.

use gradex_kernels::{for_each, threads};
use ndarray::{Array2, Axis};

use crate::error::{Error, Result};
use crate::network::Network;
use crate::tape::Retain;
use crate::tensor::Tensor;

impl Network {
    /// The logits `[n, classes]` of images `[n, c, h, w]`: those of [`Network::forward`], bit for bit.
    ///
    /// # Errors
    /// As [`Network::forward`], of the first images that have one.
    pub fn logits(&self, images: &Tensor) -> Result<Array2<f32>> {
        // The shape is checked for all, so that an error tells it as it was given.
        let shapes = self.graph().shapes(images.shape())?;
        let [count, classes] = shapes[self.graph().logits().0][..] else {
            return Err(Error::shape("a classifier", "logits [n, classes]", &shapes[self.graph().logits().0]));
        };
        let share = count.div_ceil(threads());
        // Whoever comes first packs the weights, and none beside it.
        self.forward_plan(&self.graph().shapes(&[&[share], &images.shape()[1..]].concat())?, &Retain::logits())?;
        let mut logits = Array2::zeros((count, classes));
        let mut found: Vec<Result<()>> = (0..count.div_ceil(share)).map(|_| Ok(())).collect();
        let shares = images.axis_chunks_iter(Axis(0), share).zip(logits.axis_chunks_iter_mut(Axis(0), share));
        for_each(shares.zip(&mut found).collect(), |((images, mut logits), found)| {
            *found = self.forward(&images.to_owned(), &Retain::logits()).and_then(|tape| {
                logits.iter_mut().zip(tape.logits()?).for_each(|(to, from)| *to = *from);
                Ok(())
            });
        });
        found.into_iter().collect::<Result<()>>()?;
        Ok(logits)
    }
}
