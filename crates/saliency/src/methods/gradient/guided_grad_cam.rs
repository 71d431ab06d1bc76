//! Guided Grad-CAM (R. Selvaraju et al., ICCV 2017, section 3.2).
//!
//! `a = G ⊙ resize(L)`, with `L` the Grad-CAM at the point, `G` guided backpropagation at the input
//! (J. Springenberg et al., ICLR workshop 2015), and `resize` bilinear to the input's size. Map, at the input: `max_c |a_c|`.

use gradex_engine::{Graph, NodeId, Retain, Tensor};
use ndarray::{Array3, ArrayViewD, Ix3};

use super::{largest_magnitude, map_of};
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::heatmap::resized;
use crate::methods::{About, GradCam, Method};
use crate::rules::{Guided, Rule};
use crate::run::Run;

/// Guided backpropagation where Grad-CAM looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct GuidedGradCam;

/// The attribution `[c, h, w]` at the input of every image, with Grad-CAM at `point`.
///
/// # Errors
/// As [`GradCam`] at the point, and as [`Run::backward`].
pub fn guided_grad_cam(run: &Run<'_>, point: NodeId) -> Result<Vec<Array3<f32>>> {
    products(run, &GradCam.attribute(run, point)?)
}

/// Guided backpropagation times one Grad-CAM an image.
fn products(run: &Run<'_>, maps: &[CoarseMap]) -> Result<Vec<Array3<f32>>> {
    let (_, _, height, width) = run.activation(NodeId::INPUT)?.dim();
    let mut found = run.backward(run.network(), run.seed().clone(), &[NodeId::INPUT], |_, site, upstream| {
        Ok(Guided.propagate(site, upstream)?.inputs)
    })?;
    let guided = found.remove(&NodeId::INPUT).unwrap_or_else(|| Tensor::zeros(run.tape().input_shape()));
    let product = |(guided, map): (ArrayViewD<'_, f32>, &CoarseMap)| {
        let error = |_| Error::NotAnImage { point: "input".to_owned(), shape: guided.shape().to_vec() };
        let guided = guided.view().into_dimensionality::<Ix3>().map_err(error)?;
        Ok(&guided * &resized(&map.values, [height, width])?)
    };
    guided.outer_iter().zip(maps).map(product).collect()
}

impl Method for GuidedGradCam {
    fn about(&self) -> About {
        About {
            name: "guided-grad-cam",
            summary: "guided backpropagation where Grad-CAM looks",
            cost: "1 backward to the point, 1 to the input",
            paper: "Selvaraju et al., ICCV 2017",
        }
    }

    fn maps_at(&self, _point: NodeId) -> Vec<NodeId> {
        vec![NodeId::INPUT]
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::all()
    }

    fn gradients(&self, graph: &Graph, point: NodeId) -> Vec<NodeId> {
        GradCam.gradients(graph, point)
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let maps = GradCam.attribute(run, point)?;
        let one_image = |(a, map): (Array3<f32>, &CoarseMap)| {
            let product = map_of("Guided Grad-CAM", NodeId::INPUT, largest_magnitude(a.view()), a.view())?;
            let blank = map.values.iter().all(|value| *value <= 0.0);
            Ok(if blank { CoarseMap { reason: map.reason, ..product } } else { product })
        };
        products(run, &maps)?.into_iter().zip(&maps).map(one_image).collect()
    }
}
