//! Formulas of shares, evaluated on the dense matrix in float64, loop by loop.
//!
//! For the matrix `w_ji` and the bias `b_j` of the layer, groups `g` of terms `t` (see [`Shares`]):
//!
//! `d_j = Σ_t (Σ_i W_t(w_ji) a_t(x_i) + B_t(b_j))`, `share_j = f_g [gate_g(z_j)] R_j / stab(d_j)`,
//! `R'_i = Σ_g Σ_t Σ_j a_t(x_i) W_t(w_ji) share_j`
//!
//! - bias: `Σ_j share_j Σ_t B_t(b_j)` goes to it.
//! - zero denominators: where `stab(d_j)` is zero, `share_j` is.
//!
//! An entry `w_ji = 0` is none: the output does not read the input. The implicit weights of layers without parameters are
//! equal within a row, and there rules that square or count weights mean the weights themselves.
//!
//! Rounding in `f32` is in proportion to the sum of all magnitudes that a number is made of, which may be much larger than
//! the number. So every value comes with how far off an `f32` rule may be.

use ndarray::Array2;

use crate::shares::{Shares, Term};

/// Some roundings of `f32`, for sums of the length that layers have here.
const ROUNDING: f64 = 8.0 * 6e-8;

/// What a rule should send.
#[derive(Debug, Clone)]
pub struct Expected {
    /// To every input value, one input after the other.
    pub sent: Vec<f64>,
    /// How far each may be off, besides 1e-5 of the range.
    pub doubt: Vec<f64>,
    /// What goes to the bias, where the formula says it.
    pub bias: Option<f64>,
}

impl Expected {
    /// These values, without doubt.
    #[must_use]
    pub fn exactly(sent: Vec<f64>) -> Self {
        Self { doubt: vec![0.0; sent.len()], sent, bias: None }
    }
}

/// An affine layer and its inputs, in float64.
#[derive(Debug, Clone, Copy)]
pub struct Dense<'a> {
    /// `w`, `[outputs, inputs]`
    pub matrix: &'a Array2<f64>,
    /// `b` of each output; none where the layer has no bias.
    pub bias: Option<&'a [f64]>,
    /// `x`
    pub inputs: &'a [f64],
    /// The channel of each input value.
    pub channels: &'a [usize],
    /// `z`: its signs decide what a gate lets through.
    pub outputs: &'a [f64],
    /// Whether the layer has no parameters: then its weights are implicit.
    pub is_implicit: bool,
}

/// What a formula says is sent for `upstream`.
#[must_use]
pub fn evaluate(formula: &Shares, layer: &Dense<'_>, upstream: &[f64]) -> Expected {
    let mut expected = Expected::exactly(vec![0.0; layer.inputs.len()]);
    let mut to_bias = 0.0;
    for group in &formula.groups {
        let inputs = || layer.inputs.iter().zip(layer.channels);
        let of_inputs = |term: &Term| inputs().map(|(x, channel)| (term.input)(*x, *channel)).collect();
        let parts: Vec<(Vec<f64>, &Term)> = group.terms.iter().map(|term| (of_inputs(term), term)).collect();
        for (j, row) in layer.matrix.outer_iter().enumerate() {
            if !(group.gate)(layer.outputs[j]) {
                continue;
            }
            let (mut denominator, mut magnitude, mut bias) = (0.0, 0.0, 0.0);
            for (a, term) in &parts {
                for (w, a) in row.iter().zip(a).filter(|(w, _)| **w != 0.0) {
                    let product = (term.weight)(*w, layer.is_implicit) * a;
                    denominator += product;
                    magnitude += product.abs();
                }
                let of_bias = layer.bias.map_or(0.0, |bias| (term.bias)(bias[j]));
                bias += of_bias;
                magnitude += of_bias.abs();
            }
            let stabilised = (formula.stabilise)(denominator + bias);
            if stabilised == 0.0 {
                continue;
            }
            let share = group.factor * upstream[j] / stabilised;
            let doubt = ROUNDING * (1.0 + magnitude / stabilised.abs());
            to_bias += share * bias;
            for (a, term) in &parts {
                for (i, (w, a)) in row.iter().zip(a).enumerate().filter(|(_, (w, _))| **w != 0.0) {
                    let product = a * (term.weight)(*w, layer.is_implicit) * share;
                    expected.sent[i] += product;
                    expected.doubt[i] += product.abs() * doubt;
                }
            }
        }
    }
    Expected { bias: Some(to_bias), ..expected }
}

/// The channel (axis 1) of each value of a tensor of this shape.
#[must_use]
pub fn channels(shape: &[usize]) -> Vec<usize> {
    let count = shape.get(1).copied().unwrap_or(1).max(1);
    let pixels = shape.iter().skip(2).product::<usize>().max(1);
    (0..shape.iter().product()).map(|place: usize| place / pixels % count).collect()
}
