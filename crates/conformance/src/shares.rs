//! A rule's formula: shares of what an output is made of.
//!
//! `Σ_g f_g Σ_t a_t ⊙ W_tᵀ(gate_g R / stab(Σ_t W_t a_t + B_t b))`: [`replica`](crate::replica) evaluates it.

use std::fmt;
use std::sync::Arc;

use gradex_saliency::rules::{Gate, InputPart, ParameterPart, Ratio, Stabiliser};

/// A function of a number, and of what else it depends on.
pub type Function<With> = Arc<dyn Fn(f64, With) -> f64 + Send + Sync>;

/// A formula.
#[derive(Clone)]
pub struct Shares {
    /// `g`
    pub groups: Vec<Group>,
    /// `stab`
    pub stabilise: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
}

/// Terms over one denominator.
#[derive(Clone)]
pub struct Group {
    /// `f_g`
    pub factor: f64,
    /// Whether the group is about an output of this value.
    pub gate: fn(f64) -> bool,
    /// `t`
    pub terms: Vec<Term>,
}

/// A part of an output, with its sign.
#[derive(Clone)]
pub struct Term {
    /// `a_t` of an input's value and channel.
    pub input: Function<usize>,
    /// `W_t` of an entry of the matrix, and whether that is an implicit weight.
    pub weight: Function<bool>,
    /// `B_t` of an output's bias.
    pub bias: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
}

impl Shares {
    /// Of one group about every output.
    #[must_use]
    pub fn of(terms: Vec<Term>, stabilise: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        let group = Group { factor: 1.0, gate: |_| true, terms };
        Self { groups: vec![group], stabilise: Arc::new(stabilise) }
    }

    /// What a rule that is a value says of itself.
    #[must_use]
    pub fn of_ratio(ratio: &Ratio) -> Self {
        let group = |group: &gradex_saliency::rules::Group| Group {
            factor: f64::from(group.factor),
            gate: match group.gate {
                Gate::All => |_| true,
                Gate::Positive => |output| output > 0.0,
                Gate::Negative => |output| output < 0.0,
            },
            terms: group.terms.iter().cloned().map(term).collect(),
        };
        let stabiliser = ratio.stabiliser;
        let stabilise = move |z: f64| match stabiliser {
            Stabiliser::Signed(epsilon) if z >= 0.0 => z + f64::from(epsilon),
            Stabiliser::Signed(epsilon) => z - f64::from(epsilon),
            Stabiliser::Added(_) if z == 0.0 => 0.0,
            Stabiliser::Added(epsilon) => z + f64::from(epsilon),
        };
        Self { groups: ratio.groups.iter().map(group).collect(), stabilise: Arc::new(stabilise) }
    }
}

fn term(term: gradex_saliency::rules::Term) -> Term {
    let gradex_saliency::rules::Term { sign, input, weight: of_weight, bias } = term;
    let sign = f64::from(sign);
    Term {
        input: Arc::new(move |x, channel| part(&input, x, channel)),
        weight: Arc::new(move |w, is_implicit| sign * weight(of_weight, w, is_implicit)),
        bias: Arc::new(move |b| bias.map_or(0.0, |part| sign * weight(part, b, false))),
    }
}

fn part(part: &InputPart, x: f64, channel: usize) -> f64 {
    match part {
        InputPart::Whole => x,
        InputPart::Positive => x.max(0.0),
        InputPart::Negative => x.min(0.0),
        InputPart::Ones => 1.0,
        InputPart::Constant(values) => values.get(channel).or(values.last()).copied().map_or(0.0, f64::from),
    }
}

fn weight(part: ParameterPart, w: f64, is_implicit: bool) -> f64 {
    match part {
        ParameterPart::Whole => w,
        ParameterPart::Positive => w.max(0.0),
        ParameterPart::Negative => w.min(0.0),
        ParameterPart::PlusPositive(gamma) => w + f64::from(gamma) * w.max(0.0),
        ParameterPart::PlusNegative(gamma) => w + f64::from(gamma) * w.min(0.0),
        ParameterPart::Squares | ParameterPart::Ones if is_implicit => w,
        ParameterPart::Squares => w * w,
        ParameterPart::Ones => 1.0,
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<usize> = self.groups.iter().map(|group| group.terms.len()).collect();
        f.debug_struct("Shares").field("terms", &terms).finish_non_exhaustive()
    }
}
