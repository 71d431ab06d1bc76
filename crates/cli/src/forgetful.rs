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
    /// At so many depths, evenly from the logits alone to the whole network. What one forgot the next shares with it, so that
    /// all together hold each layer's parameters twice: as learnt, and forgotten.
    pub fn at(depths: usize, network: &Network, seed: u64) -> Result<Vec<Self>> {
        let layers = learned_layers(network);
        let depths = depths.min(layers.len());
        let depth = |step: usize| if depths > 1 { 1 + step * (layers.len() - 1) / (depths - 1) } else { layers.len() };
        let (mut found, mut forgotten, mut before) = (Vec::new(), 0, network.clone());
        for count in (0..depths).map(depth) {
            before = randomised(&before, &layers[forgotten..count], seed)?;
            forgotten = count;
            let layer = network.graph().node(layers[count - 1]).name.clone();
            found.push(Self { layer, network: before.clone() });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_depth_is_as_if_it_were_forgotten_at_once_and_shares_what_was_forgotten_before() {
        let network = gradex::embedded().unwrap().network;
        let layers = learned_layers(&network);
        let found = Forgetful::at(3, &network, 5).unwrap();
        for (forgetful, count) in found.iter().zip([1, 1 + (layers.len() - 1) / 2, layers.len()]) {
            let at_once = randomised(&network, &layers[..count], 5).unwrap();
            assert_eq!(forgetful.layer, network.graph().node(layers[count - 1]).name);
            for id in network.graph().ids() {
                let [found, expected] = [&forgetful.network, &at_once].map(|network| network.params(id));
                assert!(found.weight == expected.weight && found.bias == expected.bias);
            }
        }
        let logits = |network: &Network| std::ptr::from_ref(network.params(layers[0]));
        assert_eq!(logits(&found[0].network), logits(&found[2].network));
    }
}
