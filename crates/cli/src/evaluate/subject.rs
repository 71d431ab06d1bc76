//! One picture that is evaluated, and what is shared by all maps of it.

use std::cell::OnceCell;

use gradex::metrics::{Falls, Infidelity, Probability, Result, Scorer, montage};
use gradex::{Network, Tensor};
use ndarray::{Array2, ArrayView3, Axis, Ix3};

use super::record::Key;
use super::watched::Watched;
use crate::interrupt::Interrupt;

/// A picture, and the class that is asked about.
pub struct Subject<'a> {
    /// What its results are filed under.
    pub key: Key,
    /// The network's input, `[1, c, h, w]`.
    pub input: &'a Tensor,
    /// The most probable class.
    pub class: usize,
    /// The second.
    pub runner_up: usize,
    /// Where the object is, `[h, w]`.
    pub mask: Option<Array2<bool>>,
    /// Grids: their side, the images row by row, and which of them is this one.
    pub grids: Vec<(usize, Tensor, usize)>,
    falls: OnceCell<Falls>,
}

impl<'a> Subject<'a> {
    /// Without mask and grids.
    pub fn new(key: Key, input: &'a Tensor, class: usize, runner_up: usize) -> Self {
        Self { key, input, class, runner_up, mask: None, grids: Vec::new(), falls: OnceCell::new() }
    }

    /// The image, `[c, h, w]`.
    pub fn image(&self) -> Result<ArrayView3<'_, f32>> {
        image(self.input)
    }

    /// The probability of its class, for whatever images.
    pub fn scorer<'n>(&self, network: &'n Network, interrupt: &'n Interrupt) -> impl Scorer + use<'n> {
        Watched { scorer: Probability { network, class: self.class }, interrupt }
    }

    /// How far hidden squares lower the probability; measured once.
    pub fn falls(&self, scorer: &impl Scorer, infidelity: &Infidelity) -> Result<&Falls> {
        if let Some(falls) = self.falls.get() {
            return Ok(falls);
        }
        let falls = infidelity.falls(scorer, self.image()?)?;
        Ok(self.falls.get_or_init(|| falls))
    }

    /// Adds a grid of this picture at `cell` and the inputs `others` around it.
    pub fn add_grid(&mut self, side: usize, cell: usize, others: &[Tensor]) -> Result<()> {
        let mut images: Vec<ArrayView3<'_, f32>> = others.iter().map(image).collect::<Result<_>>()?;
        images.insert(cell, image(self.input)?);
        let grid = montage(&images, side)?.insert_axis(Axis(0)).into_dyn();
        self.grids.push((side, grid, cell));
        Ok(())
    }
}

fn image(input: &Tensor) -> Result<ArrayView3<'_, f32>> {
    let shape = || gradex::saliency::Error::NotAnImage { point: "input".to_owned(), shape: input.shape().to_vec() };
    Ok(input.index_axis(Axis(0), 0).into_dimensionality::<Ix3>().map_err(|_| shape())?)
}
