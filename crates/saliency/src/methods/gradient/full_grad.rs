//! FullGrad (S. Srinivas and F. Fleuret, NeurIPS 2019, equations 3 and 6).
//!
//! A network of affine layers and rectifiers has `F(x) = Σ g x + Σ_l Σ u_l b_l`: the gradient `g` times the input, and at
//! each layer with a bias `b_l` the gradient `u_l` at its output times the bias of each unit. Here these are biases too:
//! - a batch norm's shift (the paper's implicit bias);
//! - 6 where a `relu6` is saturated: its output there is the constant 6;
//! - `s_i (1 - x_i + Σ_j s_j x_j)` at a softmax `s` of `x`: what is left of its tangent at `x = 0`.
//!
//! Map, at the input: `Σ_c ψ(g_c x_c) + Σ_l Σ_c ψ(u_l,c b_l,c)` over the layers with an image as output, where `ψ` takes
//! one channel's magnitudes, stretches them to `[0, 1]` (a constant channel to 0) and resizes them bilinearly to the input.
//! (The authors' code stretches all channels of a layer together; this is the paper's equation.)

use gradex_engine::{Graph, NodeId, Op, Site, Tensor};
use ndarray::{Array2, Array3, ArrayView2, Axis, Ix4};

use super::map_of;
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::fold::extremes;
use crate::heatmap::resized;
use crate::memory::Work;
use crate::methods::{About, Method, input_only};
use crate::run::Run;

/// Input gradient and bias gradients.
#[derive(Debug, Clone, Copy, Default)]
pub struct FullGrad;

/// The score of every image, told apart into parts of the input and of the biases.
#[derive(Debug, Clone)]
pub struct FullGradient {
    /// Gradient times input, `[n, c, h, w]`.
    pub input: Tensor,
    /// For each node with a bias, in execution order: the gradient at its output times each unit's bias, of the output's
    /// shape.
    pub biases: Vec<(NodeId, Tensor)>,
}

impl FullGradient {
    /// The sum of all parts of image number `image`: the score, but for rounding, where the target is linear in the logits.
    #[must_use]
    pub fn sum(&self, image: usize) -> f64 {
        let parts = self.biases.iter().map(|(_, part)| part).chain([&self.input]);
        parts.flat_map(|part| part.index_axis(Axis(0), image).into_iter()).map(|value| f64::from(*value)).sum()
    }
}

/// The full gradient of every image's score.
///
/// # Errors
/// As [`Run::backward`].
pub fn full_gradient(run: &Run<'_>) -> Result<FullGradient> {
    let mut biases = Vec::new();
    let mut found = run.backward(run.network(), run.seed().clone(), &[NodeId::INPUT], |id, site, upstream| {
        biases.extend(bias_part(site, upstream)?.map(|part| (id, part)));
        gradex_engine::Layer::backward(site.op, site, upstream)
    })?;
    biases.reverse();
    let mut input = found.remove(&NodeId::INPUT).unwrap_or_else(|| Tensor::zeros(run.tape().input_shape()));
    input *= run.input()?;
    Ok(FullGradient { input, biases })
}

/// The upstream times each unit's bias, where the layer has one.
fn bias_part(site: &Site<'_>, upstream: &Tensor) -> gradex_engine::Result<Option<Tensor>> {
    let mut part = upstream.clone();
    match site.op {
        Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm2d(_) => {
            let Some(bias) = &site.params.bias else { return Ok(None) };
            for (mut channel, bias) in part.axis_iter_mut(Axis(1)).zip(bias) {
                channel *= *bias;
            }
        }
        Op::Relu6(_) => {
            let output = site.output.tensor("output of a relu6")?;
            part.zip_mut_with(output, |value, output| *value *= if *output >= 6.0 { 6.0 } else { 0.0 });
        }
        Op::Softmax(_) => {
            let last = Axis(part.ndim() - 1);
            let output = site.output.tensor("output of a softmax")?;
            for input in site.input_tensors()? {
                let mean = (output * input).sum_axis(last).insert_axis(last);
                part *= &(output * &(mean - input + 1.0));
            }
        }
        Op::Input(_)
        | Op::Relu(_)
        | Op::MaxPool2d(_)
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(_)
        | Op::Add(_)
        | Op::Concat(_)
        | Op::Flatten(_)
        | Op::Dropout(_) => return Ok(None),
    }
    Ok(Some(part))
}

impl Method for FullGrad {
    fn about(&self) -> About {
        About {
            name: "full-grad",
            summary: "gradient times input, and times the bias of every layer",
            cost: "1 backward",
            paper: "Srinivas and Fleuret, NeurIPS 2019",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn work(&self) -> Work {
        Work::Relevance { walks: 1, copies: false }
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let images = input_only(self, run, point)?;
        let full = full_gradient(run)?;
        let parts = || full.biases.iter().map(|(_, part)| part).chain([&full.input]);
        let error = |_| Error::NotAnImage { point: "input".to_owned(), shape: full.input.shape().to_vec() };
        let input = full.input.view().into_dimensionality::<Ix4>().map_err(error)?;
        let (_, _, height, width) = input.dim();
        let one_image = |image| {
            let mut map = Array2::zeros((height, width));
            for part in parts().filter_map(|part| part.view().into_dimensionality::<Ix4>().ok()) {
                // Resizing is linear: the stretched channels are summed first.
                let mut sum = Array3::zeros((1, part.dim().2, part.dim().3));
                part.index_axis(Axis(0), image).outer_iter().for_each(|channel| add_stretched(&mut sum, channel));
                map += &resized(&sum, [height, width])?.index_axis(Axis(0), 0);
            }
            map_of("FullGrad", point, map, input.index_axis(Axis(0), image))
        };
        images.map(one_image).collect()
    }
}

/// Adds a channel's magnitudes, stretched to `[0, 1]`; nothing where they are all the same.
fn add_stretched(sum: &mut Array3<f32>, channel: ArrayView2<'_, f32>) {
    let magnitudes = channel.mapv(f32::abs);
    let [least, largest] = extremes(magnitudes.view());
    let range = largest - least;
    if range > 0.0 {
        *sum += &magnitudes.mapv(|value| (value - least) / range);
    }
}
