//! Relevance carried back through a network, each node under the rule that a composite gives it.

use std::collections::BTreeMap;

use gradex_engine::{NodeId, Tensor};

use crate::composites::{Composite, Plan};
use crate::error::Result;
use crate::ledger::{Entry, Ledger};
use crate::rules::total;
use crate::run::Run;

/// What arrived where, and the account of it.
#[derive(Debug, Clone)]
pub struct Relevance {
    /// What arrived at each of the points asked for, of its output's shape.
    pub at: BTreeMap<NodeId, Tensor>,
    /// The account.
    pub ledger: Ledger,
}

impl Run<'_> {
    /// Carries the target's derivative back to `points` under a composite: on the network with folded batch norms where the
    /// composite is meant to conserve relevance, else on the network as it is. The first kind's ledgers are kept
    /// ([`Run::ledgers`]).
    ///
    /// # Errors
    /// [`Error::Unrelated`](crate::Error::Unrelated) where the logits do not depend on a point, and as
    /// [`Run::relevance_under`].
    pub fn relevance(&self, composite: &Composite, points: &[NodeId]) -> Result<Relevance> {
        points.iter().try_for_each(|point| self.check_related(*point))?;
        let network = if composite.conserves() { self.folded()? } else { self.network() };
        let found = self.relevance_under(&composite.explain(network), points)?;
        if composite.conserves() {
            self.keep_ledger(found.ledger.clone());
        }
        Ok(found)
    }

    /// Carries the target's derivative back to `points` under a plan, on the plan's network: that of the run, or the same
    /// with folded batch norms.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) with the node where a rule does not apply, where the tape lacks what it
    /// needs, or where a value is NaN or infinite.
    pub fn relevance_under(&self, plan: &Plan<'_>, points: &[NodeId]) -> Result<Relevance> {
        let graph = plan.network.graph();
        let wanted = graph.depend_on(points);
        let mut entries = Vec::new();
        let at = self.backward(plan.network, self.seed().clone(), points, |id, site, upstream| {
            let found = plan.of(id).rule.propagate(site, upstream)?;
            let mut entry = Entry::new(plan, id, upstream, &found);
            let inputs = graph.node(id).inputs.iter().zip(&found.inputs);
            entry.aside = inputs.filter(|(input, _)| !wanted[input.index()]).map(|(_, sent)| total(sent)).sum();
            entries.push(entry);
            Ok(found.inputs)
        })?;
        let arrived = at.iter().map(|(id, tensor)| (graph.node(*id).name.clone(), total(tensor))).collect();
        Ok(Relevance { at, ledger: Ledger::new(plan, self.seed(), entries, arrived) })
    }
}
