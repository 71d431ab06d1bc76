//! What a rule makes of zeros, of numbers that are none, and of wrong shapes.

use gradex_engine::{Error, Tensor};
use gradex_saliency::rules::Propagated;

use super::sums::balanced;
use super::{Outcome, Probe, Verdict, same, within};
use crate::attempt::attempt;
use crate::fault::Fault;
use crate::jacobian::flat;
use crate::scene::Scene;

const NON_FINITE: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

pub(super) fn zero_upstream(probe: &Probe<'_>) -> Verdict {
    for zero in [0.0, -0.0] {
        let sent = probe.send(&Tensor::from_elem(probe.upstream.shape(), zero))?;
        let values = flat(&sent.inputs);
        same("value", &vec![0.0; values.len()], &values, |_| 0.0)?;
        within("what is absorbed, number", 0, 0.0, sent.absorbed.total(), 0.0)?;
    }
    Ok(Outcome::Holds)
}

pub(super) fn zero_input(probe: &Probe<'_>) -> Verdict {
    let sent = over_zeros(probe, 0.0)?;
    if (probe.expectations.balances)(probe.case) { balanced(probe.upstream, &sent) } else { Ok(Outcome::Holds) }
}

pub(super) fn negative_zero(probe: &Probe<'_>) -> Verdict {
    let [positive, negative] = [over_zeros(probe, 0.0)?, over_zeros(probe, -0.0)?];
    same("value", &flat(&positive.inputs), &flat(&negative.inputs), |_| 0.0)?;
    within("what is absorbed, number", 0, positive.absorbed.total(), negative.absorbed.total(), 0.0)
}

/// What is sent to inputs of nothing but this zero, without a bias.
fn over_zeros(probe: &Probe<'_>, zero: f32) -> Result<Propagated, Fault> {
    let zeros = probe.case.scene.inputs.iter().map(|input| Tensor::from_elem(input.shape(), zero)).collect();
    let scene = probe.case.scene.without_bias().and_then(|scene| scene.with_inputs(zeros));
    attempt(probe.rule, &scene.map_err(Fault::Failed)?.site(), probe.upstream)
}

pub(super) fn non_finite_upstream(probe: &Probe<'_>) -> Verdict {
    for bad in NON_FINITE {
        match probe.send(&with_one(probe.upstream, bad)) {
            Ok(_) => return Err(Fault::Accepted("NaN or an infinity in the upstream")),
            Err(fault) => refused_as_non_finite(fault)?,
        };
    }
    Ok(Outcome::Holds)
}

pub(super) fn non_finite_input(probe: &Probe<'_>) -> Verdict {
    for which in 0..probe.case.scene.inputs.len() {
        for bad in NON_FINITE {
            let mut inputs = probe.case.scene.inputs.clone();
            inputs[which] = with_one(&inputs[which], bad);
            let scene: Scene = probe.case.scene.with_inputs(inputs).map_err(Fault::Failed)?;
            if let Err(fault) = attempt(probe.rule, &scene.site(), probe.upstream) {
                refused_as_non_finite(fault)?;
            }
        }
    }
    Ok(Outcome::Holds)
}

pub(super) fn overflow(probe: &Probe<'_>) -> Verdict {
    let largest = |tensor: &Tensor| tensor.mapv(|value| f32::MAX.copysign(value));
    let inputs = probe.case.scene.inputs.iter().map(largest).collect();
    let scene = probe.case.scene.with_inputs(inputs).map_err(Fault::Failed)?;
    let sent = [probe.send(&largest(probe.upstream)), attempt(probe.rule, &scene.site(), probe.upstream)];
    sent.into_iter().filter_map(Result::err).try_fold(Outcome::Holds, |_, fault| refused_as_non_finite(fault))
}

pub(super) fn wrong_shape(probe: &Probe<'_>) -> Verdict {
    let mut shape = probe.upstream.shape().to_vec();
    shape.iter_mut().for_each(|size| *size += 1);
    match probe.send(&Tensor::zeros(shape)) {
        Ok(_) => Err(Fault::Accepted("an upstream of another shape than the output's")),
        Err(Fault::Failed(Error::Shape { .. })) => Ok(Outcome::Holds),
        Err(fault) => Err(fault),
    }
}

/// The tensor with `value` in its middle.
fn with_one(tensor: &Tensor, value: f32) -> Tensor {
    let mut changed = tensor.clone();
    changed.iter_mut().skip(tensor.len() / 2).take(1).for_each(|old| *old = value);
    changed
}

fn refused_as_non_finite(fault: Fault) -> Verdict {
    if matches!(fault, Fault::Failed(Error::NonFinite { .. })) { Ok(Outcome::Holds) } else { Err(fault) }
}
