//! The layers themselves: what every rule stands on.

use gradex_engine::{Layer, Tensor};

use crate::case::{Case, noise};
use crate::checks::{Check, Outcome, Verdict, is_gradient, within};
use crate::fault::Fault;
use crate::jacobian::flat;
use crate::report::{CaseOutcome, CaseResult, Report};
use crate::scene::linear;

type Checker = fn(&Case) -> Verdict;

/// The adjoint identity of every affine layer, and every layer's backward pass against its Jacobian.
#[must_use]
pub fn layers(cases: &[Case]) -> Report {
    let checks: [(Check, Checker); 2] = [(Check::Adjoint, adjoint), (Check::Backward, backward)];
    let result = |case: &Case| {
        let outcome = CaseOutcome::of(checks.map(|(check, holds)| (check, holds(case))));
        CaseResult { kind: case.kind(), case: case.name.clone(), outcome }
    };
    Report { rule: "the layer itself".to_owned(), results: cases.iter().map(result).collect() }
}

fn adjoint(case: &Case) -> Verdict {
    let scene = &case.scene;
    let Some(layer) = scene.op.affine() else { return Ok(Outcome::DoesNotApply) };
    let (params, upstream) = (linear(&scene.params), noise("adjoint", scene.output.shape()));
    let inputs: Vec<&Tensor> = scene.inputs.iter().collect();
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    let output = layer.apply(&params, &inputs).map_err(Fault::Failed)?;
    let back = layer.transpose(&params, &upstream, &shapes).map_err(Fault::Failed)?;
    let (there, here) = (products([&output], [&upstream]), products(inputs, &back));
    let magnitude: f64 = there.iter().chain(&here).map(|product| product.abs()).sum();
    within("product", 0, there.iter().sum(), here.iter().sum(), 1e-6 * magnitude)
}

fn backward(case: &Case) -> Verdict {
    let Some(jacobian) = &case.jacobian else { return Ok(Outcome::DoesNotApply) };
    let upstream = noise("backward", case.scene.output.shape());
    let sent = case.scene.op.backward(&case.scene.site(), &upstream).map_err(Fault::Failed)?;
    is_gradient(jacobian, &upstream, &sent)
}

fn products<'t>(a: impl IntoIterator<Item = &'t Tensor>, b: impl IntoIterator<Item = &'t Tensor>) -> Vec<f64> {
    flat(a).into_iter().zip(flat(b)).map(|(a, b)| a * b).collect()
}
