//! Excitation backprop (J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 126, 2018).
//!
//! `map = Σ_c p_c` at the point, with `p` carried back under
//! [`Composite::excitation_backprop`]: the probability that the winner's path goes through there. On a network without
//! biases whose activations are not negative its sum is 1 for a class.

use gradex_engine::{Graph, NodeId};

use super::{About, Method, channel_sum, maps};
use crate::coarse_map::CoarseMap;
use crate::composites::Composite;
use crate::error::Result;
use crate::memory::Work;
use crate::run::Run;

/// Winning probabilities summed over channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExcitationBackprop;

impl Method for ExcitationBackprop {
    fn about(&self) -> About {
        About {
            name: "excitation-backprop",
            summary: "winning probabilities handed down positive weights",
            cost: "1 relevance walk",
            paper: "Zhang et al., IJCV 2018",
        }
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        vec![("rules", Composite::excitation_backprop().to_string())]
    }

    fn work(&self) -> Work {
        Work::Relevance { walks: 1, copies: false }
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let found = run.relevance(&Composite::excitation_backprop(), &[point])?;
        maps(run, self.about().name, point, &found.at[&point], channel_sum)
    }
}
