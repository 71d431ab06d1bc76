//! A layer with inputs that rules are tried on.

use gradex_engine::{Layer, Op, Params, Result, Tensor};
use gradex_models::uniform;

use crate::jacobian::{Jacobian, flat};
use crate::scene::Scene;

/// A layer in one forward pass, and its Jacobian there.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is special about it: `stride 2, signed`.
    pub name: String,
    /// The layer in its forward pass.
    pub scene: Scene,
    /// The Jacobian; none where the layer has a kink at its inputs.
    pub jacobian: Option<Jacobian>,
}

impl Case {
    /// Runs the layer and takes its Jacobian: for small layers, of some hundred inputs.
    ///
    /// # Errors
    /// Those of the layer, where inputs or parameters do not fit it.
    pub fn new(name: impl Into<String>, op: impl Into<Op>, params: Params, inputs: Vec<Tensor>) -> Result<Self> {
        let scene = Scene::new(op.into(), params, inputs)?;
        let jacobian = Jacobian::of(&scene)?;
        Ok(Self { name: name.into(), scene, jacobian })
    }

    /// The layer's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.scene.op.kind()
    }

    /// The inputs' values, one input after the other.
    #[must_use]
    pub fn inputs(&self) -> Vec<f64> {
        flat(&self.scene.inputs)
    }

    /// Whether no input is negative.
    #[must_use]
    pub fn is_non_negative(&self) -> bool {
        self.scene.inputs.iter().flatten().all(|x| *x >= 0.0)
    }

    /// Whether all inputs and weights are greater than zero and there is no bias: nothing lowers an output, and every
    /// output is made of inputs alone.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        let Params { weight, bias } = &self.scene.params;
        let positive = |tensor: &Tensor| tensor.iter().all(|value| *value > 0.0);
        self.scene.inputs.iter().chain(weight).all(positive) && bias.iter().flatten().all(|b| *b == 0.0)
    }
}

/// Reproducible values in `[-1, 1)`; each name is a stream of its own.
pub(crate) fn noise(name: &str, shape: &[usize]) -> Tensor {
    let mut values = uniform(3, name);
    Tensor::from_shape_simple_fn(shape, || values.next().unwrap_or_default())
}
