//! Layer-wise relevance propagation (S. Bach et al., PLoS ONE 10(7), 2015).
//!
//! The target's derivative at the logits, 1 for a class, is carried back under a composite on the network with folded batch
//! norms; `map = Σ_c R_c`. Where no bias, stabiliser or padding absorbs, the map's sum is what it began with:
//! [`Run::ledgers`] says what went where.

use gradex_engine::{Graph, NodeId};

use super::{About, Method, channel_sum, maps};
use crate::coarse_map::CoarseMap;
use crate::composites::Composite;
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::rules::Bounds;
use crate::run::Run;

/// Relevance under a composite, at the input unless another point is asked for.
#[derive(Debug, Clone)]
pub struct Lrp {
    about: About,
    /// The composite, or what must be given to have one.
    composite: std::result::Result<Composite, &'static str>,
    /// Whether it may have any rules: published ones read linear layers' weights without copies.
    has_own_rules: bool,
}

impl Lrp {
    /// Under the caller's rules; without them it cannot be applied.
    #[must_use]
    pub fn new(rules: Option<Composite>) -> Self {
        let missing =
            "give rules (--rule), such as `first conv2d = flat; conv2d = gamma(0.25); linear = epsilon(1e-6)`";
        Self {
            about: About {
                name: "lrp",
                summary: "relevance under rules of your own",
                cost: "1 relevance walk",
                paper: "Bach et al., PLoS ONE 2015",
            },
            composite: rules.ok_or(missing),
            has_own_rules: true,
        }
    }

    /// Convolutions z⁺, linear layers ε.
    #[must_use]
    pub fn epsilon_plus() -> Self {
        Self::published(
            "epsilon-plus",
            "relevance: convolutions z+, linear layers epsilon",
            Ok(Composite::epsilon_plus()),
        )
    }

    /// As [`Lrp::epsilon_plus`], the first layer flat.
    #[must_use]
    pub fn epsilon_plus_flat() -> Self {
        let summary = "relevance: as epsilon-plus, the first layer flat";
        Self::published("epsilon-plus-flat", summary, Ok(Composite::epsilon_plus_flat()))
    }

    /// Convolutions αβ with α = 2 and β = 1, linear layers ε.
    #[must_use]
    pub fn epsilon_alpha2_beta1() -> Self {
        let summary = "relevance: convolutions alpha-beta(2, 1), linear layers epsilon";
        Self::published("epsilon-alpha2-beta1", summary, Ok(Composite::epsilon_alpha2_beta1()))
    }

    /// As [`Lrp::epsilon_alpha2_beta1`], the first layer flat.
    #[must_use]
    pub fn epsilon_alpha2_beta1_flat() -> Self {
        let summary = "relevance: as epsilon-alpha2-beta1, the first layer flat";
        Self::published("epsilon-alpha2-beta1-flat", summary, Ok(Composite::epsilon_alpha2_beta1_flat()))
    }

    /// The first convolution z^B with these bounds of the input, the others γ, linear layers ε; without bounds it cannot be
    /// applied.
    #[must_use]
    pub fn epsilon_gamma_box(bounds: Option<&Bounds>) -> Self {
        let summary = "relevance: the first convolution z-box, others gamma(0.25), linear layers epsilon";
        let missing = "give the bounds of the network's input, black and white after normalisation";
        Self::published("epsilon-gamma-box", summary, bounds.map(Composite::epsilon_gamma_box).ok_or(missing))
    }

    fn published(
        name: &'static str,
        summary: &'static str,
        composite: std::result::Result<Composite, &'static str>,
    ) -> Self {
        let paper = match name {
            "epsilon-gamma-box" => "Montavon et al., LRP: An Overview, 2019",
            _ => "Kohlbrenner et al., IJCNN 2020",
        };
        Self { about: About { name, summary, cost: "1 relevance walk", paper }, composite, has_own_rules: false }
    }
}

impl Method for Lrp {
    fn about(&self) -> About {
        self.about
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        self.composite.iter().map(|composite| ("rules", composite.to_string())).collect()
    }

    fn work(&self) -> Work {
        Work::Relevance { walks: 1, copies: self.has_own_rules }
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let method = self.about.name;
        let composite =
            self.composite.as_ref().map_err(|why| Error::Inapplicable { method, why: (*why).to_owned() })?;
        let relevance = run.relevance(composite, &[point])?;
        maps(run, method, point, &relevance.at[&point], channel_sum)
    }
}
