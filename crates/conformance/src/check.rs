//! A rule on many layers.

use gradex_engine::{Error, Result};
use gradex_saliency::rules::Rule;

use crate::attempt::attempt;
use crate::case::{Case, noise};
use crate::checks::{CHECKS, Check, Outcome, Probe, gradient_times_input, networks, not_retained};
use crate::expectations::Expectations;
use crate::fault::Fault;
use crate::report::{CaseOutcome, CaseResult, Report};

/// Checks a rule on every layer of [`cases`](crate::cases), and on the nodes of small networks.
///
/// # Errors
/// None in practice: see [`cases`](crate::cases). What the rule does wrong is in the report.
pub fn check(rule: &dyn Rule, expectations: &Expectations) -> Result<Report> {
    check_on(rule, expectations, &crate::cases()?)
}

/// As [`check`], on layers of the caller's choice.
///
/// # Errors
/// As [`check`].
pub fn check_on(rule: &dyn Rule, expectations: &Expectations, cases: &[Case]) -> Result<Report> {
    let mut results: Vec<CaseResult> = cases
        .iter()
        .map(|case| CaseResult {
            kind: case.kind(),
            case: case.name.clone(),
            outcome: on_case(rule, expectations, case),
        })
        .collect();
    for (name, network) in networks()? {
        let mut verdicts = vec![(Check::NotRetained, not_retained(rule, &network))];
        if expectations.is_gradient_times_input {
            verdicts.push((Check::GradientTimesInput, gradient_times_input(rule, &network)));
        }
        let outcome = CaseOutcome::of(verdicts);
        // A rule that refuses every node has nothing to show.
        if !matches!(&outcome, CaseOutcome::Checked { held: 0, failures } if failures.is_empty()) {
            results.push(CaseResult { kind: "network", case: name.to_owned(), outcome });
        }
    }
    Ok(Report { rule: rule.name(), results })
}

fn on_case(rule: &dyn Rule, expectations: &Expectations, case: &Case) -> CaseOutcome {
    let upstream = noise(&format!("upstream of {} {}", case.kind(), case.name), case.scene.output.shape());
    let sent = match attempt(rule, &case.scene.site(), &upstream) {
        Ok(sent) => sent,
        Err(Fault::Failed(error @ Error::Rule { .. })) if !(expectations.takes)(case) => {
            return CaseOutcome::Refused(error);
        }
        Err(fault) => return CaseOutcome::of([(Check::Sends, Err(fault))]),
    };
    let probe = Probe { rule, expectations, case, upstream: &upstream, sent: &sent };
    let sends = (Check::Sends, Ok(Outcome::Holds));
    let others = CHECKS.into_iter().map(|(check, holds)| (check, holds(&probe)));
    CaseOutcome::of(std::iter::once(sends).chain(others))
}
