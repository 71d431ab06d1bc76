//! Rules as values: each input gets its share of what an output is made of.
//!
//! For an affine layer `A(W, b) x = Σ_k W_k x_k + b`, groups `g` with factor `f_g`, and terms `t` with sign `s_t` and the
//! parts `a_t` of the input, `W_t` of the weight and `b_t` of the bias:
//!
//! `d_g = Σ_t s_t (W_t a_t + b_t)`, `R'_k = Σ_g f_g Σ_t s_t a_tk ⊙ W_tkᵀ(gate_g R / stab(d_g))`
//!
//! - bias: its part of `d_g` goes to no input and is absorbed.
//! - zero denominators: where `stab(d_g)` is zero nothing is sent, and the stabiliser has absorbed it.
//!
//! A gate is decided by the layer's output with its own parameters, computed afresh: the rule reads inputs only.

use std::borrow::Cow;

use gradex_engine::{Affine, Error, Layer, Params, Result, Site, Tensor, values};
use ndarray::{ArrayD, Axis};

use super::parts::{InputPart, ParameterPart, parameters};
use super::{Absorbed, Propagated, Rule, check_finite, check_upstream, total};
use crate::fold::{sum, sum_of_products};

/// A rule as a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// Its name in the papers, with its parameters.
    pub name: String,
    /// What is summed, each with its own denominators.
    pub groups: Vec<Group>,
    /// What keeps the denominators from zero.
    pub stabiliser: Stabiliser,
}

/// Terms over one denominator.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// `f_g`; the factors of all groups that a gate lets through sum to 1 in a rule that conserves.
    pub factor: f32,
    /// The outputs that it is about.
    pub gate: Gate,
    /// `t`
    pub terms: Vec<Term>,
}

/// A part of the layer's output.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// `s_t`, 1 or -1.
    pub sign: f32,
    /// `a_t`
    pub input: InputPart,
    /// `W_t`
    pub weight: ParameterPart,
    /// `b_t`; none is no bias.
    pub bias: Option<ParameterPart>,
}

/// The outputs that a group is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// All.
    All,
    /// Those greater than zero.
    Positive,
    /// Those less than zero.
    Negative,
}

/// What keeps a denominator `z` from zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stabiliser {
    /// `z + ε sign(z)`, where the sign of zero is 1.
    Signed(f32),
    /// `z + ε`, for denominators that are not negative; zero where `z` is zero.
    Added(f32),
}

impl Stabiliser {
    fn of(self, z: f64) -> f64 {
        match self {
            Self::Signed(epsilon) => z + if z < 0.0 { -f64::from(epsilon) } else { f64::from(epsilon) },
            Self::Added(_) if z == 0.0 => 0.0,
            Self::Added(epsilon) => z + f64::from(epsilon),
        }
    }
}

impl Gate {
    fn opens(self, output: f32) -> bool {
        match self {
            Self::All => true,
            Self::Positive => output > 0.0,
            Self::Negative => output < 0.0,
        }
    }
}

impl Ratio {
    /// A rule of one group that is about every output.
    #[must_use]
    pub fn of(name: impl Into<String>, terms: Vec<Term>, stabiliser: Stabiliser) -> Self {
        Self { name: name.into(), groups: vec![Group { factor: 1.0, gate: Gate::All, terms }], stabiliser }
    }
}

impl Term {
    /// A positive term.
    #[must_use]
    pub fn new(input: InputPart, weight: ParameterPart, bias: Option<ParameterPart>) -> Self {
        Self { sign: 1.0, input, weight, bias }
    }

    /// The same, subtracted.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { sign: -self.sign, ..self }
    }

    /// What it stands for at this site; none where it contributes nothing.
    fn at<'t>(&self, site: &Site<'t>, inputs: &[&'t Tensor]) -> Result<Option<Part<'t>>> {
        let parts: Result<Vec<_>> = inputs.iter().map(|input| self.input.of(input, site.op.kind())).collect();
        let (inputs, (params, factor)) = (parts?, parameters(site, self.weight, self.bias));
        let has_bias = self.bias.is_some() && params.bias.is_some();
        let silent = factor == 0.0 || inputs.iter().all(|part| part.iter().all(|value| *value == 0.0));
        Ok((has_bias || !silent).then_some(Part { factor: self.sign * factor, inputs, params }))
    }
}

/// A term with its tensors.
struct Part<'t> {
    factor: f32,
    inputs: Vec<Cow<'t, Tensor>>,
    params: Cow<'t, Params>,
}

impl Part<'_> {
    fn apply(&self, layer: &dyn Affine) -> Result<Tensor> {
        let inputs: Vec<&Tensor> = self.inputs.iter().map(AsRef::as_ref).collect();
        layer.apply(&self.params, &inputs)
    }

    /// Adds `factor a ⊙ Wᵀ shares` to what goes to each input, for the shares of each upstream: the weights are read once.
    fn send(&self, layer: &dyn Affine, shares: &[Tensor], sent: &mut [Vec<Tensor>]) -> Result<()> {
        let together = match shares {
            [] => return Ok(()),
            [shares] => Cow::Borrowed(shares),
            [first, ..] => Cow::Owned(stacked(shares, first.shape())),
        };
        let shapes: Vec<Vec<usize>> = self.inputs.iter().map(|input| batch_of(shares.len(), input.shape())).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(|shape| &shape[..]).collect();
        let back = layer.transpose(&self.params, &together, &shapes)?;
        for (place, (input, back)) in self.inputs.iter().zip(&back).enumerate() {
            let (input, back) = (values(input), values(back));
            for (sent, back) in sent.iter_mut().zip(back.chunks(input.len().max(1))) {
                let products = input.iter().zip(back).map(|(a, back)| self.factor * a * back);
                sent[place].iter_mut().zip(products).for_each(|(sent, product)| *sent += product);
            }
        }
        Ok(())
    }
}

