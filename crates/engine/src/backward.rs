//! The backward walk: one loop for gradients and for every relevance rule.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::{Layer, Site};
use crate::network::Network;
use crate::tape::Tape;
use crate::tensor::Tensor;

impl Network {
    /// Carries `seed`, of the logits' shape, back from the logits to the nodes `keep`, and returns what arrives there.
    ///
    /// Nodes are visited in reverse execution order. What several readers of a node send back is summed, in that order.
    /// At each node `rule` says what goes to its inputs; with [`Network::gradient`] that is the layer's own backward.
    /// Only nodes between the logits and `keep` are visited; a kept node that the logits do not depend on gets zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] where the seed has not the logits' shape; [`Error::Node`] around what `rule` returned.
    pub fn backward(
        &self,
        tape: &Tape,
        seed: Tensor,
        keep: &[NodeId],
        mut rule: impl FnMut(NodeId, &Site<'_>, &Tensor) -> Result<Vec<Tensor>>,
    ) -> Result<BTreeMap<NodeId, Tensor>> {
        let logits = self.graph().logits();
        if tape.shapes.len() != self.graph().nodes().len() {
            return Err(Error::Graph("the tape is another network's".to_owned()));
        }
        if seed.shape() != tape.shape(logits) {
            let expected = format!("a seed of the logits' shape {:?}", tape.shape(logits));
            return Err(Error::shape("the backward pass", expected, seed.shape()));
        }
        let wanted = self.graph().depend_on(keep);
        let mut arrived: BTreeMap<NodeId, Tensor> = BTreeMap::from([(logits, seed)]);
        let mut kept = BTreeMap::new();

        while let Some((id, upstream)) = arrived.pop_last() {
            let node = self.graph().node(id);
            let site = self.site(tape, id);
            if node.inputs.iter().any(|input| wanted[input.0]) {
                let sent = rule(id, &site, &upstream).map_err(|error| error.at(&node.name))?;
                if sent.len() != node.inputs.len() {
                    let error =
                        Error::Inputs { op: node.op.kind(), expected: "one gradient an input", actual: sent.len() };
                    return Err(error.at(&node.name));
                }
                for (input, gradient) in node.inputs.iter().zip(sent).filter(|(input, _)| wanted[input.0]) {
                    if gradient.shape() != tape.shape(*input) {
                        let expected = format!("a gradient of its input's shape {:?}", tape.shape(*input));
                        return Err(Error::shape(node.op.kind(), expected, gradient.shape()).at(&node.name));
                    }
                    match arrived.get_mut(input) {
                        Some(sum) => *sum += &gradient,
                        None => {
                            arrived.insert(*input, gradient);
                        }
                    }
                }
            }
            if keep.contains(&id) {
                kept.insert(id, upstream);
            }
        }
        for id in keep {
            kept.entry(*id).or_insert_with(|| Tensor::zeros(tape.shape(*id)));
        }
        Ok(kept)
    }

    /// The gradient of `Σ seed logits` at the nodes `keep`.
    ///
    /// # Errors
    /// As [`Network::backward`]; [`Error::NotRetained`] where the tape lacks what a layer needs.
    pub fn gradient(&self, tape: &Tape, seed: Tensor, keep: &[NodeId]) -> Result<BTreeMap<NodeId, Tensor>> {
        self.backward(tape, seed, keep, |_, site, upstream| site.op.backward(site, upstream))
    }

    /// One node in one forward pass.
    #[must_use]
    pub fn site<'a>(&'a self, tape: &'a Tape, id: NodeId) -> Site<'a> {
        let node = self.graph().node(id);
        Site {
            op: &node.op,
            params: self.params(id),
            inputs: node.inputs.iter().map(|input| tape.kept(*input)).collect(),
            output: tape.kept(id),
            cache: tape.cache(id),
        }
    }
}
