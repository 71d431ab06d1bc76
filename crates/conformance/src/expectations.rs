//! What is to be expected of a rule.

use std::fmt;
use std::sync::Arc;

use gradex_engine::Op;
use gradex_saliency::rules::Ratio;

use crate::case::Case;
use crate::replica::Expected;
use crate::shares::Shares;

type Predicate = Arc<dyn Fn(&Case) -> bool + Send + Sync>;
type Formula = Arc<dyn Fn(&Case, &[f64]) -> Option<Expected> + Send + Sync>;

/// What a rule promises. Of every rule that takes a layer it is expected anyway that it sends finite tensors of its inputs'
/// shapes, sends nothing to inputs that the output does not read, treats each image of a batch alone, takes zeros and
/// refuses NaN, infinities and wrong shapes with typed errors.
#[derive(Clone)]
pub struct Expectations {
    pub(crate) takes: Predicate,
    pub(crate) balances: Predicate,
    pub(crate) conserves: Predicate,
    pub(crate) formula: Option<Formula>,
    pub(crate) is_probability: bool,
    pub(crate) is_gradient_where_positive: bool,
    pub(crate) is_gradient_times_input: bool,
}

impl Default for Expectations {
    /// It takes every affine layer, and all that it does not send is accounted for.
    fn default() -> Self {
        Self {
            takes: Arc::new(|case| case.scene.op.affine().is_some()),
            balances: Arc::new(|_| true),
            conserves: Arc::new(|_| false),
            formula: None,
            is_probability: false,
            is_gradient_where_positive: false,
            is_gradient_times_input: false,
        }
    }
}

impl Expectations {
    /// That it sends what this formula says, and the bias absorbs its part.
    #[must_use]
    pub fn shares(formula: Shares) -> Self {
        Self::default().expected(move |case, upstream| case.shares(&formula, upstream))
    }

    /// Those of a rule that is a value: what it says of itself is carried out. Whether that is the right thing to say,
    /// only a formula from elsewhere shows: [`Expectations::shares`].
    #[must_use]
    pub fn ratio(ratio: &Ratio) -> Self {
        Self::shares(Shares::of_ratio(ratio))
    }

    /// Those of the gradient, and of rules that change it at rectifiers: they take every layer, and account for what is
    /// lost where every output is a mean of inputs or one of them.
    #[must_use]
    pub fn gradient_like() -> Self {
        Self::default().takes(|_| true).balances(|case| accounts_for_gradient(&case.scene.op)).conserves(|case| {
            let is_mean = |jacobian: &crate::Jacobian| jacobian.rows_sum_to_one();
            case.jacobian.as_ref().is_some_and(is_mean) && accounts_for_gradient(&case.scene.op)
        })
    }

    /// It must take these cases; others it may refuse.
    #[must_use]
    pub fn takes(self, takes: impl Fn(&Case) -> bool + Send + Sync + 'static) -> Self {
        Self { takes: Arc::new(takes), ..self }
    }

    /// On these cases what arrives is what is sent and what is said to be absorbed.
    #[must_use]
    pub fn balances(self, balances: impl Fn(&Case) -> bool + Send + Sync + 'static) -> Self {
        Self { balances: Arc::new(balances), ..self }
    }

    /// On these cases all that arrives is sent, but for a thousandth that the stabiliser may take:
    /// most rules on [`Case::is_lossless`].
    #[must_use]
    pub fn conserves(self, conserves: impl Fn(&Case) -> bool + Send + Sync + 'static) -> Self {
        Self { conserves: Arc::new(conserves), ..self }
    }

    /// It sends what this formula says of the case, usually by [`Case::jacobian`], and an upstream; none where the formula
    /// says nothing.
    #[must_use]
    pub fn formula(self, formula: impl Fn(&Case, &[f64]) -> Option<Vec<f64>> + Send + Sync + 'static) -> Self {
        self.expected(move |case, upstream| formula(case, upstream).map(Expected::exactly))
    }

    /// As [`Expectations::formula`], with what is known about rounding and the bias.
    #[must_use]
    pub fn expected(self, formula: impl Fn(&Case, &[f64]) -> Option<Expected> + Send + Sync + 'static) -> Self {
        Self { formula: Some(Arc::new(formula)), ..self }
    }

    /// Of an upstream that is not negative, over inputs that are not, it sends nothing negative and no more than there is.
    #[must_use]
    pub fn probability(self) -> Self {
        Self { is_probability: true, ..self }
    }

    /// It is the gradient wherever the upstream is positive.
    #[must_use]
    pub fn gradient_where_positive(self) -> Self {
        Self { is_gradient_where_positive: true, ..self }
    }

    /// On networks of rectifiers without biases, with the gradient at max-pools, it is the gradient times the input.
    #[must_use]
    pub fn gradient_times_input(self) -> Self {
        Self { is_gradient_times_input: true, ..self }
    }
}

/// Where what a gradient does not send is known: elsewhere its sum means nothing.
pub(crate) fn accounts_for_gradient(op: &Op) -> bool {
    match op {
        Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm2d(_) | Op::Add(_) | Op::Softmax(_) | Op::Input(_) => false,
        Op::Relu(_)
        | Op::Relu6(_)
        | Op::MaxPool2d(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Concat(_)
        | Op::Flatten(_)
        | Op::Dropout(_) => true,
    }
}

impl fmt::Debug for Expectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectations")
            .field("has_formula", &self.formula.is_some())
            .field("is_probability", &self.is_probability)
            .field("is_gradient_where_positive", &self.is_gradient_where_positive)
            .field("is_gradient_times_input", &self.is_gradient_times_input)
            .finish_non_exhaustive()
    }
}
