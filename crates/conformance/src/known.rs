//! The rules of gradex, and what is expected of each.

use std::sync::Arc;

use gradex_engine::{Op, Result, Tensor};
use gradex_saliency::rules::{
    Bounds, Deconvnet, EPSILON, Gradient, Guided, Pass, Ratio, Rule, alpha_beta, epsilon, excitation, flat, gamma,
    inhibition, norm, w_square, z_box, z_plus,
};

use crate::case::Case;
use crate::check::check_on;
use crate::definitions;
use crate::expectations::{Expectations, accounts_for_gradient};
use crate::layer::layers;
use crate::report::Report;
use crate::shares::Shares;

/// A rule with what is expected of it.
pub type Known = (Arc<dyn Rule>, Expectations);

/// Every rule.
#[must_use]
pub fn known() -> Vec<Known> {
    let losing = |ratio: Ratio, formula: Shares| (Arc::new(ratio) as Arc<dyn Rule>, Expectations::shares(formula));
    let conserving = |ratio: Ratio, formula: Shares| {
        let (rule, expectations) = losing(ratio, formula);
        (rule, expectations.conserves(Case::is_lossless))
    };
    let (vanishing, of_vanishing) = conserving(epsilon(EPSILON), definitions::epsilon(1e-6));
    let (exciting, of_exciting) = conserving(excitation(), definitions::excitation());
    let (inhibiting, of_inhibiting) = losing(inhibition(), definitions::inhibition());
    vec![
        (vanishing, of_vanishing.gradient_times_input()),
        losing(epsilon(0.0), definitions::epsilon(0.0)),
        losing(epsilon(0.25), definitions::epsilon(0.25)),
        conserving(gamma(0.25), definitions::gamma(0.25)),
        conserving(z_plus(), definitions::z_plus()),
        losing(alpha_beta(2.0), definitions::alpha_beta(2.0)),
        conserving(alpha_beta(1.0), definitions::alpha_beta(1.0)),
        conserving(z_box(&Bounds::new(&[-1.25], &[1.5])), definitions::z_box(&[-1.25], &[1.5])),
        bounded_by_channel(),
        conserving(w_square(), definitions::w_square()),
        conserving(flat(), definitions::flat()),
        conserving(norm(), definitions::epsilon(1e-6)),
        (exciting, of_exciting.probability()),
        (inhibiting, of_inhibiting.probability()),
        (Arc::new(Pass), pass()),
        (Arc::new(Gradient), gradient()),
        (Arc::new(Guided), guided()),
        (Arc::new(Deconvnet), deconvnet()),
    ]
}

/// The layers themselves, and every rule on every case.
///
/// # Errors
/// None in practice: see [`cases`](crate::cases).
pub fn check_known() -> Result<Vec<Report>> {
    let cases = crate::cases()?;
    let rules = known();
    let rules = rules.iter().map(|(rule, expectations)| check_on(&**rule, expectations, &cases));
    std::iter::once(Ok(layers(&cases))).chain(rules).collect()
}

/// Bounds for four channels, which fit layers of four channels only.
fn bounded_by_channel() -> Known {
    let ratio = z_box(&Bounds::new(&[-1.25, -1.0, -2.0, -1.5], &[1.5, 2.0, 1.0, 1.25]));
    let has_four = |input: &Tensor| input.shape().get(1) == Some(&4);
    let fits = move |case: &Case| case.scene.op.affine().is_some() && case.scene.inputs.iter().all(has_four);
    let formula = definitions::z_box(&[-1.25, -1.0, -2.0, -1.5], &[1.5, 2.0, 1.0, 1.25]);
    let expectations = Expectations::shares(formula).takes(fits).conserves(Case::is_lossless);
    (Arc::new(ratio), expectations)
}

fn pass() -> Expectations {
    let fits = |case: &Case| {
        matches!(case.scene.op, Op::Relu(_) | Op::Relu6(_) | Op::BatchNorm2d(_) | Op::Flatten(_) | Op::Dropout(_))
    };
    Expectations::default().takes(fits).conserves(fits).formula(|_, upstream| Some(upstream.to_vec()))
}

/// At rectifiers these rules say that what they do not send is absorbed: a balance would show nothing there.
fn of_gradients() -> Expectations {
    let shows = |case: &Case| accounts_for_gradient(&case.scene.op) && !case.scene.op.is_activation();
    Expectations::gradient_like().balances(shows)
}

fn gradient() -> Expectations {
    let formula = |case: &Case, upstream: &[f64]| Some(case.jacobian.as_ref()?.expected(upstream));
    of_gradients().gradient_where_positive().expected(formula)
}

fn guided() -> Expectations {
    of_gradients().gradient_where_positive().expected(|case, upstream| {
        let jacobian = case.jacobian.as_ref()?;
        Some(jacobian.expected(&if case.scene.op.is_activation() { positive(upstream) } else { upstream.to_vec() }))
    })
}

fn deconvnet() -> Expectations {
    of_gradients().expected(|case, upstream| {
        if case.scene.op.is_activation() {
            return Some(crate::Expected::exactly(positive(upstream)));
        }
        Some(case.jacobian.as_ref()?.expected(upstream))
    })
}

fn positive(upstream: &[f64]) -> Vec<f64> {
    upstream.iter().map(|r| r.max(0.0)).collect()
}
