//! Many changed copies of one image, a batch at a time.

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

    /// For each batch: copies of the image, the `k`-th changed by `change(k, copy)`, go to `send(first k, copies)`, and
    /// the watcher is told.
    fn each(
        &self,
        mut change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
        mut send: impl FnMut(usize, &Tensor) -> Result<Option<CoarseMap>>,
    ) -> Result<()> {
        let original = self.original()?;
        let (channels, height, width) = original.dim();
        for first in (0..self.count).step_by(self.batch) {
            let count = self.batch.min(self.count - first);
            let mut copies = Array4::zeros((count, channels, height, width));
            for (sample, mut copy) in (first..).zip(copies.outer_iter_mut()) {
                copy.assign(&original);
                change(sample, copy)?;
            }
            let early = send(first, &copies.into_dyn())?;
            self.run.progress(&Progress {
                method: self.method,
                done: self.image * self.count + first + count,
                total: self.run.targets().len() * self.count,
                early: early.as_ref(),
            })?;
        }
        Ok(())
    }

    /// [`Passes::each`] for the gradient at every copy, `take(gradient [c, h, w])`, in the order of samples.
    pub(crate) fn gradients(
        &self,
        change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
        mut take: impl FnMut(ArrayView3<'_, f32>),
    ) -> Result<()> {
        self.each(change, |_, copies| {
            let (_, gradients) = self.run.input_gradients(self.image, copies)?;
            let error = |_| Error::NotAnImage { point: "input".to_owned(), shape: copies.shape().to_vec() };
            let gradients = gradients.view().into_dimensionality::<Ix4>().map_err(error)?;
            gradients.outer_iter().for_each(&mut take);
            Ok(None)
        })
    }

    /// [`Passes::each`] for the score of every copy: `take(first k, scores)` gives the map as far as it is known, and the
    /// last is returned.
    pub(crate) fn scores(
        &self,
        change: impl FnMut(usize, ArrayViewMut3<'_, f32>) -> Result<()>,
        mut take: impl FnMut(usize, &[f32]) -> Result<CoarseMap>,
    ) -> Result<CoarseMap> {
        let mut map = None;
        self.each(change, |first, copies| {
            let scores = self.run.scores(self.image, &self.run.logits(copies)?)?;
            map = Some(take(first, &scores)?);
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
