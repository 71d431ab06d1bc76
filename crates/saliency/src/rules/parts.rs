//! Parts of inputs and parameters: what the terms of a rule are made of.

use std::borrow::Cow;
use std::sync::Arc;

use gradex_engine::{Error, Layer, Op, Params, Part, Result, Site, Tensor};
use ndarray::Axis;

/// The range of the values that a layer's input can have, lowest and highest.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// The lowest value of each channel, or one for all.
    pub low: Arc<[f32]>,
    /// The highest value of each channel, or one for all.
    pub high: Arc<[f32]>,
}

impl Bounds {
    /// From the lowest and highest values, each one a channel or one for all. For an image classifier these are black and
    /// white after normalisation: `(0 - mean) / std` and `(1 - mean) / std`.
    #[must_use]
    pub fn new(low: &[f32], high: &[f32]) -> Self {
        Self { low: low.into(), high: high.into() }
    }
}

/// A tensor made of a layer's input `x`.
#[derive(Debug, Clone, PartialEq)]
pub enum InputPart {
    /// `x`
    Whole,
    /// `max(x, 0)`
    Positive,
    /// `min(x, 0)`
    Negative,
    /// 1 everywhere.
    Ones,
    /// The same number everywhere in a channel (axis 1): one a channel, or one for all.
    Constant(Arc<[f32]>),
}

impl InputPart {
    /// The part of one input.
    pub(super) fn of<'t>(&self, input: &'t Tensor, op: &'static str) -> Result<Cow<'t, Tensor>> {
        Ok(match self {
            Self::Whole => Cow::Borrowed(input),
            Self::Positive => Cow::Owned(input.mapv(|x| x.max(0.0))),
            Self::Negative => Cow::Owned(input.mapv(|x| x.min(0.0))),
            Self::Ones => Cow::Owned(Tensor::ones(input.shape())),
            Self::Constant(values) => {
                let mut constant = Tensor::zeros(input.shape());
                let channels = input.shape().get(1).copied().unwrap_or(0);
                if channels == 0 || (values.len() != 1 && values.len() != channels) {
                    let why = format!("its bounds are for {} channels, the layer's input has {channels}", values.len());
                    return Err(Error::Rule { rule: "z-box".to_owned(), op, why });
                }
                for (channel, mut plane) in constant.axis_iter_mut(Axis(1)).enumerate() {
                    plane.fill(values[channel % values.len()]);
                }
                Cow::Owned(constant)
            }
        })
    }
}

/// A tensor made of a layer's weight or bias `w`, element by element.
///
/// Layers without parameters (average pool, sum, concatenation, flatten, dropout) have implicit weights, non-negative and
/// equal within the row of one output: 1 over the window, or 1. There [`Whole`](Self::Whole), [`Positive`](Self::Positive)
/// and [`PlusNegative`](Self::PlusNegative) are these weights and [`Negative`](Self::Negative) is nothing;
/// [`PlusPositive`](Self::PlusPositive) is `1 + γ` times them. [`Ones`](Self::Ones) and [`Squares`](Self::Squares) are them
/// too: a factor common to a row stands in numerator and denominator and cancels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParameterPart {
    /// `w`
    Whole,
    /// `max(w, 0)`
    Positive,
    /// `min(w, 0)`
    Negative,
    /// `w + γ max(w, 0)`
    PlusPositive(f32),
    /// `w + γ min(w, 0)`
    PlusNegative(f32),
    /// `w²`
    Squares,
    /// 1 everywhere.
    Ones,
}

impl ParameterPart {
    fn of(self, w: f32) -> f32 {
        match self {
            Self::Whole => w,
            Self::Positive => Part::Positive.of(w),
            Self::Negative => Part::Negative.of(w),
            Self::PlusPositive(gamma) => w + gamma * Part::Positive.of(w),
            Self::PlusNegative(gamma) => w + gamma * Part::Negative.of(w),
            Self::Squares => w * w,
            Self::Ones => 1.0,
        }
    }

    /// The same part, where the kernel of a linear layer takes it while it reads the whole: such a layer has by far the most
    /// weights, and a copy of them takes longer than all sums.
    fn in_kernel(self) -> Option<Part> {
        match self {
            Self::Whole => Some(Part::Whole),
            Self::Positive => Some(Part::Positive),
            Self::Negative => Some(Part::Negative),
            Self::PlusPositive(_) | Self::PlusNegative(_) | Self::Squares | Self::Ones => None,
        }
    }

    /// What implicit weights are multiplied by.
    fn factor(self) -> f32 {
        match self {
            Self::Negative => 0.0,
            Self::PlusPositive(gamma) => 1.0 + gamma,
            Self::Whole | Self::Positive | Self::PlusNegative(_) | Self::Squares | Self::Ones => 1.0,
        }
    }
}

/// The layer's parameters with these parts, and the factor of its implicit weights.
pub(super) fn parameters<'p>(
    site: &Site<'p>,
    weight: ParameterPart,
    bias: Option<ParameterPart>,
) -> (Cow<'p, Params>, f32) {
    let params = site.params;
    if !has_weights(site.op) {
        return (Cow::Borrowed(params), weight.factor());
    }
    let whole_bias = bias == Some(ParameterPart::Whole) || params.bias.is_none();
    if weight == ParameterPart::Whole && whole_bias {
        return (Cow::Borrowed(params), 1.0);
    }
    let map = |tensor: &Tensor, part: ParameterPart| tensor.mapv(|w| part.of(w));
    let bias = params.bias.as_ref().zip(bias).map(|(tensor, part)| map(tensor, part));
    let weight = params.weight.as_ref().map(|whole| match (site.op, weight.in_kernel()) {
        (Op::Linear(_), Some(part)) => whole.part(part),
        _ => map(&whole.tensor(), weight).into(),
    });
    (Cow::Owned(Params { weight, bias }), 1.0)
}

fn has_weights(op: &Op) -> bool {
    !op.parameters().is_empty()
}
