//! What every layer does, and what it is given.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::op::Op;
use crate::plan::Value;
use crate::tensor::Tensor;
use crate::weight::Weight;

/// A layer: its geometry. Its parameters come beside it, so that a rule can run it with others.
pub trait Layer {
    /// The layer's kind as error messages and listings show it.
    fn kind(&self) -> &'static str;

    /// The names (below the node's) and shapes of the tensors that the layer takes from a state dict.
    fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        Vec::new()
    }

    /// Makes the layer's parameters of those tensors, in the order of [`Layer::parameters`].
    fn bind(&self, tensors: Vec<Weight>) -> Params {
        let mut tensors = tensors.into_iter();
        Params { weight: tensors.next(), bias: tensors.next().map(Weight::into_tensor) }
    }

    /// The output's shape for inputs of these shapes.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Inputs`] where the layer cannot take them.
    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>>;

    /// The output, and what the backward pass cannot get from inputs and output.
    ///
    /// # Errors
    /// As [`Layer::output_shape`], and [`Error::NoParameter`].
    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)>;

    /// The gradient at each input, for `upstream` the gradient at the output.
    ///
    /// # Errors
    /// [`Error::Shape`] where `upstream` has not the output's shape, [`Error::NotRetained`] where the site lacks what
    /// the layer needs.
    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>>;
}

/// A layer `Σ_k A_k x_k + b` of its inputs `x_k`: with other parameters, the two primitives of every relevance rule.
pub trait Affine {
    /// `Σ_k A_k x_k + b`.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Inputs`] where the layer cannot take `inputs`.
    fn apply(&self, params: &Params, inputs: &[&Tensor]) -> Result<Tensor>;

    /// `A_kᵀ upstream` for each input `k`; `inputs` are their shapes.
    ///
    /// # Errors
    /// [`Error::Shape`] where `upstream` has not the shape of the output for such inputs.
    fn transpose(&self, params: &Params, upstream: &Tensor, inputs: &[&[usize]]) -> Result<Vec<Tensor>>;
}

/// A layer's parameters. A batch norm's are its scale and shift.
#[derive(Debug, Clone, Default)]
pub struct Params {
    /// The matrix of the affine map.
    pub weight: Option<Weight>,
    /// What is added to each output channel.
    pub bias: Option<Tensor>,
}

impl Params {
    /// Their names and shapes; empty for what is not there.
    pub(crate) fn shapes(&self) -> [(&'static str, &[usize]); 2] {
        let weight = self.weight.as_ref().map_or(&[][..], Weight::shape);
        [("weight", weight), ("bias", self.bias.as_ref().map_or(&[][..], |bias| bias.shape()))]
    }

    pub(crate) fn weight(&self, op: &'static str) -> Result<Arc<Tensor>> {
        self.weight.as_ref().map(Weight::tensor).ok_or(Error::NoParameter { op, parameter: "weight" })
    }
}

/// What a forward pass keeps for the backward pass besides inputs and output.
#[derive(Debug, Clone, Default)]
pub enum Cache {
    /// Nothing.
    #[default]
    Nothing,
    /// Max-pool: the row-major position, in its input plane, of each output's maximum.
    Positions(Vec<u32>),
}

/// A tensor of the forward pass: its shape, and its values if they were kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The tensor's shape.
    pub shape: &'a [usize],
    values: Values<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Nowhere,
    Here(&'a Tensor),
    /// On a tape, perhaps in another layout.
    Taped(&'a Value),
}

impl<'a> Kept<'a> {
    /// A tensor with its values.
    #[must_use]
    pub fn whole(tensor: &'a Tensor) -> Self {
        Self { shape: tensor.shape(), values: Values::Here(tensor) }
    }

    pub(crate) fn new(shape: &'a [usize], value: Option<&'a Value>) -> Self {
        Self { shape, values: value.map_or(Values::Nowhere, Values::Taped) }
    }

    /// The values; `what` names the tensor in the error.
    ///
    /// # Errors
    /// [`Error::NotRetained`] where the tape did not keep them.
    pub fn tensor(&self, what: &'static str) -> Result<&'a Tensor> {
        match self.values {
            Values::Nowhere => Err(Error::NotRetained(what)),
            Values::Here(tensor) => Ok(tensor),
            Values::Taped(value) => value.tensor(),
        }
    }
}

/// One layer in one forward pass: all that a backward rule may look at.
#[derive(Debug, Clone)]
pub struct Site<'a> {
    /// The layer.
    pub op: &'a Op,
    /// Its parameters.
    pub params: &'a Params,
    /// Its inputs.
    pub inputs: Vec<Kept<'a>>,
    /// Its output.
    pub output: Kept<'a>,
    /// What its forward pass kept besides.
    pub cache: &'a Cache,
}

impl<'a> Site<'a> {
    /// The shape of the layer's only input.
    ///
    /// # Errors
    /// [`Error::Inputs`] where it has another number of them.
    pub fn input_shape(&self) -> Result<&'a [usize]> {
        Ok(crate::tensor::only(self.op.kind(), &self.inputs)?.shape)
    }

    /// The shapes of all inputs.
    #[must_use]
    pub fn input_shapes(&self) -> Vec<&'a [usize]> {
        self.inputs.iter().map(|input| input.shape).collect()
    }

    /// The values of all inputs.
    ///
    /// # Errors
    /// [`Error::NotRetained`] where the tape did not keep one.
    pub fn input_tensors(&self) -> Result<Vec<&'a Tensor>> {
        self.inputs.iter().map(|input| input.tensor("input of this node")).collect()
    }

    /// What an affine layer's backward sends: the transpose of `upstream` to each input.
    pub(crate) fn transposed(&self, layer: &impl Affine, upstream: &Tensor) -> Result<Vec<Tensor>> {
        self.check_upstream(upstream)?;
        layer.transpose(self.params, upstream, &self.input_shapes())
    }

    /// Checks that `upstream` has the output's shape.
    ///
    /// # Errors
    /// [`Error::Shape`] where it has not.
    pub fn check_upstream(&self, upstream: &Tensor) -> Result<()> {
        if upstream.shape() == self.output.shape {
            return Ok(());
        }
        let expected = format!("an upstream of its output's shape {:?}", self.output.shape);
        Err(Error::shape(self.op.kind(), expected, upstream.shape()))
    }
}
