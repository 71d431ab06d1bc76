//! Parameters by name: a graph asks for each with its shape, and everything must fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::layer::{Layer, Params};
use crate::names::nearest;
use crate::network::Network;
use crate::op::Op;
use crate::tensor::Tensor;
use crate::weight::Weight;

/// A tensor that an architecture takes from a state dict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The state dict's name: `layer1.0.conv1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Whether a state dict's entry only counts training steps (`num_batches_tracked`): no architecture asks for it.
#[must_use]
pub fn is_bookkeeping(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

impl Graph {
    /// Every parameter in execution order.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let of_node = |node: &crate::graph::Node| {
            let name = node.name.clone();
            node.op
                .parameters()
                .into_iter()
                .map(move |(suffix, shape)| Parameter { name: format!("{name}.{suffix}"), shape })
        };
        self.nodes().iter().flat_map(of_node).collect()
    }

    /// Checks a state dict's names and shapes against the architecture, without reading a value.
    ///
    /// # Errors
    /// [`Error::MissingParameter`], [`Error::ParameterShape`] or [`Error::UnusedParameters`], the first found.
    pub fn check_parameters<'a>(&self, given: impl Iterator<Item = (&'a str, &'a [usize])>) -> Result<()> {
        let mut unused: BTreeMap<&str, &[usize]> = given.filter(|(name, _)| !is_bookkeeping(name)).collect();
        let all: Vec<&str> = unused.keys().copied().collect();
        let parameters = self.parameters();
        for Parameter { name, shape } in &parameters {
            let Some(actual) = unused.remove(name.as_str()) else {
                let nearest = nearest(name, all.into_iter());
                return Err(Error::MissingParameter { name: name.clone(), shape: shape.clone(), nearest });
            };
            if actual != shape {
                return Err(Error::ParameterShape {
                    name: name.clone(),
                    expected: shape.clone(),
                    actual: actual.to_vec(),
                });
            }
        }
        match unused.first_key_value() {
            None => Ok(()),
            Some((name, _)) => Err(Error::UnusedParameters {
                count: unused.len(),
                name: (*name).to_owned(),
                nearest: nearest(name, parameters.iter().map(|parameter| parameter.name.as_str())),
            }),
        }
    }

    /// Joins the architecture with its parameters: tensors, or the bits of halves, which stay halves where a layer multiplies
    /// with them.
    ///
    /// # Errors
    /// As [`Graph::check_parameters`], and [`Error::NonFinite`] where a parameter holds NaN or an infinity.
    pub fn bind<W: Into<Weight>>(self, tensors: BTreeMap<String, W>) -> Result<Network> {
        let mut tensors: BTreeMap<String, Weight> =
            tensors.into_iter().map(|(name, tensor)| (name, tensor.into())).collect();
        self.check_parameters(tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape())))?;
        let mut params = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let mut own = Vec::new();
            for (suffix, shape) in node.op.parameters() {
                let name = format!("{}.{suffix}", node.name);
                let Some(tensor) = tensors.remove(&name) else {
                    return Err(Error::MissingParameter { name, shape, nearest: Vec::new() });
                };
                if !tensor.is_finite() {
                    return Err(Error::NonFinite { what: "parameter", name });
                }
                own.push(tensor);
            }
            let bound = if own.is_empty() { Params::default() } else { node.op.bind(own) };
            let is_finite = |tensor: &Tensor| tensor.iter().all(|value| value.is_finite());
            let scales = bound.weight.as_ref().is_none_or(Weight::is_finite);
            if matches!(node.op, Op::BatchNorm2d(_)) && !(scales && bound.bias.as_ref().is_none_or(is_finite)) {
                return Err(Error::NonFinite {
                    what: "scale or shift that follows from the parameters of",
                    name: node.name.clone(),
                });
            }
            params.push(Arc::new(bound));
        }
        Ok(Network::new(self, params))
    }
}
