//! Batch norms folded into the convolutions before them.
//!
//! `weight' = scale weight`, `bias' = scale bias + shift`, with the batch norm's scale and shift a channel; the batch norm
//! becomes the identity (scale 1, shift 0). Nodes, names and every output from the batch norm on stay the same, so a tape
//! of the one network serves rules on the other that read inputs only.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::layer::Params;
use crate::layers::Conv2d;
use crate::network::Network;
use crate::op::Op;
use crate::tensor::{Tensor, tensor, values};

impl Network {
    /// The same function, with every batch norm folded that is the only reader of a convolution.
    /// Others stay as they are: see [`Network::unfolded_batch_norms`].
    ///
    /// # Errors
    /// None in practice: the parameters of a bound network fit their layers.
    pub fn fold_batch_norms(&self) -> Result<Self> {
        let mut graph = self.graph().clone();
        let mut params = self.shared_params().to_vec();
        for norm in self.unfolded_batch_norms() {
            let Some((id, conv)) = self.graph().foldable(norm) else { continue };
            params[id.index()] = Arc::new(folded(self.params(id), self.params(norm))?);
            params[norm.index()] = Arc::new(identity(conv.out_channels)?);
            graph.replace(id, Op::Conv2d(Conv2d { bias: true, ..conv.clone() }));
        }
        Ok(Self::new(graph, params).with_choice(self.choice()))
    }

    /// The batch norms that change what goes through them.
    #[must_use]
    pub fn unfolded_batch_norms(&self) -> Vec<NodeId> {
        let acts = |id: &NodeId| {
            let Params { weight, bias } = self.params(*id);
            let all = |tensor: &Tensor, value: f32| tensor.iter().all(|x| *x == value);
            !(weight.iter().all(|weight| all(&weight.tensor(), 1.0)) && bias.iter().all(|bias| all(bias, 0.0)))
        };
        let graph = self.graph();
        graph.ids().filter(|id| matches!(graph.node(*id).op, Op::BatchNorm2d(_))).filter(acts).collect()
    }
}

impl Graph {
    /// The convolution that only this batch norm reads.
    pub(crate) fn foldable(&self, norm: NodeId) -> Option<(NodeId, &Conv2d)> {
        let id = *self.node(norm).inputs.first()?;
        match &self.node(id).op {
            Op::Conv2d(conv) if self.readers(id).len() == 1 => Some((id, conv)),
            Op::Conv2d(_)
            | Op::Input(_)
            | Op::Linear(_)
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
            | Op::Softmax(_) => None,
        }
    }
}

/// A convolution's weight times the scale of the batch norm behind it.
pub(crate) fn scaled(conv: &Params, norm: &Params) -> Result<Tensor> {
    let (scale, weight) = (norm.weight("batch_norm2d")?, conv.weight("conv2d")?);
    let scale = values(&scale);
    let taps = weight.len() / scale.len().max(1);
    let scaled = values(&weight).iter().enumerate().map(|(index, value)| value * scale[index / taps.max(1)]).collect();
    tensor(weight.shape(), scaled)
}

fn folded(conv: &Params, norm: &Params) -> Result<Params> {
    let scale = norm.weight("batch_norm2d")?;
    let (scale, shift) = (values(&scale), norm.bias.as_ref().map(values));
    let old = conv.bias.as_ref().map(values);
    let bias = |channel: usize| {
        let old = old.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
        let shift = shift.as_ref().map_or(0.0, |shift| f64::from(shift[channel]));
        (old * f64::from(scale[channel]) + shift) as f32
    };
    let bias = (0..scale.len()).map(bias).collect();
    Ok(Params { weight: Some(scaled(conv, norm)?.into()), bias: Some(tensor(&[scale.len()], bias)?) })
}

fn identity(channels: usize) -> Result<Params> {
    let constant = |value| tensor(&[channels], vec![value; channels]);
    Ok(Params { weight: Some(constant(1.0)?.into()), bias: Some(constant(0.0)?) })
}