/// Tensors of one shape, one behind the other along the batch.
fn stacked(tensors: &[Tensor], shape: &[usize]) -> Tensor {
    let mut stack = Tensor::zeros(batch_of(tensors.len(), shape));
    stack.iter_mut().zip(tensors.iter().flatten()).for_each(|(to, from)| *to = *from);
    stack
}

/// The shape of so many tensors of one shape, one behind the other along the batch.
fn batch_of(count: usize, shape: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().map(|(axis, size)| if axis == 0 { count * size } else { *size }).collect()
}

impl Rule for Ratio {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        let found = self.propagate_all(site, std::slice::from_ref(upstream))?.pop();
        found.ok_or(Error::NotRetained("upstream"))
    }

    fn propagate_all(&self, site: &Site<'_>, upstreams: &[Tensor]) -> Result<Vec<Propagated>> {
        upstreams.iter().try_for_each(|upstream| check_upstream(site, upstream))?;
        let layer = site.op.affine().ok_or_else(|| Error::Rule {
            rule: self.name.clone(),
            op: site.op.kind(),
            why: "it is for layers that are affine maps of their inputs; use `gradient` or `pass` here".to_owned(),
        })?;
        let inputs = site.input_tensors()?;
        check_finite("input of", site, inputs.iter().copied())?;
        let gated = self.groups.iter().any(|group| group.gate != Gate::All);
        let output = if gated { Some(layer.apply(site.params, &inputs)?) } else { None };

        let nothing: Vec<Tensor> = inputs.iter().map(|input| Tensor::zeros(input.shape())).collect();
        let mut sent = vec![nothing; upstreams.len()];
        let absorbs = |upstream| Absorbed { stabiliser: total(upstream), ..Absorbed::default() };
        let mut absorbed: Vec<Absorbed> = upstreams.iter().map(absorbs).collect();
        for group in &self.groups {
            let parts: Result<Vec<_>> = group.terms.iter().map(|term| term.at(site, &inputs)).collect();
            let parts: Vec<Part<'_>> = parts?.into_iter().flatten().collect();
            let mut denominators = ArrayD::<f64>::zeros(site.output.shape);
            for part in &parts {
                denominators.zip_mut_with(&part.apply(layer)?, |d, z| *d += f64::from(part.factor) * f64::from(*z));
            }
            let shares = |upstream| self.shares(group, upstream, output.as_ref(), &denominators);
            let shares: Vec<Tensor> = upstreams.iter().map(shares).collect();
            for (absorbed, shares) in absorbed.iter_mut().zip(&shares) {
                absorbed.stabiliser -= sum_of_products(shares.view(), denominators.view());
                absorbed.bias += parts.iter().map(|part| bias_share(part, shares)).sum::<f64>();
            }
            for part in &parts {
                part.send(layer, &shares, &mut sent)?;
            }
        }
        check_finite("relevance sent back by", site, sent.iter().flatten())?;
        // A denominator that overflows sends nothing, and only what it absorbed tells.
        if !absorbed.iter().all(|absorbed| absorbed.total().is_finite()) {
            return Err(Error::NonFinite { what: "relevance absorbed by", name: site.op.kind().to_owned() });
        }
        Ok(sent.into_iter().zip(absorbed).map(|(inputs, absorbed)| Propagated { inputs, absorbed }).collect())
    }
}

impl Ratio {
    /// `f_g gate_g R / stab(d_g)`
    fn shares(&self, group: &Group, upstream: &Tensor, output: Option<&Tensor>, denominators: &ArrayD<f64>) -> Tensor {
        let mut shares = upstream.mapv(|r| r * group.factor);
        if let Some(output) = output {
            shares.zip_mut_with(output, |share, output| *share *= f32::from(u8::from(group.gate.opens(*output))));
        }
        shares.zip_mut_with(denominators, |share, d| {
            let d = self.stabiliser.of(*d);
            *share = if d == 0.0 { 0.0 } else { (f64::from(*share) / d) as f32 };
        });
        shares
    }
}

/// `Σ shares ⊙ bias`, the bias one a channel (axis 1).
fn bias_share(part: &Part<'_>, shares: &Tensor) -> f64 {
    let Some(bias) = &part.params.bias else { return 0.0 };
    let channels = shares.axis_iter(Axis(1)).zip(bias);
    let share = |(shares, bias): (ndarray::ArrayViewD<'_, f32>, &f32)| sum(shares) * f64::from(*bias);
    f64::from(part.factor) * channels.map(share).sum::<f64>()
}
