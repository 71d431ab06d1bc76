//! The network with more and more of it forgotten.

use anyhow::Result;
use gradex::Network;
use gradex::metrics::{learned_layers, randomised};

/// A network whose layers from the logits down to this one are random.
pub struct Forgetful {
    /// The layer's name.
    pub layer: String,
    /// The network.
    pub network: Network,
}

impl Forgetful {
    /// At so many depths, evenly from the logits alone to the whole network.
    pub fn at(depths: usize, network: &Network, seed: u64) -> Result<Vec<Self>> {
        let layers = learned_layers(network);
        let depths = depths.min(layers.len());
        let depth = |step: usize| if depths > 1 { 1 + step * (layers.len() - 1) / (depths - 1) } else { layers.len() };
        let at = |count: usize| {
            let layer = network.graph().node(layers[count - 1]).name.clone();
            Ok(Self { layer, network: randomised(network, &layers[..count], seed)? })
        };
        (0..depths).map(|step| at(depth(step))).collect()
    }
}
