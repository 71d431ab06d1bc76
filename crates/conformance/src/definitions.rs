//! The formulas of gradex's rules, written down from their papers and not read off the rules: that both agree is what the
//! check of the formula shows. Papers and equations stand in the rules' own files.

use std::sync::Arc;

use crate::shares::{Group, Shares, Term};

/// ε of all but LRP-ε and excitation.
const EPSILON: f64 = 1e-6;

type Part = fn(f64) -> f64;

fn whole(value: f64) -> f64 {
    value
}

fn positive(value: f64) -> f64 {
    value.max(0.0)
}

fn negative(value: f64) -> f64 {
    value.min(0.0)
}

fn nothing(_: f64) -> f64 {
    0.0
}

fn one(_: f64) -> f64 {
    1.0
}

/// `a ⊙ W`, and the part of the bias.
fn term(input: Part, weight: impl Fn(f64) -> f64 + Send + Sync + 'static, bias: Part) -> Term {
    Term { input: Arc::new(move |x, _| input(x)), weight: Arc::new(move |w, _| weight(w)), bias: Arc::new(bias) }
}

fn signed(epsilon: f64) -> impl Fn(f64) -> f64 + Send + Sync + 'static {
    move |z| if z < 0.0 { z - epsilon } else { z + epsilon }
}

/// `R' = x ⊙ Wᵀ(R / stab(W x + b))`
pub(crate) fn epsilon(epsilon: f64) -> Shares {
    Shares::of(vec![term(whole, whole, whole)], signed(epsilon))
}

/// `d = x⁺ W⁺ + b⁺ + x⁻ W⁻`
fn excitatory() -> Vec<Term> {
    vec![term(positive, positive, positive), term(negative, negative, nothing)]
}

/// `d = x⁺ W⁻ + b⁻ + x⁻ W⁺`
fn inhibitory() -> Vec<Term> {
    vec![term(positive, negative, negative), term(negative, positive, nothing)]
}

pub(crate) fn z_plus() -> Shares {
    Shares::of(excitatory(), signed(EPSILON))
}

/// `α` times the share of what excites, less `α - 1` times that of what inhibits.
pub(crate) fn alpha_beta(alpha: f64) -> Shares {
    let group = |factor, terms| Group { factor, gate: |_| true, terms };
    let groups = vec![group(alpha, excitatory()), group(1.0 - alpha, inhibitory())];
    Shares { groups, stabilise: Arc::new(signed(EPSILON)) }
}

/// Where the output is positive `d = x⁺ (W + γ W⁺) + b + γ b⁺ + x⁻ (W + γ W⁻)`, where it is negative the same with the signs of
/// the parts of parameters exchanged.
pub(crate) fn gamma(gamma: f64) -> Shares {
    let favour = move |part: Part| move |value: f64| value + gamma * part(value);
    let terms = |same: Part, other: Part| {
        let with_bias = Term { bias: Arc::new(favour(same)), ..term(positive, favour(same), nothing) };
        vec![with_bias, term(negative, favour(other), nothing)]
    };
    let groups = vec![
        Group { factor: 1.0, gate: |output| output > 0.0, terms: terms(positive, negative) },
        Group { factor: 1.0, gate: |output| output < 0.0, terms: terms(negative, positive) },
    ];
    Shares { groups, stabilise: Arc::new(signed(EPSILON)) }
}

/// `d = x W - l W⁺ - h W⁻`, without a bias; bounds one a channel, or one for all.
pub(crate) fn z_box(low: &'static [f64], high: &'static [f64]) -> Shares {
    let bound = |values: &'static [f64], weight: Part| Term {
        input: Arc::new(move |_, channel| -values[channel % values.len()]),
        ..term(nothing, weight, nothing)
    };
    Shares::of(vec![term(whole, whole, nothing), bound(low, positive), bound(high, negative)], signed(EPSILON))
}

/// `R'_i = Σ_j w_ij² / (Σ_k w_kj²) R_j`; implicit weights are equal in a row, and stand for their squares.
pub(crate) fn w_square() -> Shares {
    let square = Arc::new(|w: f64, is_implicit: bool| if is_implicit { w } else { w * w });
    Shares::of(vec![Term { weight: square, ..term(one, whole, nothing) }], signed(EPSILON))
}

/// `R'_i = Σ_j R_j / (inputs of j)`; implicit weights are equal in a row, and stand for 1.
pub(crate) fn flat() -> Shares {
    let count = Arc::new(|w: f64, is_implicit: bool| if is_implicit { w } else { 1.0 });
    Shares::of(vec![Term { weight: count, ..term(one, whole, nothing) }], signed(EPSILON))
}

/// `x ⊙ (W⁺)ᵀ(R / (W⁺ x + 1e-20))`, nothing where `W⁺ x` is zero.
pub(crate) fn excitation() -> Shares {
    Shares::of(vec![term(whole, positive, nothing)], added)
}

/// The same of the negated weights.
pub(crate) fn inhibition() -> Shares {
    Shares::of(vec![term(whole, |w| positive(-w), nothing)], added)
}

fn added(z: f64) -> f64 {
    if z == 0.0 { 0.0 } else { z + 1e-20 }
}
