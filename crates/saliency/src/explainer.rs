//! One forward pass, many explanations.

use gradex_engine::{Network, NodeId, Retain, Tape, Tensor};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::extrapolate::{Extrapolation, excitations, extrapolate};
use crate::heatmap::Heatmap;
use crate::methods::{Method, grad_cam};

/// A method at a point with an extrapolation: what is asked of every image.
#[derive(Debug, Clone)]
pub struct Explainer<'a> {
    network: &'a Network,
    method: Method,
    point: NodeId,
    extrapolation: Extrapolation,
}

/// The answer for one image and one class.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The class that was asked about.
    pub class: usize,
    /// The method's own map.
    pub coarse: CoarseMap,
    /// The map after extrapolation, of the input's size.
    pub fine: Heatmap,
}

impl<'a> Explainer<'a> {
    /// Grad-CAM at the network's default point, extrapolated over activated tensors.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        Self {
            network,
            method: Method::default(),
            point: network.graph().default_point(),
            extrapolation: Extrapolation::default(),
        }
    }

    /// With this method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// At this point.
    #[must_use]
    pub fn point(self, point: NodeId) -> Self {
        Self { point, ..self }
    }

    /// With this extrapolation.
    #[must_use]
    pub fn extrapolation(self, extrapolation: Extrapolation) -> Self {
        Self { extrapolation, ..self }
    }

    /// The nodes that maps are extrapolated over, for inputs of this shape, in execution order.
    ///
    /// # Errors
    /// [`Error::Engine`] where the network cannot take such an input.
    pub fn excitations(&self, input: &[usize]) -> Result<Vec<NodeId>> {
        let graph = self.network.graph();
        let shapes = graph.shapes(input)?;
        if self.point.index() >= shapes.len() {
            return Err(Error::Unrelated { point: format!("node {}", self.point.index()) });
        }
        Ok(excitations(self.extrapolation, graph, &shapes, self.point))
    }

    /// Runs images `[n, c, h, w]` through the network and keeps what [`Explainer::explain`] needs.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] where the point's output is none, [`Error::Engine`] where the forward pass fails.
    pub fn forward(&self, input: &Tensor) -> Result<Tape> {
        let shapes = self.network.graph().shapes(input.shape())?;
        let excitations = self.excitations(input.shape())?;
        let shape = &shapes[self.point.index()];
        if shape.len() != 4 {
            let point = self.network.graph().node(self.point).name.clone();
            return Err(Error::NotAnImage { point, shape: shape.clone() });
        }
        let retain = Retain::from(self.point).channel_sums(&excitations);
        Ok(self.network.forward(input, &retain)?)
    }

    /// Explains `classes[n]` of each image `n` of the tape, by one backward pass for the whole batch.
    ///
    /// # Errors
    /// As [`grad_cam`] and [`extrapolate`].
    pub fn explain(&self, tape: &Tape, classes: &[usize]) -> Result<Vec<Explanation>> {
        let coarse = match self.method {
            Method::GradCam => grad_cam(self.network, tape, self.point, classes)?,
        };
        let excitations = self.excitations(tape.input_shape())?;
        let explain = |(image, (coarse, class)): (usize, (CoarseMap, &usize))| {
            let fine = extrapolate(self.extrapolation, &coarse, tape, image, &excitations)?;
            Ok(Explanation { class: *class, coarse, fine })
        };
        coarse.into_iter().zip(classes).enumerate().map(explain).collect()
    }
}
