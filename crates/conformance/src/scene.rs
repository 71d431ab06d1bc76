//! A layer in one forward pass, with all that a site borrows.

use gradex_engine::{Cache, Kept, Layer, Op, Params, Result, Site, Tensor};
use ndarray::{Axis, Slice};

/// A layer, its parameters, and one forward pass of it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The layer.
    pub op: Op,
    /// Its parameters.
    pub params: Params,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
    /// Its output.
    pub output: Tensor,
    cache: Cache,
}

impl Scene {
    /// Runs the layer.
    ///
    /// # Errors
    /// Those of the layer, where inputs or parameters do not fit it.
    pub fn new(op: Op, params: Params, inputs: Vec<Tensor>) -> Result<Self> {
        let (output, cache) = op.forward(&params, &inputs.iter().collect::<Vec<_>>())?;
        Ok(Self { op, params, inputs, output, cache })
    }

    /// The same layer with other inputs.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub fn with_inputs(&self, inputs: Vec<Tensor>) -> Result<Self> {
        Self::new(self.op.clone(), self.params.clone(), inputs)
    }

    /// The same layer and inputs without a bias.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub fn without_bias(&self) -> Result<Self> {
        Self::new(self.op.clone(), linear(&self.params), self.inputs.clone())
    }

    /// What a rule looks at.
    #[must_use]
    pub fn site(&self) -> Site<'_> {
        let inputs = self.inputs.iter().map(Kept::whole).collect();
        Site { op: &self.op, params: &self.params, inputs, output: Kept::whole(&self.output), cache: &self.cache }
    }

    /// The images of the batch; none where the layer's first axes are not one batch.
    #[must_use]
    pub fn images(&self) -> Option<usize> {
        let batch = *self.output.shape().first()?;
        self.inputs.iter().all(|input| input.shape().first() == Some(&batch)).then_some(batch)
    }

    /// The layer on one image of the batch.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub fn image(&self, index: usize) -> Result<Self> {
        self.with_inputs(self.inputs.iter().map(|input| image(input, index)).collect())
    }
}

/// Image number `index` of a batch, as a batch of one.
pub(crate) fn image(batch: &Tensor, index: usize) -> Tensor {
    batch.slice_axis(Axis(0), Slice::from(index..index + 1)).to_owned()
}

/// The parameters without the bias.
pub(crate) fn linear(params: &Params) -> Params {
    Params { bias: None, ..params.clone() }
}
