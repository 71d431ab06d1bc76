//! PRISM (T. Szandala, "Unlocking the black box of CNNs: visualising the decision-making process with PRISM", Information
//! Sciences 642, 2023).
//!
//! The first three principal components of the point's activations, each channel centred, `[3, h, w]`, as red, green and
//! blue: what the network tells apart has different colours. It is the same whatever the target. Signs are fixed by the
//! mean activation; extrapolated, the three are multiplied by the same and stretched together.

use gradex_engine::{Graph, NodeId, Retain};

use super::principal::principal_components;
use super::{About, Method};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::run::Run;

/// Three principal components of the activations as colours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prism;

impl Method for Prism {
    fn about(&self) -> About {
        About {
            name: "prism",
            summary: "three principal components of the activations as red, green and blue, the same for all classes",
            cost: "no pass",
            paper: "Szandala, Information Sciences 642, 2023",
        }
    }

    fn retain(&self, _graph: &Graph, point: NodeId) -> Retain {
        Retain::logits().nodes(&[point])
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        principal_components("PRISM", run.activation(point)?, point, 3)
    }
}
