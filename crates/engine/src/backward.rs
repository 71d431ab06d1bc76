//! The backward walk: one loop for gradients and for every relevance rule.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::{Layer, Site};
use crate::network::Network;
use crate::plan::Walk;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What a node sends back, given what arrived at it and at others.
type Sending<'a, V> = dyn FnMut(NodeId, V, &mut BTreeMap<NodeId, V>) -> Result<Vec<(NodeId, V)>> + 'a;

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
        let mut send = |id: NodeId, upstream: Tensor, _: &mut BTreeMap<NodeId, Tensor>| {
            let site = self.site(tape, id);
            let sent = rule(id, &site, &upstream)?;
            for (gradient, input) in sent.iter().zip(&site.inputs) {
                if gradient.shape() != input.shape {
                    let expected = format!("a gradient of its input's shape {:?}", input.shape);
                    return Err(Error::shape(site.op.kind(), expected, gradient.shape()));
                }
            }
            let inputs = &self.graph().node(id).inputs;
            if sent.len() != inputs.len() {
                return Err(Error::Inputs {
                    op: site.op.kind(),
                    expected: "one gradient an input",
                    actual: sent.len(),
                });
            }
            Ok(inputs.iter().copied().zip(sent).collect())
        };
        let add = |_, sum: Tensor, sent: Tensor| Ok(sum + &sent);
        let mut kept = self.walk(tape, &seed, keep, &|seed| Ok(seed.clone()), &mut send, &add)?;
        for id in keep {
            kept.entry(*id).or_insert_with(|| Tensor::zeros(tape.shape(*id)));
        }
        Ok(kept)
    }

    /// The walk itself, over values of any form: `send` says what a node sends and to which nodes, and may take from what has
    /// arrived.
    fn walk<V: Clone>(
        &self,
        tape: &Tape,
        seed: &Tensor,
        keep: &[NodeId],
        form: &dyn Fn(&Tensor) -> Result<V>,
        send: &mut Sending<'_, V>,
        add: &dyn Fn(NodeId, V, V) -> Result<V>,
    ) -> Result<BTreeMap<NodeId, V>> {
        let logits = self.graph().logits();
        if tape.shapes.len() != self.graph().nodes().len() {
            return Err(Error::Graph("the tape is another network's".to_owned()));
        }
        if seed.shape() != tape.shape(logits) {
            let expected = format!("a seed of the logits' shape {:?}", tape.shape(logits));
            return Err(Error::shape("the backward pass", expected, seed.shape()));
        }
        let wanted = self.graph().depend_on(keep);
        let mut arrived = BTreeMap::from([(logits, form(seed)?)]);
        let mut kept = BTreeMap::new();
        while let Some((id, upstream)) = arrived.pop_last() {
            let node = self.graph().node(id);
            if keep.contains(&id) {
                kept.insert(id, upstream.clone());
            }
            if !node.inputs.iter().any(|input| wanted[input.0]) {
                continue;
            }
            let sent = send(id, upstream, &mut arrived).map_err(|error| error.at(&node.name))?;
            for (to, gradient) in sent.into_iter().filter(|(to, _)| wanted[to.0]) {
                let sum = match arrived.remove(&to) {
                    Some(sum) => add(to, sum, gradient).map_err(|error| error.at(&node.name))?,
                    None => gradient,
                };
                arrived.insert(to, sum);
            }
        }
        Ok(kept)
    }

    /// The gradient of `Σ seed logits` at the nodes `keep`, over images that stay in blocks.
    ///
    /// # Errors
    /// As [`Network::backward`]; [`Error::NotRetained`] where the tape lacks what a layer needs.
    pub fn gradient(&self, tape: &Tape, seed: Tensor, keep: &[NodeId]) -> Result<BTreeMap<NodeId, Tensor>> {
        self.gradient_watched(tape, seed, keep, &mut |_| ())
    }

    /// [`Network::gradient`]; `done` is told each node as soon as its gradient was sent on: to show progress, or to take
    /// times. Rectifiers and batch norms that a convolution passed on the way are not told.
    ///
    /// # Errors
    /// As [`Network::gradient`].
    pub fn gradient_watched(
        &self,
        tape: &Tape,
        seed: Tensor,
        keep: &[NodeId],
        done: &mut dyn FnMut(NodeId),
    ) -> Result<BTreeMap<NodeId, Tensor>> {
        let walk = Walk::new(self, tape, keep)?;
        let logits = self.graph().logits();
        let found = self.walk(
            tape,
            &seed,
            keep,
            &|seed| walk.give(logits, seed),
            &mut |id, upstream, arrived| {
                let sent = walk.back(id, upstream, arrived)?;
                done(id);
                Ok(sent)
            },
            &|id, sum, sent| walk.add(id, &sum, &sent),
        )?;
        let tensor = |id: &NodeId| match found.get(id) {
            Some(value) => Ok((*id, value.tensor()?.clone())),
            None => Ok((*id, Tensor::zeros(tape.shape(*id)))),
        };
        keep.iter().map(tensor).collect()
    }

    /// [`Network::gradient`] layer by layer, each as it is by itself: slow, and the oracle of the planned walk.
    ///
    /// # Errors
    /// As [`Network::gradient`].
    pub fn gradient_layerwise(&self, tape: &Tape, seed: Tensor, keep: &[NodeId]) -> Result<BTreeMap<NodeId, Tensor>> {
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
