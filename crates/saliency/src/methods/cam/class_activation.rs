//! Class activation mapping (B. Zhou et al., CVPR 2016, equation 2).
//!
//! Where the network ends in a mean over all pixels and one linear layer, `map = Σ_c w_c x_c` with `w` that layer's weights
//! of the class: signed, and its mean over pixels is the class's logit less the bias. For another target `w` is the sum of
//! the classes' weights, each by the target's derivative.

use gradex_engine::{Graph, Layer, NodeId, Op, Retain, Tensor};
use ndarray::Axis;

use super::{weighted_sum, why_blank};
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::methods::{About, Method};
use crate::run::Run;

/// Channels weighted by the last layer's weights.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cam;

const NAME: &str = "cam";

impl Method for Cam {
    fn about(&self) -> About {
        About {
            name: NAME,
            summary: "channels weighted by the last layer's weights, signed; where the head is a mean and one linear layer",
            cost: "no pass",
            paper: "Zhou et al., CVPR 2016",
        }
    }

    fn default_point(&self, graph: &Graph) -> NodeId {
        pooled(graph).unwrap_or_else(|_| graph.default_point())
    }

    fn retain(&self, _graph: &Graph, point: NodeId) -> Retain {
        Retain::logits().nodes(&[point])
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let graph = run.graph();
        let pooled = pooled(graph)?;
        if pooled != point {
            return Err(inapplicable(format!(
                "only the output of `{}` is averaged and classified, not that of `{}`: take it there, or use grad-cam",
                graph.node(pooled).name,
                graph.node(point).name
            )));
        }
        let weight = run.network().params(graph.logits()).weight.as_ref();
        let weight = weight.ok_or_else(|| inapplicable("the last layer has no weights".to_owned()))?.tensor();
        let activations = run.activation(point)?;
        let one_image = |(image, x)| {
            let weights = class_weights(&weight, &run.objective(image)?.gradient.to_vec());
            let map = weighted_sum(x, &weights).mapv(|value| value as f32);
            Ok(CoarseMap::new("CAM", point, map)?.because(why_blank(x)))
        };
        activations.outer_iter().enumerate().map(one_image).collect()
    }
}

/// `Σ_k derivative_k weight_k` of a linear layer's `weight [classes, channels]`.
fn class_weights(weight: &Tensor, derivative: &[f32]) -> Vec<f64> {
    let mut sum = vec![0.0; weight.shape()[1]];
    let wanted = weight.axis_iter(Axis(0)).zip(derivative).filter(|(_, factor)| **factor != 0.0);
    for (row, factor) in wanted {
        sum.iter_mut().zip(row).for_each(|(sum, weight)| *sum += f64::from(*factor) * f64::from(*weight));
    }
    sum
}

/// The node whose output's mean over all pixels the last layer classifies.
fn pooled(graph: &Graph) -> Result<NodeId> {
    let refuse = |id: NodeId| {
        let (name, kind) = (&graph.node(id).name, graph.node(id).op.kind());
        let wanted = "the network must end in a mean over all pixels and one linear layer";
        inapplicable(format!("{wanted}, not in `{name}` ({kind}): use grad-cam"))
    };
    let mut id = graph.logits();
    if !matches!(graph.node(id).op, Op::Linear(_)) {
        return Err(refuse(id));
    }
    loop {
        id = graph.node(id).inputs[0];
        match &graph.node(id).op {
            Op::Flatten(_) | Op::Dropout(_) => {}
            Op::AdaptiveAvgPool2d(pool) if pool.output == [1, 1] => return Ok(graph.node(id).inputs[0]),
            Op::Input(_)
            | Op::AdaptiveAvgPool2d(_)
            | Op::Conv2d(_)
            | Op::Linear(_)
            | Op::BatchNorm2d(_)
            | Op::Relu(_)
            | Op::Relu6(_)
            | Op::MaxPool2d(_)
            | Op::AvgPool2d(_)
            | Op::Add(_)
            | Op::Concat(_)
            | Op::Softmax(_) => return Err(refuse(id)),
        }
    }
}

fn inapplicable(why: String) -> Error {
    Error::Inapplicable { method: NAME, why }
}
