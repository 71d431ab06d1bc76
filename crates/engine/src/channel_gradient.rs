//! The gradient at a point summed over pixels, without the gradient at its pixels.
//!
//! Where a linear layer reads all that comes of a point, and between them lie only layers whose transposes hand on all
//! that they get, channel by channel (max-pools, adaptive average pools, dropout, flattening), the sum over the pixels `p` of
//! a channel is `sum_p g[c, p] = sum_o u[o] sum_p weight[o, c p]`, with `u` the gradient at the linear layer's output. The
//! inner sums are made once.

use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::layer::Affine;
use crate::layers::Linear;
use crate::network::Network;
use crate::op::Op;
use crate::tensor::Tensor;

impl Graph {
    /// The linear layer at whose output a gradient tells the sums over pixels of the gradient at `point`:
    /// [`Network::channel_gradient`].
    #[must_use]
    pub fn pooled_by(&self, point: NodeId) -> Option<NodeId> {
        let (mut last, mut is_flat) = (point, false);
        loop {
            let [next] = self.readers(last)[..] else { return None };
            match &self.node(next).op {
                Op::Linear(_) if is_flat => return Some(next),
                Op::Flatten(_) if !is_flat => is_flat = true,
                Op::MaxPool2d(_) | Op::AdaptiveAvgPool2d(_) if !is_flat => {}
                Op::Dropout(_) => {}
                Op::Linear(_)
                | Op::Flatten(_)
                | Op::MaxPool2d(_)
                | Op::AdaptiveAvgPool2d(_)
                | Op::Input(_)
                | Op::Conv2d(_)
                | Op::BatchNorm2d(_)
                | Op::AvgPool2d(_)
                | Op::Relu(_)
                | Op::Relu6(_)
                | Op::Add(_)
                | Op::Concat(_)
                | Op::Softmax(_) => return None,
            }
            last = next;
        }
    }
}

impl Network {
    /// The sums over pixels, `[n, channels]`, of the gradient at a point of so many channels that is
    /// [pooled by](Graph::pooled_by) the layer `linear`, at whose output the gradient is `upstream`.
    ///
    /// # Errors
    /// [`Error::Shape`] where `linear` is no linear layer that reads so many channels, or `upstream` is no `[n, ...]`;
    /// [`Error::Kernel`] where `upstream` is not of its output's shape.
    pub fn channel_gradient(&self, linear: NodeId, channels: usize, upstream: &Tensor) -> Result<Tensor> {
        let error = || Error::shape("a linear layer", format!("{channels} channels of equal length"), upstream.shape());
        let Op::Linear(layer) = &self.graph().node(linear).op else { return Err(error()) };
        let [images, _] = *upstream.shape() else { return Err(error()) };
        let length = layer.in_features.checked_div(channels).filter(|length| length * channels == layer.in_features);
        let pooled = Linear { in_features: channels, out_features: layer.out_features, bias: false };
        let (params, input) = (self.params(linear), [images, channels]);
        let sums = match length.ok_or_else(error)? {
            1 => pooled.transpose(params, upstream, &[&input]),
            length => {
                let params = self.packs().pooled(linear, channels, || {
                    // They stay: what the forward pass took makes room for them.
                    self.trim();
                    layer.pooled(params, length)
                })?;
                pooled.transpose(&params, upstream, &[&input])
            }
        };
        sums?.pop().ok_or_else(error)
    }
}
