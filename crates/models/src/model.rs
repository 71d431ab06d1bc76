//! An architecture with its parameters.

use std::collections::BTreeMap;

use gradex_engine::{Network, Weight};

use crate::architecture::Architecture;
use crate::error::Result;
use crate::generated::generated_parameters;

/// A classifier, ready to run.
#[derive(Debug)]
pub struct Model {
    /// What it is.
    pub architecture: &'static Architecture,
    /// The network itself.
    pub network: Network,
}

impl Model {
    /// Joins an architecture with a state dict.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) where a parameter is missing, unused, of another shape or not finite.
    pub fn new(architecture: &'static Architecture, state: BTreeMap<String, impl Into<Weight>>) -> Result<Self> {
        Ok(Self { architecture, network: architecture.graph()?.bind(state)? })
    }

    /// A model with generated parameters, for tests and benches: its predictions mean nothing.
    ///
    /// # Errors
    /// None in practice: the parameters are made for the graph.
    pub fn generated(architecture: &'static Architecture, seed: u64) -> Result<Self> {
        let state = generated_parameters(&architecture.graph()?, seed);
        Self::new(architecture, state)
    }
}
