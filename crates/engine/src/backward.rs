//! The backward walk: one loop for gradients and for every relevance rule.

use std::collections::BTreeMap;

use gradex_kernels::together;

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::{Layer, Site};
use crate::network::Network;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What a node sends back, given what arrived at it and at others.
type Sending<'a, V> = dyn FnMut(NodeId, V, &mut BTreeMap<NodeId, V>) -> Result<Vec<(NodeId, V)>> + 'a;

/// What a node sends to its inputs for each of the upstreams at its output.
pub type Ruling<'a> = dyn FnMut(NodeId, &Site<'_>, &[Tensor]) -> Result<Vec<Vec<Tensor>>> + 'a;

/// How far a walk has come.
#[derive(Debug, Clone)]
pub(crate) struct Way<V> {
    /// What arrived at nodes that were not visited yet.
    pub arrived: BTreeMap<NodeId, V>,
    /// What arrived at the nodes to keep.
    pub kept: BTreeMap<NodeId, V>,
}

impl<V> Way<V> {
    /// A walk that begins with this at one node.
    pub(crate) fn from(node: NodeId, value: V) -> Self {
        Self { arrived: BTreeMap::from([(node, value)]), kept: BTreeMap::new() }
    }
}

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
        let mut each = |id, site: &Site<'_>, upstreams: &[Tensor]| {
            upstreams.iter().map(|upstream| rule(id, site, upstream)).collect()
        };
        let found = self.backward_all(tape, vec![seed], keep, &mut each)?;
        Ok(found.into_iter().filter_map(|(id, mut all)| Some((id, all.pop()?))).collect())
    }

    /// [`Network::backward`] of several seeds side by side. `rule` says what each of a node's upstreams sends to its inputs; of
    /// upstreams from the end on it may send nothing, and they end there.
    ///
    /// # Errors
    /// As [`Network::backward`].
    pub fn backward_all(
        &self,
        tape: &Tape,
        seeds: Vec<Tensor>,
        keep: &[NodeId],
        rule: &mut Ruling<'_>,
    ) -> Result<BTreeMap<NodeId, Vec<Tensor>>> {
        let mut send = |id: NodeId, upstreams: Vec<Tensor>, _: &mut BTreeMap<NodeId, Vec<Tensor>>| {
            let (site, inputs) = (self.site(tape, id), &self.graph().node(id).inputs);
            let mut sent: Vec<(NodeId, Vec<Tensor>)> = inputs.iter().map(|input| (*input, Vec::new())).collect();
            for gradients in rule(id, &site, &upstreams)? {
                check_sent(&site, &gradients)?;
                sent.iter_mut().zip(gradients).for_each(|((_, all), gradient)| all.push(gradient));
            }
            Ok(sent)
        };
        seeds.iter().try_for_each(|seed| self.check_seed(tape, seed))?;
        let count = seeds.len();
        let way = Way::from(self.graph().logits(), seeds);
        let mut kept = self.walk(way, keep, &|_| true, &mut send, &added)?.kept;
        for id in keep {
            kept.entry(*id).or_insert_with(|| vec![Tensor::zeros(tape.shape(*id)); count]);
        }
        Ok(kept)
    }

    /// The walk itself, over values of any form, as long as the next node is to be visited: `send` says what a node sends and to
    /// which nodes, and may take from what has arrived.
    pub(crate) fn walk<V: Clone>(
        &self,
        mut way: Way<V>,
        keep: &[NodeId],
        visits: &dyn Fn(NodeId) -> bool,
        send: &mut Sending<'_, V>,
        add: &dyn Fn(NodeId, V, V) -> Result<V>,
    ) -> Result<Way<V>> {
        let wanted = self.graph().depend_on(keep);
        let Way { arrived, kept } = &mut way;
        while let Some(next) = arrived.last_entry().filter(|next| visits(*next.key())) {
            let (id, upstream) = next.remove_entry();
            let node = self.graph().node(id);
            if keep.contains(&id) {
                kept.insert(id, upstream.clone());
            }
            if !node.inputs.iter().any(|input| wanted[input.0]) {
                continue;
            }
            let sent = send(id, upstream, arrived).map_err(|error| error.at(&node.name))?;
            for (to, gradient) in sent.into_iter().filter(|(to, _)| wanted[to.0]) {
                let sum = match arrived.remove(&to) {
                    Some(sum) => add(to, sum, gradient).map_err(|error| error.at(&node.name))?,
                    None => gradient,
                };
                arrived.insert(to, sum);
            }
        }
        Ok(way)
    }

    /// Checks that the tape is this network's and that the seed has its logits' shape.
    pub(crate) fn check_seed(&self, tape: &Tape, seed: &Tensor) -> Result<()> {
        if tape.shapes.len() != self.graph().nodes().len() {
            return Err(Error::foreign_tape());
        }
        let logits = tape.shape(self.graph().logits());
        if seed.shape() != logits {
            let expected = format!("a seed of the logits' shape {logits:?}");
            return Err(Error::shape("the backward pass", expected, seed.shape()));
        }
        Ok(())
    }

    /// The gradient of `Σ seed logits` at the nodes `keep`, over images that stay in blocks.
    ///
    /// # Errors
    /// As [`Network::backward`]; [`Error::NotRetained`] where the tape lacks what a layer needs.
    pub fn gradient(&self, tape: &Tape, seed: Tensor, keep: &[NodeId]) -> Result<BTreeMap<NodeId, Tensor>> {
        together(|| self.gradient_watched(tape, seed, keep, &mut |_| ()))
    }

    /// [`Network::gradient`]; `done` is told each node as soon as its gradient was sent on: to show progress, or to take
    /// times. Rectifiers and batch norms that a convolution passed on the way are not told. As in [`Network::forward_watched`], the
    /// thread that asks calls it.
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
        let mut descents = self.descend_watched(tape, &[seed], keep, done)?;
        descents.pop().map_or_else(|| Ok(BTreeMap::new()), |descent| self.gradient_from(tape, descent, done))
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

/// The sum of what arrived and what is sent, for each of the upstreams that both have.
pub(crate) fn added(_: NodeId, sums: Vec<Tensor>, sent: Vec<Tensor>) -> Result<Vec<Tensor>> {
    Ok(sums.into_iter().zip(&sent).map(|(sum, sent)| sum + sent).collect())
}

/// Checks that there is one gradient an input, of its shape.
fn check_sent(site: &Site<'_>, sent: &[Tensor]) -> Result<()> {
    if sent.len() != site.inputs.len() {
        let expected = "one gradient an input";
        return Err(Error::Inputs { op: site.op.kind(), expected, actual: sent.len() });
    }
    for (gradient, input) in sent.iter().zip(&site.inputs) {
        if gradient.shape() != input.shape {
            let expected = format!("a gradient of its input's shape {:?}", input.shape);
            return Err(Error::shape(site.op.kind(), expected, gradient.shape()));
        }
    }
    Ok(())
}
