//! The checks: each a function from a rule on a case to whether it holds.

mod edges;
mod formula;
mod network;
mod sums;
mod support;

use std::fmt;

use gradex_engine::Tensor;
use gradex_saliency::rules::{Propagated, Rule};

use crate::attempt::attempt;
use crate::case::Case;
use crate::expectations::Expectations;
use crate::fault::Fault;

pub(crate) use formula::is_gradient;
pub(crate) use network::{gradient_times_input, networks, not_retained};

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// It takes the layer, and sends finite tensors of the inputs' shapes.
    Sends,
    /// It sends what its formula says of the dense matrix in float64, and the bias absorbs what it says.
    Formula,
    /// It is the gradient where the upstream is positive.
    Gradient,
    /// What arrives is what is sent and what is absorbed.
    Balance,
    /// Where nothing can be lost, nothing is.
    Conservation,
    /// Nothing negative comes of nothing negative, and no more than there was.
    Probability,
    /// An input that an output does not read gets nothing from it.
    Reach,
    /// Images of a batch do not influence each other.
    Images,
    /// Of an upstream of zeros it sends zeros.
    ZeroUpstream,
    /// Inputs of zeros, over no bias, leave it finite and balanced.
    ZeroInput,
    /// An input of -0.0 is one of 0.0.
    NegativeZero,
    /// NaN and infinities in the upstream are refused.
    NonFiniteUpstream,
    /// NaN and infinities in the input are refused, or not read.
    NonFiniteInput,
    /// Of the largest numbers it sends finite ones, or refuses.
    Overflow,
    /// An upstream of another shape than the output's is refused.
    WrongShape,
    /// Without the values that it needs, it fails with [`Error::NotRetained`](gradex_engine::Error::NotRetained).
    NotRetained,
    /// On networks of rectifiers without biases it is the gradient times the input.
    GradientTimesInput,
    /// The layer itself: `<A x, g> = <x, Aᵀ g>`.
    Adjoint,
    /// The layer itself: its backward pass is its Jacobian, of unit vectors or of finite differences.
    Backward,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sends => "sends",
            Self::Formula => "formula",
            Self::Gradient => "gradient where positive",
            Self::Balance => "balance",
            Self::Conservation => "conservation",
            Self::Probability => "probability",
            Self::Reach => "reach",
            Self::Images => "images",
            Self::ZeroUpstream => "zero upstream",
            Self::ZeroInput => "zero input",
            Self::NegativeZero => "negative zero",
            Self::NonFiniteUpstream => "non-finite upstream",
            Self::NonFiniteInput => "non-finite input",
            Self::Overflow => "overflow",
            Self::WrongShape => "wrong shape",
            Self::NotRetained => "not retained",
            Self::GradientTimesInput => "gradient times input",
            Self::Adjoint => "adjoint",
            Self::Backward => "backward",
        })
    }
}

/// A rule on a case.
pub(crate) struct Probe<'a> {
    pub rule: &'a dyn Rule,
    pub expectations: &'a Expectations,
    pub case: &'a Case,
    /// Of both signs.
    pub upstream: &'a Tensor,
    /// What the rule sends for it.
    pub sent: &'a Propagated,
}

impl Probe<'_> {
    /// What the rule sends for another upstream.
    fn send(&self, upstream: &Tensor) -> Result<Propagated, Fault> {
        attempt(self.rule, &self.case.scene.site(), upstream)
    }
}

/// Whether a check holds, where it applies.
pub(crate) type Verdict = Result<Outcome, Fault>;

pub(crate) enum Outcome {
    Holds,
    /// Nothing of the kind is expected of the rule, or of the layer.
    DoesNotApply,
}

type Checker = fn(&Probe<'_>) -> Verdict;

/// All that is checked of a rule on a case.
pub(crate) const CHECKS: [(Check, Checker); 14] = [
    (Check::Formula, formula::formula),
    (Check::Gradient, formula::gradient_where_positive),
    (Check::Balance, sums::balance),
    (Check::Conservation, sums::conservation),
    (Check::Probability, sums::probability),
    (Check::Reach, support::reach),
    (Check::Images, support::images),
    (Check::ZeroUpstream, edges::zero_upstream),
    (Check::ZeroInput, edges::zero_input),
    (Check::NegativeZero, edges::negative_zero),
    (Check::NonFiniteUpstream, edges::non_finite_upstream),
    (Check::NonFiniteInput, edges::non_finite_input),
    (Check::Overflow, edges::overflow),
    (Check::WrongShape, edges::wrong_shape),
];

/// That each number is the expected one, within `1e-5` of the largest, and besides within its own doubt.
pub(crate) fn same(what: &'static str, expected: &[f64], actual: &[f64], doubt: impl Fn(usize) -> f64) -> Verdict {
    let range = expected.iter().fold(0.0, |range: f64, value| range.max(value.abs()));
    for (place, (expected, actual)) in expected.iter().zip(actual).enumerate() {
        let allowed = 1e-5 * range + doubt(place);
        within(what, place, *expected, *actual, allowed)?;
    }
    Ok(Outcome::Holds)
}

/// That a number is the expected one.
pub(crate) fn within(what: &'static str, place: usize, expected: f64, actual: f64, allowed: f64) -> Verdict {
    if (expected - actual).abs() <= allowed {
        return Ok(Outcome::Holds);
    }
    Err(Fault::Differs { what, place, expected, actual, allowed })
}
