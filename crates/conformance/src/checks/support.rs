//! Where a rule sends what.

use gradex_engine::{Error, Tensor};

use super::{Outcome, Probe, Verdict, same, within};
use crate::attempt::attempt;
use crate::fault::Fault;
use crate::jacobian::flat;
use crate::scene::image;

/// As many outputs as are tried alone.
const OUTPUTS: usize = 5;

pub(super) fn reach(probe: &Probe<'_>) -> Verdict {
    let scene = &probe.case.scene;
    let Some(jacobian) = probe.case.jacobian.as_ref().filter(|_| scene.op.affine().is_some()) else {
        return Ok(Outcome::DoesNotApply);
    };
    let step = scene.output.len().div_ceil(OUTPUTS).max(1);
    for output in (0..scene.output.len()).step_by(step) {
        let mut upstream = Tensor::zeros(scene.output.shape());
        upstream.iter_mut().skip(output).take(1).for_each(|value| *value = 1.0);
        let sent = flat(&probe.send(&upstream)?.inputs);
        let reached = jacobian.matrix.row(output);
        for (place, (value, weight)) in sent.iter().zip(reached).enumerate() {
            if *weight == 0.0 {
                within("value out of reach", place, 0.0, *value, 0.0)?;
            }
        }
    }
    Ok(Outcome::Holds)
}

pub(super) fn images(probe: &Probe<'_>) -> Verdict {
    let scene = &probe.case.scene;
    let Some(count) = scene.images().filter(|count| *count > 1) else { return Ok(Outcome::DoesNotApply) };
    let failed = |error: Error| Fault::Failed(error);
    for index in 0..count {
        let alone = scene.image(index).map_err(failed)?;
        let sent = attempt(probe.rule, &alone.site(), &image(probe.upstream, index))?;
        let together: Vec<Tensor> = probe.sent.inputs.iter().map(|sent| image(sent, index)).collect();
        same("value of an image alone", &flat(&together), &flat(&sent.inputs), |_| 0.0)?;
    }
    Ok(Outcome::Holds)
}
