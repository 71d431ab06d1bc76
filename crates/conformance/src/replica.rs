//! Rules that are values, evaluated on the dense matrix in float64, loop by loop.
//!
//! For the matrix `w_ji` and the bias `b_j` of the layer, groups `g` of terms `t` (see [`Ratio`]):
//!
//! `d_j = Σ_t s_t (Σ_i W_t(w_ji) a_t(x_i) + B_t(b_j))`, `share_j = f_g [gate_g(z_j)] R_j / stab(d_j)`,
//! `R'_i = Σ_g Σ_t Σ_j s_t a_t(x_i) W_t(w_ji) share_j`
//!
//! - bias: `Σ_j share_j Σ_t s_t B_t(b_j)` goes to it.
//! - zero denominators: where `stab(d_j)` is zero, `share_j` is.
//!
//! An entry `w_ji = 0` is none: the output does not read the input. The implicit weights of layers without parameters are
//! equal within a row, and there `Ones` and `Squares` mean the weights themselves.
//!
//! Rounding in `f32` is in proportion to the sum of all magnitudes that a number is made of, which may be much larger than
//! the number. So every value comes with how far off an `f32` rule may be.

use gradex_engine::{Layer, Tensor};
use gradex_saliency::rules::{Gate, InputPart, ParameterPart, Ratio, Stabiliser, Term};
use ndarray::Dimension;

use crate::case::Case;

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

/// What a rule that is a value sends for `upstream`; none where the layer is not affine.
#[must_use]
pub fn ratio(rule: &Ratio, case: &Case, upstream: &[f64]) -> Option<Expected> {
    case.scene.op.affine()?;
    let jacobian = case.jacobian.as_ref()?;
    let implicit = case.scene.op.parameters().is_empty();
    let inputs = input_values(&case.scene.inputs);
    let mut expected = Expected::exactly(vec![0.0; inputs.len()]);
    let mut to_bias = 0.0;
    for group in &rule.groups {
        let parts: Vec<(f64, Vec<f64>, &Term)> = group
            .terms
            .iter()
            .map(|term| (f64::from(term.sign), inputs.iter().map(|x| part(&term.input, *x)).collect(), term))
            .collect();
        for (j, (row, z)) in jacobian.matrix.outer_iter().zip(&case.scene.output).enumerate() {
            if !opens(group.gate, *z) {
                continue;
            }
            let (mut denominator, mut magnitude, mut bias) = (0.0, 0.0, 0.0);
            for (sign, a, term) in &parts {
                for (w, a) in row.iter().zip(a).filter(|(w, _)| **w != 0.0) {
                    let product = weight(term.weight, *w, implicit) * a;
                    denominator += sign * product;
                    magnitude += product.abs();
                }
                let part = term.bias.filter(|_| case.scene.params.bias.is_some());
                let of_bias = part.map_or(0.0, |part| weight(part, jacobian.bias[j], false));
                bias += sign * of_bias;
                magnitude += of_bias.abs();
            }
            let stabilised = stabilise(rule.stabiliser, denominator + bias);
            if stabilised == 0.0 {
                continue;
            }
            let share = f64::from(group.factor) * upstream[j] / stabilised;
            let doubt = ROUNDING * (1.0 + magnitude / stabilised.abs());
            to_bias += share * bias;
            for (sign, a, term) in &parts {
                for (i, (w, a)) in row.iter().zip(a).enumerate().filter(|(_, (w, _))| **w != 0.0) {
                    let product = sign * a * weight(term.weight, *w, implicit) * share;
                    expected.sent[i] += product;
                    expected.doubt[i] += product.abs() * doubt;
                }
            }
        }
    }
    Some(Expected { bias: Some(to_bias), ..expected })
}

/// Each input value with its channel (axis 1).
fn input_values(inputs: &[Tensor]) -> Vec<(usize, f64)> {
    let values = inputs.iter().flat_map(|input| input.indexed_iter());
    values.map(|(place, x)| (place.slice().get(1).copied().unwrap_or(0), f64::from(*x))).collect()
}

fn part(part: &InputPart, (channel, x): (usize, f64)) -> f64 {
    match part {
        InputPart::Whole => x,
        InputPart::Positive => x.max(0.0),
        InputPart::Negative => x.min(0.0),
        InputPart::Ones => 1.0,
        InputPart::Constant(values) => values.get(channel).or(values.last()).copied().map_or(0.0, f64::from),
    }
}

fn weight(part: ParameterPart, w: f64, implicit: bool) -> f64 {
    match part {
        ParameterPart::Whole => w,
        ParameterPart::Positive => w.max(0.0),
        ParameterPart::Negative => w.min(0.0),
        ParameterPart::PlusPositive(gamma) => w + f64::from(gamma) * w.max(0.0),
        ParameterPart::PlusNegative(gamma) => w + f64::from(gamma) * w.min(0.0),
        ParameterPart::Squares | ParameterPart::Ones if implicit => w,
        ParameterPart::Squares => w * w,
        ParameterPart::Ones => 1.0,
    }
}

fn opens(gate: Gate, output: f32) -> bool {
    match gate {
        Gate::All => true,
        Gate::Positive => output > 0.0,
        Gate::Negative => output < 0.0,
    }
}

fn stabilise(stabiliser: Stabiliser, z: f64) -> f64 {
    match stabiliser {
        Stabiliser::Signed(epsilon) if z >= 0.0 => z + f64::from(epsilon),
        Stabiliser::Signed(epsilon) => z - f64::from(epsilon),
        Stabiliser::Added(_) if z == 0.0 => 0.0,
        Stabiliser::Added(epsilon) => z + f64::from(epsilon),
    }
}
