//! Every check can fail: rules that are wrong on purpose, each in its own way.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use gradex_conformance::{Case, Check, Expectations, Fault, Report, cases, check_on, layers};
use gradex_engine::{Error, Op, Params, Result, Site, Tensor};
use gradex_saliency::rules::{
    Absorbed, Gradient, Pass, Propagated, Rule, Stabiliser, alpha_beta, epsilon, flat, gamma, w_square, z_plus,
};

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| cases().expect("cases"));

type Propagate = fn(&Site<'_>, &Tensor) -> Result<Propagated>;

/// A rule of somebody else's.
#[derive(Debug)]
struct Foreign(Propagate);

impl Rule for Foreign {
    fn name(&self) -> String {
        "foreign".to_owned()
    }

    fn propagate(&self, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
        (self.0)(site, upstream)
    }
}

fn fails(rule: &dyn Rule, expectations: &Expectations) -> BTreeSet<Check> {
    let report = check_on(rule, expectations, &CASES).expect("cases");
    assert!(!report.passes());
    report.failures().map(|failure| failure.check).collect()
}

fn foreign(propagate: Propagate, expectations: &Expectations) -> BTreeSet<Check> {
    fails(&Foreign(propagate), expectations)
}

/// What LRP-ε promises.
fn as_epsilon(value: f32) -> Expectations {
    Expectations::ratio(&epsilon(value)).conserves(Case::is_lossless)
}

fn refuse(site: &Site<'_>, rule: &str) -> Error {
    Error::Rule { rule: rule.to_owned(), op: "layer", why: format!("it is not for {:?}", site.op) }
}

/// LRP-ε as it is written down for the first time: nothing is checked, nothing kept from zero.
fn naive(site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
    let layer = site.op.affine().ok_or_else(|| refuse(site, "naive"))?;
    let inputs = site.input_tensors()?;
    let shares = upstream / &layer.apply(site.params, &inputs)?;
    let back = layer.transpose(site.params, &shares, &site.input_shapes())?;
    Ok(Propagated::whole(inputs.iter().zip(&back).map(|(x, back)| *x * back).collect()))
}

fn doubled(site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
    let found = epsilon(1e-6).propagate(site, upstream)?;
    Ok(Propagated { inputs: found.inputs.iter().map(|sent| sent * 2.0).collect(), ..found })
}

/// Applies the layer where it should apply its transpose, wherever the shapes allow it.
fn untransposed(site: &Site<'_>, upstream: &Tensor) -> Result<Propagated> {
    let params = Params { bias: None, ..site.params.clone() };
    match (site.op.affine(), site.inputs.len()) {
        (Some(layer), 1) if site.inputs[0].shape == upstream.shape() => {
            Ok(Propagated::whole(vec![layer.apply(&params, &[upstream])?]))
        }
        _ => Gradient.propagate(site, upstream),
    }
}

fn with_values(site: &Site<'_>, value: impl Fn(f32) -> f32) -> Propagated {
    let sent = |input: &gradex_engine::Kept<'_>| input.tensor("input").map(|input| input.mapv(&value));
    Propagated::whole(site.inputs.iter().filter_map(|input| sent(input).ok()).collect())
}

#[test]
fn relevance_that_is_doubled() {
    let found = foreign(doubled, &as_epsilon(1e-6));
    let expected = [Check::Formula, Check::Balance, Check::Conservation];
    assert!(expected.iter().all(|check| found.contains(check)), "{found:?}");
}

#[test]
fn a_stabiliser_that_is_ignored() {
    let ignoring = |site: &Site<'_>, upstream: &Tensor| epsilon(0.0).propagate(site, upstream);
    assert_eq!(foreign(ignoring, &as_epsilon(0.25).conserves(|_| false)), BTreeSet::from([Check::Formula]));
    let found = foreign(naive, &as_epsilon(1e-6));
    for check in [Check::Sends, Check::ZeroInput, Check::NonFiniteUpstream, Check::NonFiniteInput, Check::Overflow] {
        assert!(found.contains(&check), "{check}: {found:?}");
    }
}

#[test]
fn a_transpose_that_is_forgotten() {
    let gradient = Expectations::gradient_like();
    assert!(foreign(untransposed, &gradient.clone().gradient_where_positive()).contains(&Check::Gradient));
    assert!(foreign(untransposed, &gradient.balances(|_| false)).contains(&Check::Reach), "without a formula too");
}

#[test]
fn tensors_that_do_not_fit() {
    let all = Expectations::default().takes(|_| true).balances(|_| false);
    let fault = |propagate: Propagate| {
        let report = check_on(&Foreign(propagate), &all, &CASES[..1]).expect("cases");
        let failure = report.failures().next().expect("a failure");
        (failure.check, failure.fault.clone())
    };
    let (check, nan) = fault(|site, _| Ok(with_values(site, |_| f32::NAN)));
    assert_eq!((check, nan), (Check::Sends, Fault::NonFinite));
    let (_, shape) = fault(|_, _| Ok(Propagated::whole(vec![Tensor::zeros(vec![1, 2])])));
    assert_eq!(shape, Fault::Shape { input: 0, expected: vec![2, 4, 5, 4], actual: vec![1, 2] });
    let (_, count) = fault(|_, _| Ok(Propagated::whole(Vec::new())));
    assert_eq!(count, Fault::Count { expected: 1, actual: 0 });
    let (_, panicked) = fault(|site, _| panic!("no {} here", site.inputs.len()));
    assert_eq!(panicked, Fault::Panicked("no 1 here".to_owned()));
    let (_, refused) = fault(|site, _| Err(refuse(site, "none")));
    assert!(matches!(refused, Fault::Failed(Error::Rule { .. })));
    let (_, absorbed) = fault(|site, _| {
        let absorbed = Absorbed { bias: f64::NAN, ..Absorbed::default() };
        Ok(Propagated { absorbed, ..with_values(site, |_| 0.0) })
    });
    assert_eq!(absorbed, Fault::NonFinite);
}

#[test]
fn values_that_are_needed_and_taken_for_granted() {
    let granted: Propagate = |site, _| {
        let inputs = site.input_tensors().expect("values");
        Ok(Propagated::whole(inputs.into_iter().cloned().collect()))
    };
    assert!(foreign(granted, &Expectations::default()).contains(&Check::NotRetained));
}

#[test]
fn images_that_meet() {
    let mixing: Propagate = |site, upstream| {
        let found = Pass.propagate(site, upstream)?;
        let mean = upstream.sum() / upstream.len() as f32;
        Ok(Propagated::whole(found.inputs.iter().map(|sent| sent * 0.0 + mean).collect()))
    };
    let found = foreign(mixing, &Expectations::default().takes(|_| false));
    assert!(found.contains(&Check::Images) && found.contains(&Check::Reach), "{found:?}");
    assert!(!found.contains(&Check::Balance), "{found:?}");
}

#[test]
fn zeros_and_numbers_that_are_none() {
    let all = Expectations::default().takes(|_| true).balances(|_| false);
    let found = foreign(|site, _| Ok(with_values(site, |x| 1f32.copysign(x))), &all);
    let expected = [Check::ZeroUpstream, Check::NegativeZero, Check::NonFiniteUpstream, Check::WrongShape];
    assert!(expected.iter().all(|check| found.contains(check)), "{found:?}");
    let found = foreign(|site, _| Ok(with_values(site, |x| x)), &all);
    assert!(found.contains(&Check::NonFiniteInput), "{found:?}");
}

#[test]
fn promises_that_are_not_kept() {
    assert!(fails(&epsilon(1e-6), &Expectations::default().probability()).contains(&Check::Probability));
    assert!(fails(&Pass, &Expectations::default().gradient_where_positive()).contains(&Check::Gradient));
    let found = fails(&flat(), &Expectations::default().gradient_times_input());
    assert_eq!(found, BTreeSet::from([Check::GradientTimesInput]));
    let found = fails(&alpha_beta(2.0), &Expectations::default().conserves(Case::is_lossless));
    assert_eq!(found, BTreeSet::from([Check::Conservation]));
}

#[test]
fn a_rule_for_no_layer_proves_nothing() {
    let none = Foreign(|site, _| Err(refuse(site, "none")));
    let report = check_on(&none, &Expectations::default().takes(|_| false), &CASES).expect("cases");
    assert_eq!((report.passes(), report.failures().count()), (false, 0));
}

#[test]
fn small_slips_in_a_rule_that_is_a_value() {
    let mut forgets_bias = z_plus();
    forgets_bias.groups[0].terms[0].bias = None;
    let mut too_stable = z_plus();
    too_stable.stabiliser = Stabiliser::Signed(1e-4);
    let mut unbalanced = alpha_beta(2.0);
    unbalanced.groups[1].factor = -2.0;
    let mut swapped = gamma(0.25);
    (swapped.groups[0].gate, swapped.groups[1].gate) = (swapped.groups[1].gate, swapped.groups[0].gate);
    let pairs = [
        (z_plus(), forgets_bias),
        (z_plus(), too_stable),
        (alpha_beta(2.0), unbalanced),
        (gamma(0.25), swapped),
        (gamma(0.25), gamma(0.2501)),
        (w_square(), flat()),
    ];
    for (right, wrong) in pairs {
        let found = fails(&wrong, &Expectations::ratio(&right));
        assert!(found.contains(&Check::Formula), "{wrong:?}: {found:?}");
    }
}

#[test]
fn a_layer_with_another_backward() {
    let relu = CASES.iter().find(|case| matches!(case.scene.op, Op::Relu(_))).expect("a relu");
    let mut wrong = relu.clone();
    wrong.jacobian.as_mut().expect("no kink").matrix[[3, 3]] += 0.5;
    let checks = |report: Report| report.failures().map(|failure| failure.check).collect::<Vec<_>>();
    assert_eq!(checks(layers(&[relu.clone(), wrong])), [Check::Backward]);
}
