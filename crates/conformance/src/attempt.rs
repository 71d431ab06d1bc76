//! A rule that may be anybody's, tried on one layer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use gradex_engine::{Site, Tensor};
use gradex_saliency::rules::{Propagated, Rule};

use crate::fault::Fault;

/// What the rule sends, if it is as many finite tensors as the layer has inputs, of their shapes.
pub(crate) fn attempt(rule: &dyn Rule, site: &Site<'_>, upstream: &Tensor) -> Result<Propagated, Fault> {
    let outcome = catch_unwind(AssertUnwindSafe(|| rule.propagate(site, upstream)));
    let propagated = outcome.map_err(|panic| Fault::Panicked(message(&*panic)))?.map_err(Fault::Failed)?;
    let (expected, actual) = (site.inputs.len(), propagated.inputs.len());
    if expected != actual {
        return Err(Fault::Count { expected, actual });
    }
    for (input, (site, sent)) in site.inputs.iter().zip(&propagated.inputs).enumerate() {
        if site.shape != sent.shape() {
            return Err(Fault::Shape { input, expected: site.shape.to_vec(), actual: sent.shape().to_vec() });
        }
    }
    let sent = propagated.inputs.iter().flatten().all(|value| value.is_finite());
    if sent && propagated.absorbed.total().is_finite() { Ok(propagated) } else { Err(Fault::NonFinite) }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
