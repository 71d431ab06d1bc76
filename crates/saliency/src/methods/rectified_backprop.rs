//! Gradients with another way back through rectifiers: guided backprop and deconvnet.
//!
//! `map = max_c |p_c|`, with `p` what arrives at the point under [`Guided`](crate::rules::Guided) (J. T. Springenberg et al.,
//! ICLR workshop 2015) or [`Deconvnet`](crate::rules::Deconvnet) (M. Zeiler and R. Fergus, ECCV 2014).

use gradex_engine::{Graph, NodeId};

use super::{About, Method, largest_magnitude, maps};
use crate::coarse_map::CoarseMap;
use crate::composites::Composite;
use crate::error::Result;
use crate::run::Run;

/// The largest magnitude over channels of what arrives, at the input unless another point is asked for.
#[derive(Debug, Clone)]
pub struct RectifiedBackprop {
    about: About,
    composite: Composite,
}

impl RectifiedBackprop {
    /// Guided backprop.
    #[must_use]
    pub fn guided_backprop() -> Self {
        let about = About {
            name: "guided-backprop",
            summary: "the gradient, negative values dropped at rectifiers",
            cost: "1 backward to the point",
            paper: "Springenberg et al., ICLR workshop 2015",
        };
        Self { about, composite: Composite::guided_backprop() }
    }

    /// Deconvolutional network.
    #[must_use]
    pub fn deconvnet() -> Self {
        let about = About {
            name: "deconvnet",
            summary: "the gradient, rectified on the way back",
            cost: "1 backward to the point",
            paper: "Zeiler and Fergus, ECCV 2014",
        };
        Self { about, composite: Composite::deconvnet() }
    }
}

impl Method for RectifiedBackprop {
    fn about(&self) -> About {
        self.about
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        vec![("rules", self.composite.to_string())]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let found = run.relevance(&self.composite, &[point])?;
        maps(run, self.about.name, point, &found.at[&point], largest_magnitude)
    }
}
