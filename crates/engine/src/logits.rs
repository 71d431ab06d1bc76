//! Many images of which only the logits count: each thread sends its share of them through the network.
//!
//! A thread that keeps to its images finds more of them in its caches than threads that share every layer. Up to the
//! [waist](crate::Graph::waist) it sends one after the other, since all of them together would not fit there; from there on all at once,
//! since then it is the weights that would not.

use std::sync::Arc;

use gradex_kernels::{for_each, threads, together};
use ndarray::{Array2, ArrayViewD, Axis};

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::network::{Network, expect_finite};
use crate::plan::{IS_SOUGHT, Plan};
use crate::tape::Retain;
use crate::tensor::{Tensor, is_finite, of_batch};

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
        let shape = of_batch(images.shape(), share);
        let waist = self.graph().waist(&shape, self.choice())?;
        // Whoever comes first packs the weights, and none beside it.
        match waist {
            Some(waist) => drop(self.halves(&shape, waist)?),
            None => drop(self.forward_plan(&self.graph().shapes(&shape)?, &Retain::logits())?),
        }
        let mut logits = Array2::zeros((count, classes));
        let mut found: Vec<Result<()>> = (0..count.div_ceil(share)).map(|_| Ok(())).collect();
        let shares = images.axis_chunks_iter(Axis(0), share).zip(logits.axis_chunks_iter_mut(Axis(0), share));
        for_each(shares.zip(&mut found).collect(), |((images, mut logits), found)| {
            *found = together(|| self.share(images, waist)).map(|found| {
                logits.iter_mut().zip(&found).for_each(|(to, from)| *to = *from);
            });
        });
        found.into_iter().collect::<Result<()>>()?;
        Ok(logits)
    }

    /// The logits of images that one thread has to itself.
    fn share(&self, images: ArrayViewD<'_, f32>, waist: Option<NodeId>) -> Result<Tensor> {
        // A constant: a program for a page is compiled without the rest.
        if let Some(waist) = waist.filter(|_| IS_SOUGHT)
            && let Some(logits) = self.in_turn(images.view(), waist)?
        {
            return Ok(logits);
        }
        self.forward(&images.to_owned(), &Retain::logits())?.logits().cloned()
    }

    /// The logits of images that go one after the other up to the waist; none where what follows reads it in rows, or where they are
    /// not finite: [`Network::forward`] tells where that begins.
    pub(crate) fn in_turn(&self, images: ArrayViewD<'_, f32>, waist: NodeId) -> Result<Option<Tensor>> {
        let [before, after] = self.halves(images.shape(), waist)?;
        let joined = after.join(self, waist, &mut |image| {
            let image = images.slice_axis(Axis(0), (image..image + 1).into()).to_owned();
            expect_finite(&image)?;
            before.of_images(self, &image, waist)
        })?;
        let Some(joined) = joined else { return Ok(None) };
        let logits = after.of_given(self, None, vec![(waist, joined)], self.graph().logits())?;
        let logits = logits.tensor()?;
        Ok(is_finite(logits.view()).then(|| logits.clone()))
    }

    /// The plans of one of such images up to the waist, and of all from there on.
    fn halves(&self, images: &[usize], waist: NodeId) -> Result<[Arc<Plan>; 2]> {
        let (graph, one) = (self.graph(), of_batch(images, 1));
        let only = |asked: NodeId| graph.ids().map(|id| id == asked).collect();
        Ok([
            self.plan(&graph.shapes(&one)?, vec![NodeId::INPUT], only(waist))?,
            self.plan(&graph.shapes(images)?, vec![waist], only(graph.logits()))?,
        ])
    }
}
