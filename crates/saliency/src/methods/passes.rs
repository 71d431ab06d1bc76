//! Many changed copies of one image, a batch at a time.

use std::ops::Range;

use gradex_engine::{NodeId, Tensor};
use ndarray::{Array4, ArrayView3, ArrayViewMut3, Axis, Ix4};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::run::{Progress, Run};

/// Images sent through the network together unless another number is asked for.
pub const DEFAULT_BATCH: usize = 8;

/// Passes over changed copies of one image. What comes of them does not depend on the batch.
#[derive(Clone, Copy)]
pub(crate) struct Passes<'a> {
    run: &'a Run<'a>,
    method: &'static str,
    image: usize,
    count: usize,
    batch: usize,
}

impl<'a> Passes<'a> {
    /// `count` copies of image number `image`, at most `batch` together.
    pub(crate) fn new(
        run: &'a Run<'_>,
        method: &'static str,
        image: usize,
        count: usize,
        batch: usize,
    ) -> Result<Self> {
        for (number, what) in [(count, "samples"), (batch, "images in a batch")] {
            if number == 0 {
                return Err(Error::Inapplicable { method, why: format!("0 {what}: ask for at least 1") });
            }
        }
        Ok(Self { run, method, image, count, batch })
    }

    /// The image.
    pub(crate) fn original(&self) -> Result<ArrayView3<'a, f32>> {
        let images = self.run.activation(NodeId::INPUT)?;
        let error = Error::NoSuchImage { image: self.image, images: images.dim().0 };
        if self.image < images.dim().0 { Ok(images.index_axis_move(Axis(0), self.image)) } else { Err(error) }
    }

    /// Copies of the image, each changed by `change(number, copy)`.
    fn copies(
        &self,
        samples: Range<usize>,
        mut change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
    ) -> Result<Tensor> {
        let original = self.original()?;
        let (channels, height, width) = original.dim();
        let mut copies = Array4::zeros((samples.len(), channels, height, width));
        for (sample, mut copy) in samples.zip(copies.outer_iter_mut()) {
            copy.assign(&original);
            change(sample, copy)?;
        }
        Ok(copies.into_dyn())
    }

    /// `pass(samples)` for each batch; the watcher is told of the map that it gives.
    fn each(&self, mut pass: impl FnMut(Range<usize>) -> Result<Option<CoarseMap>>) -> Result<()> {
        for first in (0..self.count).step_by(self.batch) {
            let count = self.batch.min(self.count - first);
            let early = pass(first..first + count)?;
            self.run.progress(&Progress {
                method: self.method,
                done: self.image * self.count + first + count,
                total: self.run.targets().len() * self.count,
                early: early.as_ref(),
            })?;
        }
        Ok(())
    }

    /// The gradient at every copy, the `k`-th changed by `change(k, copy)`: `take(gradient [c, h, w])` in their order.
    pub(crate) fn gradients(
        &self,
        mut change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
        mut take: impl FnMut(ArrayView3<'_, f32>),
    ) -> Result<()> {
        self.each(|samples| {
            let copies = self.copies(samples, &mut change)?;
            let (_, gradients) = self.run.input_gradients(self.image, &copies)?;
            let error = |_| Error::NotAnImage { point: "input".to_owned(), shape: copies.shape().to_vec() };
            let gradients = gradients.view().into_dimensionality::<Ix4>().map_err(error)?;
            gradients.outer_iter().for_each(&mut take);
            Ok(None)
        })
    }

    /// The score of every copy, the `k`-th changed by `change(k, copy)`, for which `way` alone decides: `take(first k,
    /// scores)` gives the map as far as it is known, and the last is returned.
    pub(crate) fn scores<K: PartialEq + Clone + 'static>(
        &self,
        way: &K,
        mut change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
        mut take: impl FnMut(usize, &[f32]) -> Result<CoarseMap>,
    ) -> Result<CoarseMap> {
        let mut map = None;
        self.each(|samples| {
            let first = samples.start;
            let send = || self.run.logits(&self.copies(samples, &mut change)?);
            map = Some(take(first, &self.run.shared_scores(way, self.image, first, send)?)?);
            Ok(map.clone())
        })?;
        map.ok_or_else(|| self.refuse("there is nothing to send".to_owned()))
    }

    /// Checks that what changes the image has the image's shape.
    pub(crate) fn check(&self, what: &str, change: ArrayView3<'_, f32>) -> Result<()> {
        let original = self.original()?;
        if change.dim() == original.dim() {
            return Ok(());
        }
        let (actual, expected) = (change.shape(), original.shape());
        Err(self.refuse(format!("the {what} has shape {actual:?}, the image {expected:?}: give one of its shape")))
    }

    fn refuse(&self, why: String) -> Error {
        Error::Inapplicable { method: self.method, why }
    }
}
