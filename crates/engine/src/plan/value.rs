//! Tensors as a planned run holds them.

use std::mem::take;
use std::sync::{Arc, OnceLock};

use gradex_kernels::Level;
use gradex_kernels::blocked::{Buffer, Epilogue, Layout, View, Workspace, map};

use crate::error::{Error, Result};
use crate::tensor::{Tensor, tensor, values, zeros};

/// A node's output: images in blocks of channels, all else row-major.
#[derive(Debug)]
pub(crate) enum Value {
    /// Row-major.
    Plain(Tensor),
    /// In blocks; row-major too from the first time that somebody asks.
    Image(Image, OnceLock<Tensor>),
}

/// What is read of a value.
pub(super) enum Form<'a> {
    /// Row-major.
    Rows(&'a Tensor),
    /// In blocks.
    Blocks(View<'a>),
}

impl Value {
    pub(crate) fn image(image: Image) -> Self {
        Self::Image(image, OnceLock::new())
    }

    /// A tensor, in blocks where it has a layout.
    pub(crate) fn give(tensor: &Tensor, layout: Option<Layout>, home: &Arc<Workspace>) -> Result<Self> {
        Ok(match layout {
            Some(layout) => Self::image(Image::pack(tensor, layout, home)?),
            None => Self::Plain(tensor.as_standard_layout().into_owned()),
        })
    }

    /// A batch in blocks, of which `one` makes each image.
    pub(crate) fn join(
        layout: Layout,
        home: &Arc<Workspace>,
        one: &mut dyn FnMut(usize) -> Result<Arc<Self>>,
    ) -> Result<Self> {
        let (single, level) = (Layout { batch: 1, ..layout }, Level::current()?);
        let mut joined = Image { layout, values: home.take(layout.len()), home: Arc::clone(home) };
        for (image, place) in joined.values.chunks_exact_mut(single.len()).enumerate() {
            map(level, one(image)?.view()?, &Epilogue::default(), single, place)?;
        }
        Ok(Self::image(joined))
    }

    /// Row-major values.
    pub(crate) fn tensor(&self) -> Result<&Tensor> {
        match self {
            Self::Plain(tensor) => Ok(tensor),
            Self::Image(image, whole) => match whole.get() {
                Some(tensor) => Ok(tensor),
                None => {
                    let tensor = image.unpack()?;
                    Ok(whole.get_or_init(|| tensor))
                }
            },
        }
    }

    /// As it is held.
    pub(super) fn form(&self) -> Form<'_> {
        match self {
            Self::Plain(tensor) => Form::Rows(tensor),
            Self::Image(image, _) => Form::Blocks(image.view()),
        }
    }

    /// The image in its blocks.
    pub(crate) fn view(&self) -> Result<View<'_>> {
        match self {
            Self::Image(image, _) => Ok(image.view()),
            Self::Plain(tensor) => Err(Error::shape("a planned layer", "an image in blocks", tensor.shape())),
        }
    }
}

/// An image in blocks, whose memory goes back to where it came from.
#[derive(Debug)]
pub(crate) struct Image {
    layout: Layout,
    values: Buffer,
    home: Arc<Workspace>,
}

impl Image {
    /// An image that `fill` writes, zeros in the halo included.
    pub(crate) fn new(
        layout: Layout,
        home: &Arc<Workspace>,
        fill: impl FnOnce(&mut [f32]) -> gradex_kernels::Result<()>,
    ) -> Result<Self> {
        let mut image = Self { layout, values: home.take(layout.len()), home: Arc::clone(home) };
        fill(&mut image.values)?;
        Ok(image)
    }

    /// The image of a tensor `[n, c, h, w]`.
    pub(crate) fn pack(image: &Tensor, layout: Layout, home: &Arc<Workspace>) -> Result<Self> {
        Self::new(layout, home, |packed| layout.pack(&values(image), packed))
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { layout: self.layout, values: &self.values }
    }

    /// Changes the values, but not the halo.
    pub(crate) fn change(
        &mut self,
        change: impl FnOnce(Layout, &mut [f32]) -> gradex_kernels::Result<()>,
    ) -> Result<()> {
        Ok(change(self.layout, &mut self.values)?)
    }

    fn unpack(&self) -> Result<Tensor> {
        let Layout { batch, channels, size: [height, width], .. } = self.layout;
        let shape = [batch, channels, height, width];
        let mut image = zeros(&shape);
        self.layout.unpack(&self.values, &mut image)?;
        tensor(&shape, image)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.home.give(take(&mut self.values));
    }
}
