//! Gradient times input (A. Shrikumar et al., 2016, arXiv 1605.01713): `map = Σ_c g_c x_c`, signed, with `x` the point's
//! output and `g` the gradient of the score there. On a network without biases its sum is the score.

use gradex_engine::{Graph, NodeId, Retain};

use super::{channel_sum, map_of};
use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::{About, Method};
use crate::run::Run;

/// The first-order part of the score that each pixel has.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradientXInput;

impl Method for GradientXInput {
    fn about(&self) -> About {
        About {
            name: "gradient-x-input",
            summary: "each pixel's first-order part of the score, signed",
            cost: "1 backward",
            paper: "Shrikumar et al., arXiv 1605.01713, 2016",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, graph: &Graph, point: NodeId) -> Retain {
        Retain::gradient(graph, point).nodes(&[point])
    }

    fn gradients(&self, _graph: &Graph, point: NodeId) -> Vec<NodeId> {
        vec![point]
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let (activations, gradients) = (run.activation(point)?, run.gradient(point)?);
        let images = activations.outer_iter().zip(gradients.outer_iter());
        images.map(|(x, g)| map_of("gradient x input", point, channel_sum((&x * &g).view()), g)).collect()
    }
}
