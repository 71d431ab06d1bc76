//! One method at several points, its maps fused: the multi-layer baseline of RefineCAM-like methods.
//!
//! Every map is resized to the largest (bilinear) and stretched to `[0, 1]`: `m_k`. Fused they are `1/K Σ_k m_k` or `Π_k m_k`.
//! A map that is the same everywhere counts as zeros.

use std::sync::Arc;

use gradex_engine::{Graph, NodeId, Retain};
use ndarray::Array3;

use super::{About, Method};
use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::heatmap::{Heatmap, resized};
use crate::memory::Work;
use crate::run::Run;

/// How maps become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fusion {
    /// Their mean: a place counts that one of them shows.
    Mean,
    /// Their product: a place counts that all of them show.
    #[default]
    Product,
}

impl Fusion {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mean, Self::Product];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Product => "product",
        }
    }
}

/// A method at several points of its own; the point that an explainer gives is not used.
#[derive(Debug, Clone)]
pub struct Fused {
    method: Arc<dyn Method>,
    points: Vec<NodeId>,
    fusion: Fusion,
}

impl Fused {
    /// `method` at each of `points`.
    ///
    /// # Errors
    /// [`Error::Inapplicable`] without a point.
    pub fn new(method: Arc<dyn Method>, points: Vec<NodeId>, fusion: Fusion) -> Result<Self> {
        if points.is_empty() {
            let why = "maps are fused at one point or more, and there is none".to_owned();
            return Err(Error::Inapplicable { method: method.about().name, why });
        }
        Ok(Self { method, points, fusion })
    }

    /// The maps of one image as one, on the point of the largest of them.
    fn fuse(&self, maps: &[CoarseMap]) -> Result<CoarseMap> {
        let pixels = |map: &CoarseMap| map.values.len();
        let Some(finest) = maps.iter().rev().max_by_key(|map| pixels(map)) else {
            return Err(Error::Inapplicable { method: self.about().name, why: "it gave no map".to_owned() });
        };
        let (channels, height, width) = finest.values.dim();
        let stretched = maps.iter().map(|map| Ok(Heatmap::min_max(resized(&map.values, [height, width])?)?.values));
        let stretched: Vec<Array3<f32>> = stretched.collect::<Result<_>>()?;
        let start = Array3::from_elem((channels, height, width), if self.fusion == Fusion::Mean { 0.0 } else { 1.0 });
        let values = match self.fusion {
            Fusion::Mean => stretched.iter().fold(start, |sum, map| sum + map) / maps.len() as f32,
            Fusion::Product => stretched.iter().fold(start, |product, map| product * map),
        };
        let fused = CoarseMap::components("fused", finest.point, values)?;
        Ok(CoarseMap { reason: maps.iter().find_map(|map| map.reason), ..fused })
    }
}

impl Method for Fused {
    fn about(&self) -> About {
        About { summary: "one method at several points, its maps fused", ..self.method.about() }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        self.points[0]
    }

    fn maps_at(&self, _point: NodeId) -> Vec<NodeId> {
        self.points.iter().flat_map(|point| self.method.maps_at(*point)).collect()
    }

    fn retain(&self, graph: &Graph, _point: NodeId) -> Retain {
        self.points.iter().fold(Retain::logits(), |all, point| all.and(self.method.retain(graph, *point)))
    }

    fn gradients(&self, graph: &Graph, _point: NodeId) -> Vec<NodeId> {
        self.points.iter().flat_map(|point| self.method.gradients(graph, *point)).collect()
    }

    fn parameters(&self, graph: &Graph) -> Vec<(&'static str, String)> {
        self.method.parameters(graph)
    }

    fn work(&self) -> Work {
        self.method.work()
    }

    fn attribute(&self, run: &Run<'_>, _point: NodeId) -> Result<Vec<CoarseMap>> {
        let at_points: Vec<Vec<CoarseMap>> =
            self.points.iter().map(|point| self.method.attribute(run, *point)).collect::<Result<_>>()?;
        let of_image = |image: usize| self.fuse(&at_points.iter().map(|maps| maps[image].clone()).collect::<Vec<_>>());
        (0..run.targets().len()).map(of_image).collect()
    }
}
