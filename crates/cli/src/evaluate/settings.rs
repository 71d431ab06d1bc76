//! Everything that results depend on, and its hash.

use anyhow::Result;
use gradex::Model;
use serde::Serialize;

use super::annotations::Annotations;
use super::args::Evaluate;
use super::metric::Metric;
use super::survey::Surveyed;
use crate::receipt::of_bytes;
use crate::settings::SettingArgs;

/// What results depend on. Methods, modes and, without grids, inputs are not among it: a later run may ask for more.
#[derive(Debug, Serialize)]
pub struct Settings<'a> {
    program: &'static str,
    version: &'static str,
    model: &'static str,
    weights_sha256: String,
    /// How convolutions are computed, where not as usual.
    convolution: Option<String>,
    resize: String,
    size: [usize; 2],
    metrics: Vec<&'static str>,
    steps: u16,
    layers: u16,
    threshold: f32,
    methods: SettingArgs,
    annotations_sha256: Option<String>,
    /// Where there are grids, which pictures they are made of.
    grids_of: Option<Vec<&'a str>>,
}

impl<'a> Settings<'a> {
    /// Of this command line.
    pub fn new(
        args: &'a Evaluate,
        model: &Model,
        weights_sha256: String,
        metrics: &[Metric],
        annotations: Option<&Annotations>,
        surveyed: &'a [Surveyed],
    ) -> Result<Self> {
        let has_grids = metrics.iter().any(|metric| metric.grid().is_some());
        Ok(Self {
            program: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            model: model.architecture.name,
            weights_sha256,
            convolution: args.model.choice.word(),
            resize: args.input.pictures.resize.to_string(),
            size: args.input.pictures.size.unwrap_or(model.architecture.preprocessing.size),
            metrics: metrics.iter().map(|metric| metric.name()).collect(),
            steps: args.steps,
            layers: args.layers,
            threshold: args.threshold,
            methods: SettingArgs { batch: None, ..args.settings.clone() },
            annotations_sha256: annotations.map(Annotations::sha256).transpose()?,
            grids_of: has_grids.then(|| surveyed.iter().map(|one| one.key.sha256.as_str()).collect()),
        })
    }

    /// The hash of all of it.
    pub fn sha256(&self) -> Result<String> {
        Ok(of_bytes(&serde_json::to_vec(self)?))
    }
}
