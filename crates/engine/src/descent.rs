//! The way back of many seeds together, as long as there are no images: the linear layers of a classifier are as large as
//! all else of a network, and so their weights are read once for all seeds. What comes of a seed does not depend on the
//! others. Images go back seed by seed: their gradients are large, and their weights are read once for many pixels anyway.

use std::collections::BTreeMap;
use std::sync::Arc;

use gradex_kernels::together;
use ndarray::{Axis, Slice, concatenate};

use crate::backward::{Way, added};
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::{Affine, Layer};
use crate::network::Network;
use crate::op::Op;
use crate::plan::{Value, Walk};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// A gradient that went from the logits to the last images: [`Network::descend`].
#[derive(Debug, Clone)]
pub struct Descent {
    keep: Vec<NodeId>,
    way: Way<Tensor>,
}

impl Descent {
    /// The nodes that it is on its way to.
    #[must_use]
    pub fn keep(&self) -> &[NodeId] {
        &self.keep
    }
}

impl Network {
    /// Carries each of `seeds` towards the nodes `keep`, all of them together, to where the last images were:
    /// [`Network::gradient_of`] goes on with each. Seed by seed it gives what [`Network::gradient`] does, bit for bit.
    ///
    /// # Errors
    /// As [`Network::gradient`].
    pub fn descend(&self, tape: &Tape, seeds: &[Tensor], keep: &[NodeId]) -> Result<Vec<Descent>> {
        together(|| self.descend_watched(tape, seeds, keep, &mut |_| ()))
    }

    /// What arrives at the nodes to keep of a descent over this tape.
    ///
    /// # Errors
    /// As [`Network::gradient`].
    pub fn gradient_of(&self, tape: &Tape, descent: Descent) -> Result<BTreeMap<NodeId, Tensor>> {
        together(|| self.gradient_from(tape, descent, &mut |_| ()))
    }

    pub(crate) fn descend_watched(
        &self,
        tape: &Tape,
        seeds: &[Tensor],
        keep: &[NodeId],
        done: &mut dyn FnMut(NodeId),
    ) -> Result<Vec<Descent>> {
        if seeds.is_empty() {
            return Ok(Vec::new());
        }
        seeds.iter().try_for_each(|seed| self.check_seed(tape, seed))?;
        let is_image = |id: &NodeId| tape.shape(*id).len() == 4;
        let Way { arrived, kept } = self.walk(
            Way::from(self.graph().logits(), seeds.to_vec()),
            keep,
            &|id| !is_image(&id) && !self.graph().node(id).inputs.iter().any(is_image),
            &mut |id, upstreams, _| {
                let sent = self.send_all(tape, id, &upstreams)?;
                done(id);
                Ok(sent)
            },
            &added,
        )?;
        let of = |values: &BTreeMap<NodeId, Vec<Tensor>>, seed: usize| {
            values.iter().map(|(id, all)| (*id, all[seed].clone())).collect()
        };
        let way = |seed| Way { arrived: of(&arrived, seed), kept: of(&kept, seed) };
        Ok((0..seeds.len()).map(|seed| Descent { keep: keep.to_vec(), way: way(seed) }).collect())
    }

    pub(crate) fn gradient_from(
        &self,
        tape: &Tape,
        descent: Descent,
        done: &mut dyn FnMut(NodeId),
    ) -> Result<BTreeMap<NodeId, Tensor>> {
        let Descent { keep, way } = descent;
        let is_of_tape =
            |(id, tensor): (&NodeId, &Tensor)| tape.shapes.get(id.0).is_some_and(|shape| shape == tensor.shape());
        let is_known = |id: &NodeId| id.0 < tape.shapes.len();
        if !way.arrived.iter().chain(&way.kept).all(is_of_tape) || !keep.iter().all(is_known) {
            return Err(Error::Graph("the gradient is of another network's tape".to_owned()));
        }
        let walk = Walk::new(self, tape, &keep)?;
        let give = |values: BTreeMap<NodeId, Tensor>| -> Result<BTreeMap<_, _>> {
            values.into_iter().map(|(id, tensor)| Ok((id, walk.give(id, &tensor)?))).collect()
        };
        let found = self
            .walk(
                Way { arrived: give(way.arrived)?, kept: give(way.kept)? },
                &keep,
                &|_| true,
                &mut |id, upstream, arrived| {
                    let sent = walk.back(id, upstream, arrived)?;
                    done(id);
                    Ok(sent)
                },
                &|id, sum, sent| walk.add(id, &sum, &sent),
            )?
            .kept;
        let mut gradients: BTreeMap<NodeId, Tensor> =
            found.into_iter().map(|(id, value)| Ok((id, walk.kept(id, whole(value)?)?))).collect::<Result<_>>()?;
        for id in &keep {
            gradients.entry(*id).or_insert_with(|| Tensor::zeros(tape.shape(*id)));
        }
        Ok(gradients)
    }

    /// What a node sends to its inputs, for each of many gradients at its output. No image is near.
    fn send_all(&self, tape: &Tape, id: NodeId, upstreams: &[Tensor]) -> Result<Vec<(NodeId, Vec<Tensor>)>> {
        let (site, inputs) = (self.site(tape, id), &self.graph().node(id).inputs);
        if let Op::Linear(linear) = site.op {
            let views = upstreams.iter().map(|upstream| upstream.view());
            let error = |_| Error::shape(linear.kind(), "gradients of one shape", site.output.shape);
            let together = concatenate(Axis(0), &views.collect::<Vec<_>>()).map_err(error)?;
            let images = together.shape()[0] / upstreams.len();
            let sent = linear.transpose(site.params, &together, &[&[together.shape()[0], linear.in_features]])?;
            let of = |sent: &Tensor, seed: usize| {
                sent.slice_axis(Axis(0), Slice::from(seed * images..(seed + 1) * images)).to_owned()
            };
            let all = |sent| (0..upstreams.len()).map(|seed| of(sent, seed)).collect();
            return Ok(inputs.iter().zip(&sent).map(|(input, sent)| (*input, all(sent))).collect());
        }
        let sent: Vec<Vec<Tensor>> =
            upstreams.iter().map(|upstream| site.op.backward(&site, upstream)).collect::<Result<_>>()?;
        let to = |(place, input): (usize, &NodeId)| (*input, sent.iter().map(|sent| sent[place].clone()).collect());
        Ok(inputs.iter().enumerate().map(to).collect())
    }
}

/// Row-major values, not copied where nobody else holds them.
fn whole(value: Arc<Value>) -> Result<Tensor> {
    value.tensor()?;
    match Arc::try_unwrap(value) {
        Ok(Value::Plain(tensor)) => Ok(tensor),
        Ok(Value::Image(image, whole)) => match whole.into_inner() {
            Some(tensor) => Ok(tensor),
            None => Value::image(image).tensor().cloned(),
        },
        Err(shared) => shared.tensor().cloned(),
    }
}
