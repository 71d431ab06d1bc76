//! What a rule sends in sum.

use gradex_engine::Tensor;
use gradex_saliency::rules::Propagated;

use super::{Outcome, Probe, Verdict, within};
use crate::jacobian::flat;

pub(super) fn balance(probe: &Probe<'_>) -> Verdict {
    if !(probe.expectations.balances)(probe.case) {
        return Ok(Outcome::DoesNotApply);
    }
    balanced(probe.upstream, probe.sent)
}

/// `Σ upstream = Σ sent + absorbed`, within `1e-5` of the sum of magnitudes.
pub(super) fn balanced(upstream: &Tensor, sent: &Propagated) -> Verdict {
    let [arrived, left] = [flat([upstream]), flat(&sent.inputs)];
    let magnitude: f64 = arrived.iter().chain(&left).map(|value| value.abs()).sum();
    let actual = left.iter().sum::<f64>() + sent.absorbed.total();
    within("what is sent and absorbed, number", 0, arrived.iter().sum(), actual, 1e-5 * magnitude)
}

pub(super) fn conservation(probe: &Probe<'_>) -> Verdict {
    if !(probe.expectations.conserves)(probe.case) {
        return Ok(Outcome::DoesNotApply);
    }
    let positive = probe.upstream.mapv(f32::abs);
    let (arrived, left) = (sum([&positive]), sum(&probe.send(&positive)?.inputs));
    within("what is sent, number", 0, arrived, left, 1e-3 * arrived)
}

pub(super) fn probability(probe: &Probe<'_>) -> Verdict {
    if !probe.expectations.is_probability || !probe.case.is_non_negative() {
        return Ok(Outcome::DoesNotApply);
    }
    let positive = probe.upstream.mapv(f32::abs);
    let sent = probe.send(&positive)?.inputs;
    for (place, value) in flat(&sent).into_iter().enumerate() {
        within("value", place, value.max(0.0), value, 0.0)?;
    }
    let (arrived, left) = (sum([&positive]), sum(&sent));
    within("what is sent, number", 0, left.min(arrived), left, 1e-5 * arrived)
}

fn sum<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> f64 {
    flat(tensors).iter().sum()
}
