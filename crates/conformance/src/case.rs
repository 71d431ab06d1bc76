//! A layer with inputs that rules are tried on.

use crate::shares::Shares;
use gradex_engine::{Layer, Op, Params, Result, Tensor};
use gradex_models::uniform;

use crate::jacobian::{Jacobian, flat};
use crate::replica::{self, Dense, Expected};
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

    /// What a formula of shares says, by the dense matrix; none where the layer is not affine.
    #[must_use]
    pub fn shares(&self, formula: &Shares, upstream: &[f64]) -> Option<Expected> {
        let Scene { op, params, inputs, output, .. } = &self.scene;
        op.affine()?;
        let Jacobian { matrix, bias, .. } = self.jacobian.as_ref()?;
        let layer = Dense {
            matrix,
            bias: params.bias.is_some().then_some(bias),
            inputs: &flat(inputs),
            channels: &inputs.iter().flat_map(|input| replica::channels(input.shape())).collect::<Vec<_>>(),
            outputs: &flat([output]),
            is_implicit: op.parameters().is_empty(),
        };
        Some(replica::evaluate(formula, &layer, upstream))
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
        let weight = weight.as_ref().is_none_or(|weight| positive(&weight.tensor()));
        weight && self.scene.inputs.iter().all(positive) && bias.iter().flatten().all(|b| *b == 0.0)
    }
}

/// Reproducible values in `[-1, 1)`; each name is a stream of its own.
pub(crate) fn noise(name: &str, shape: &[usize]) -> Tensor {
    let mut values = uniform(3, name);
    Tensor::from_shape_simple_fn(shape, || values.next().unwrap_or_default())
}
