//! The closed set of layers.

use crate::error::Result;
use crate::layer::{Affine, Cache, Layer, Params, Site};
use crate::layers::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, Input, Linear, MaxPool2d, Relu,
    Relu6, Softmax,
};
use crate::tensor::Tensor;
use crate::weight::Weight;

/// A layer of a network. The set is closed: matches over it are exhaustive, so that a new layer names every place that
/// must decide about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The network's input.
    Input(Input),
    /// Convolution.
    Conv2d(Conv2d),
    /// Fully connected.
    Linear(Linear),
    /// Batch norm with fixed statistics.
    BatchNorm2d(BatchNorm2d),
    /// `max(x, 0)`.
    Relu(Relu),
    /// `min(max(x, 0), 6)`.
    Relu6(Relu6),
    /// Maximum over windows.
    MaxPool2d(MaxPool2d),
    /// Mean over windows.
    AvgPool2d(AvgPool2d),
    /// Mean over windows that tile the input to a fixed output size.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// Sum of several tensors.
    Add(Add),
    /// Several tensors, one after the other along an axis.
    Concat(Concat),
    /// All but the first axis made one.
    Flatten(Flatten),
    /// The identity (dropout acts in training only).
    Dropout(Dropout),
    /// Normalised exponentials over the last axis.
    Softmax(Softmax),
}

impl Op {
    fn layer(&self) -> &dyn Layer {
        match self {
            Self::Input(layer) => layer,
            Self::Conv2d(layer) => layer,
            Self::Linear(layer) => layer,
            Self::BatchNorm2d(layer) => layer,
            Self::Relu(layer) => layer,
            Self::Relu6(layer) => layer,
            Self::MaxPool2d(layer) => layer,
            Self::AvgPool2d(layer) => layer,
            Self::AdaptiveAvgPool2d(layer) => layer,
            Self::Add(layer) => layer,
            Self::Concat(layer) => layer,
            Self::Flatten(layer) => layer,
            Self::Dropout(layer) => layer,
            Self::Softmax(layer) => layer,
        }
    }

    /// The layer as an affine map of its inputs, where it is one.
    #[must_use]
    pub fn affine(&self) -> Option<&dyn Affine> {
        match self {
            Self::Conv2d(layer) => Some(layer),
            Self::Linear(layer) => Some(layer),
            Self::BatchNorm2d(layer) => Some(layer),
            Self::AvgPool2d(layer) => Some(layer),
            Self::AdaptiveAvgPool2d(layer) => Some(layer),
            Self::Add(layer) => Some(layer),
            Self::Concat(layer) => Some(layer),
            Self::Flatten(layer) => Some(layer),
            Self::Dropout(layer) => Some(layer),
            Self::Input(_) | Self::Relu(_) | Self::Relu6(_) | Self::MaxPool2d(_) | Self::Softmax(_) => None,
        }
    }

    /// Whether the layer is a rectifier: the kind of activation that class activation maps are taken after.
    #[must_use]
    pub fn is_activation(&self) -> bool {
        matches!(self, Self::Relu(_) | Self::Relu6(_))
    }

    /// Whether the output has no negative value, given whether each input has none.
    #[must_use]
    pub fn is_non_negative(&self, inputs: &[bool]) -> bool {
        match self {
            Self::Relu(_) | Self::Relu6(_) | Self::Softmax(_) => true,
            Self::Input(_) | Self::Conv2d(_) | Self::Linear(_) | Self::BatchNorm2d(_) => false,
            Self::MaxPool2d(_)
            | Self::AvgPool2d(_)
            | Self::AdaptiveAvgPool2d(_)
            | Self::Add(_)
            | Self::Concat(_)
            | Self::Flatten(_)
            | Self::Dropout(_) => inputs.iter().all(|input| *input),
        }
    }

    /// Input pixels a step of the output, `[rows, columns]`; `None` where that depends on the input or has no meaning.
    #[must_use]
    pub fn stride(&self) -> Option<[usize; 2]> {
        match self {
            Self::Conv2d(layer) => Some(layer.stride),
            Self::MaxPool2d(layer) => Some(layer.stride),
            Self::AvgPool2d(layer) => Some(layer.stride),
            Self::Input(_)
            | Self::BatchNorm2d(_)
            | Self::Relu(_)
            | Self::Relu6(_)
            | Self::Add(_)
            | Self::Concat(_)
            | Self::Dropout(_) => Some([1, 1]),
            Self::AdaptiveAvgPool2d(_) | Self::Linear(_) | Self::Flatten(_) | Self::Softmax(_) => None,
        }
    }
}

impl Layer for Op {
    fn kind(&self) -> &'static str {
        self.layer().kind()
    }

    fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        self.layer().parameters()
    }

    fn bind(&self, tensors: Vec<Weight>) -> Params {
        self.layer().bind(tensors)
    }

    fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        self.layer().output_shape(inputs)
    }

    fn forward(&self, params: &Params, inputs: &[&Tensor]) -> Result<(Tensor, Cache)> {
        self.layer().forward(params, inputs)
    }

    fn backward(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Vec<Tensor>> {
        self.layer().backward(site, upstream)
    }
}

/// Lets a builder take the layer itself.
macro_rules! from_layer {
    ($($layer:ident),*) => {
        $(impl From<$layer> for Op {
            fn from(layer: $layer) -> Self {
                Self::$layer(layer)
            }
        })*
    };
}

from_layer!(
    Input,
    Conv2d,
    Linear,
    BatchNorm2d,
    Relu,
    Relu6,
    MaxPool2d,
    AvgPool2d,
    AdaptiveAvgPool2d,
    Add,
    Concat,
    Flatten,
    Dropout,
    Softmax
);
