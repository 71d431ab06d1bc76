//! Model-parameter randomisation (J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3).
//!
//! Layers lose what they learned, cascading from the logits down. A map of a network that knows nothing any more should
//! be another one: low rank correlation of the magnitudes is good. A method that fails shows edges, not reasons.
//!
//! The weights of a convolution or linear layer become normal numbers of their own mean and deviation, and so its biases;
//! batch norms keep theirs, so that activations stay in range.

use gradex_engine::{Network, NodeId, Op, Params, Tensor};
use gradex_saliency::Random;

use crate::error::Result;

/// The layers that learn by convolutions and linear maps, from the logits down.
#[must_use]
pub fn learned_layers(network: &Network) -> Vec<NodeId> {
    let graph = network.graph();
    let learns = |id: &NodeId| match graph.node(*id).op {
        Op::Conv2d(_) | Op::Linear(_) => true,
        Op::Input(_)
        | Op::BatchNorm2d(_)
        | Op::Relu(_)
        | Op::Relu6(_)
        | Op::MaxPool2d(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Add(_)
        | Op::Concat(_)
        | Op::Flatten(_)
        | Op::Dropout(_)
        | Op::Softmax(_) => false,
    };
    graph.ids().rev().filter(learns).collect()
}

/// The network with the parameters of these layers drawn anew. Each layer's numbers depend on the seed and the layer alone,
/// so that a longer list cascades from a shorter one.
///
/// # Errors
/// [`Error::Saliency`](crate::Error::Saliency) where a node is not of this network.
pub fn randomised(network: &Network, layers: &[NodeId], seed: u64) -> Result<Network> {
    let mut randomised = network.clone();
    for layer in layers {
        let Params { weight, bias } = network.params(*layer);
        let drawn =
            |tensor: &Tensor, which: u64| drawn_like(tensor, Random::stream(seed, 2 * layer.index() as u64 + which));
        let weight = weight.as_ref().map(|weight| drawn(&weight.tensor(), 0).into());
        let bias = bias.as_ref().map(|bias| drawn(bias, 1));
        randomised = randomised.with_params(*layer, Params { weight, bias })?;
    }
    Ok(randomised)
}

fn drawn_like(tensor: &Tensor, random: Random) -> Tensor {
    let count = tensor.len().max(1) as f64;
    let mean = tensor.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = tensor.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    let (deviation, mut place) = (variance.sqrt(), 0);
    Tensor::from_shape_simple_fn(tensor.raw_dim(), || {
        place += 1;
        (mean + deviation * random.normal(place)) as f32
    })
}
