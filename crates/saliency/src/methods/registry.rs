//! Methods by name, as the command line takes them.

use std::sync::Arc;

use gradex_engine::NodeId;

use super::{GradCam, Method};
use crate::error::{Error, Result};

/// What methods can be told. Each takes what concerns it; the defaults are those of its paper.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Seed of whatever is random.
    pub seed: u64,
    /// Samples, steps or masks; the method's own number where there is none.
    pub samples: Option<usize>,
    /// The node at which a contrastive method subtracts; the point itself where there is none.
    pub contrast_point: Option<NodeId>,
}

/// Every method, in the order of a listing.
#[must_use]
pub fn all(_settings: &Settings) -> Vec<Arc<dyn Method>> {
    vec![Arc::new(GradCam)]
}

/// The method of this name.
///
/// # Errors
/// [`Error::UnknownName`] with all there are.
pub fn find(name: &str, settings: &Settings) -> Result<Arc<dyn Method>> {
    let methods = all(settings);
    let known = methods.iter().map(|method| method.about().name).collect();
    let found = methods.into_iter().find(|method| method.about().name == name);
    found.ok_or_else(|| Error::UnknownName { kind: "method", name: name.to_owned(), known })
}
