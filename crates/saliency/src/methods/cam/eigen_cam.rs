//! Eigen-CAM (M. Muhammad, M. Yeasin, IJCNN 2020, equations 1 and 2), of centred channels.
//!
//! With each channel of `x` less its mean over pixels, `map` is its first principal component: signed, of mean zero, turned
//! so that it grows with the mean activation. The paper leaves out the centring, and so looks mostly at the mean.
//! It says where the network is active, whatever the target.

use gradex_engine::{Graph, NodeId, Retain};

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::methods::principal::principal_components;
use crate::methods::{About, Method};
use crate::run::Run;

/// The first principal component of the activations.
#[derive(Debug, Clone, Copy, Default)]
pub struct EigenCam;

impl Method for EigenCam {
    fn about(&self) -> About {
        About {
            name: "eigen-cam",
            summary: "the first principal component of the activations, the same for all classes",
            cost: "no pass",
            paper: "Muhammad and Yeasin, IJCNN 2020",
        }
    }

    fn retain(&self, _graph: &Graph, point: NodeId) -> Retain {
        Retain::logits().nodes(&[point])
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        principal_components("Eigen-CAM", run.activation(point)?, point, 1)
    }
}
