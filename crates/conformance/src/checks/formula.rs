//! What a rule sends, against float64.

use gradex_engine::Tensor;

use super::{Outcome, Probe, Verdict, same, within};
use crate::jacobian::{Jacobian, flat};
use crate::replica::Expected;

pub(super) fn formula(probe: &Probe<'_>) -> Verdict {
    let Some(formula) = &probe.expectations.formula else { return Ok(Outcome::DoesNotApply) };
    let upstream = flat([probe.upstream]);
    let Some(expected) = formula(probe.case, &upstream) else { return Ok(Outcome::DoesNotApply) };
    let sent = flat(&probe.sent.inputs);
    // A formula of the wrong length is the caller's mistake, and no rule fits it.
    within("count of values", 0, expected.sent.len() as f64, sent.len() as f64, 0.0)?;
    let doubt = |place: usize| expected.doubt.get(place).copied().unwrap_or(0.0);
    same("value", &expected.sent, &sent, doubt)?;
    if let Some(bias) = expected.bias {
        let magnitude: f64 = expected.sent.iter().chain(&upstream).map(|value| value.abs()).sum();
        let allowed = 1e-5 * magnitude + expected.doubt.iter().sum::<f64>();
        within("what the bias absorbs, number", 0, bias, probe.sent.absorbed.bias, allowed)?;
    }
    Ok(Outcome::Holds)
}

pub(super) fn gradient_where_positive(probe: &Probe<'_>) -> Verdict {
    let Some(jacobian) = probe.case.jacobian.as_ref().filter(|_| probe.expectations.is_gradient_where_positive) else {
        return Ok(Outcome::DoesNotApply);
    };
    let upstream = probe.upstream.mapv(f32::abs);
    let sent = probe.send(&upstream)?;
    is_gradient(jacobian, &upstream, &sent.inputs)
}

/// That `sent` is `Jᵀ upstream`.
pub(crate) fn is_gradient(jacobian: &Jacobian, upstream: &Tensor, sent: &[Tensor]) -> Verdict {
    let Expected { sent: expected, doubt, .. } = jacobian.expected(&flat([upstream]));
    same("value", &expected, &flat(sent), |place| doubt[place])
}
