//! Contrastive excitation backprop (J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 126, 2018,
//! section 3.4).
//!
//! Excitation backprop runs twice, side by side: `p` with the weights as they are, and `p̄` with those of the last layer that
//! has some negated. From the contrast point on `p - p̄` goes on alone.
//! `map = max(0, Σ_c p_c)` at the point; nothing is clamped or rescaled before.
//!
//! What goes round the contrast point, along a residual connection, is not contrasted.

use gradex_engine::{Graph, NodeId, Retain, Tensor};

use super::{About, Method, channel_sum, maps};
use crate::coarse_map::CoarseMap;
use crate::composites::{Composite, Kind, Selector};
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::rules::{Rule, inhibition};
use crate::run::Run;

/// Winning probabilities, less those of all else than the class.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContrastiveExcitationBackprop {
    /// Where the two are subtracted; the point itself where there is none.
    pub contrast_point: Option<NodeId>,
}

impl Method for ContrastiveExcitationBackprop {
    fn about(&self) -> About {
        About {
            name: "contrastive-excitation-backprop",
            summary: "excitation backprop of the class, less that of all else",
            cost: "2 relevance walks",
            paper: "Zhang et al., IJCV 2018",
        }
    }

    fn retain(&self, graph: &Graph, point: NodeId) -> Retain {
        let first = self.contrast_point.map_or(point, |contrast| contrast.min(point));
        Retain::from(first).nodes(&graph.beside(point))
    }

    fn parameters(&self, graph: &Graph) -> Vec<(&'static str, String)> {
        let name = |point: NodeId| graph.nodes().get(point.index()).map_or("?", |node| &node.name).to_owned();
        vec![("contrast point", self.contrast_point.map_or("the point itself".to_owned(), name))]
    }

    fn work(&self) -> Work {
        Work::Relevance { walks: 2, copies: false }
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let contrast = self.contrast_point.unwrap_or(point);
        let last = self.last_layer(run.graph(), point, contrast)?;
        run.check_related(point)?;
        let plan = Composite::excitation_backprop().explain(run.network());
        let seeds = vec![run.seed().clone(); 2];
        let mut found = run.backward_all(run.network(), seeds, &[point], &mut |id, site, upstreams| {
            let rule = &plan.of(id).rule;
            let found = match upstreams {
                [whole, other, ..] if id == last => {
                    vec![rule.propagate(site, whole)?, inhibition().propagate(site, other)?]
                }
                [whole, other, ..] if id == contrast => vec![rule.propagate(site, &(whole - other))?],
                _ => rule.propagate_all(site, upstreams)?,
            };
            Ok(found.into_iter().map(|found| found.inputs).collect())
        })?;
        let found = match &found.remove(&point).unwrap_or_default()[..] {
            [whole, other] => whole - other,
            [contrasted, ..] => contrasted.clone(),
            [] => Tensor::zeros(run.tape().shape(point)),
        };
        let mut found = maps(run, self.about().name, point, &found, channel_sum)?;
        found.iter_mut().for_each(|map| map.values.mapv_inplace(|value| value.max(0.0)));
        Ok(found)
    }
}

impl ContrastiveExcitationBackprop {
    /// The layer whose weights are negated, after the check that it depends on the contrast point, and that on the point.
    fn last_layer(&self, graph: &Graph, point: NodeId, contrast: NodeId) -> Result<NodeId> {
        let error = |why: String| Error::Inapplicable { method: self.about().name, why };
        let name = |id: NodeId| graph.nodes().get(id.index()).map_or("?", |node| &node.name);
        let depends = |id: NodeId, on: NodeId| graph.depend_on(&[on])[id.index()];
        let last = Selector::kind(Kind::Weighted).last().select(graph);
        let [last] = last[..] else { return Err(error("no layer has weights to negate".to_owned())) };
        if contrast >= last || !depends(last, contrast) {
            return Err(error(format!(
                "the last layer `{}` does not read the contrast point `{}`; choose an earlier one",
                name(last),
                name(contrast)
            )));
        }
        if !depends(contrast, point) {
            return Err(error(format!(
                "the contrast point `{}` does not depend on the point `{}`; choose a contrast point after it",
                name(contrast),
                name(point)
            )));
        }
        Ok(last)
    }
}
