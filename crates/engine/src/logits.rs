//! Many images of which only the logits count: each goes through the network by itself, as many at a time as there are threads.
//!
//! A thread that keeps to its image finds more of it in its caches than threads that share every layer of a batch, and what is
//! alive at once does not grow with the batch.

use gradex_kernels::{for_each, threads};
use ndarray::{Array2, Axis, Slice};

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
        let shapes = self.graph().shapes(&[&[1], &images.shape()[1..]].concat())?;
        let wanted = self.graph().ids().map(|id| id == self.graph().logits()).collect();
        self.plan(&shapes, vec![NodeId::INPUT], wanted)?;
        let (count, classes) = (images.shape()[0], shapes[self.graph().logits().0].iter().product::<usize>());
        let share = count.div_ceil(side_by_side(count).max(1)).max(1);
        let mut logits = vec![0.0; count * classes];
        let mut found: Vec<Result<()>> = (0..count.div_ceil(share)).map(|_| Ok(())).collect();
        let lanes = logits.chunks_mut((share * classes).max(1)).zip(&mut found).enumerate();
        for_each(lanes.collect(), |(lane, (logits, found))| {
            let rows = logits.chunks_exact_mut(classes.max(1));
            *found = (lane * share..).zip(rows).try_for_each(|(image, row)| self.one_of(images, image, row));
        });
        found.into_iter().collect::<Result<()>>()?;
        let shape = || Error::shape("a forward pass", "at least one image", images.shape());
        Array2::from_shape_vec((count, classes), logits).map_err(|_| shape())
    }

    fn one_of(&self, images: &Tensor, image: usize, row: &mut [f32]) -> Result<()> {
        let one = images.slice_axis(Axis(0), Slice::from(image..image + 1)).to_owned();
        let tape = self.forward(&one, &Retain::logits())?;
        row.iter_mut().zip(tape.image_logits(0)?).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}
