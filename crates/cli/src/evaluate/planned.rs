//! The memory of a run, planned before it is begun.

use anyhow::Result;
use gradex::Model;
use gradex::methods::DEFAULT_BATCH;
use gradex::metrics::{BATCH, MaxSensitivity, learned_layers};

use super::args::Evaluate;
use super::metric::Metric;
use crate::asked::{self, AskedMethod};
use crate::failure::Outcome;
use crate::memory::{self, Budget, Maps, Most};

/// What is asked of every input.
pub struct Planned<'a> {
    args: &'a Evaluate,
    model: &'a Model,
    metrics: &'a [Metric],
    /// The methods.
    pub methods: Vec<AskedMethod>,
    /// Images that are scored together.
    pub batch: usize,
}

impl<'a> Planned<'a> {
    /// With the largest batches that fit.
    pub fn fit(most: Most, args: &'a Evaluate, model: &'a Model, metrics: &'a [Metric]) -> Outcome<(Budget, Self)> {
        let pictures = &args.input.pictures;
        let (graph, preprocessing) = (model.network.graph(), &model.architecture.preprocessing);
        let size = pictures.size.unwrap_or(preprocessing.size);
        let needs = |batch: usize| {
            let mut settings = args.settings.clone();
            settings.batch = Some(batch);
            let methods = asked::methods(&args.methods, &asked::settings(&settings, graph, preprocessing)?)?;
            let batch = args.settings.batch.unwrap_or(BATCH).min(batch);
            let planned = Self { args, model, metrics, methods, batch };
            Ok((planned.needs(size)?, planned))
        };
        Budget::plan(most, pictures, model, args.settings.batch.unwrap_or(DEFAULT_BATCH.max(BATCH)), needs)
    }

    /// What inputs of this size take.
    pub fn needs(&self, size: [usize; 2]) -> Result<usize> {
        let has = |metric| self.metrics.contains(&metric);
        let maps = Maps {
            modes: &self.args.modes(),
            forgetful: if has(Metric::Randomisation) {
                learned_layers(&self.model.network).len().min(self.args.layers.into())
            } else {
                0
            },
            side: self.metrics.iter().filter_map(|metric| metric.grid()).max().unwrap_or(1),
            batch: self.batch,
            changed: if has(Metric::MaxSensitivity) { MaxSensitivity::default().samples } else { 0 },
        };
        memory::measures(&self.methods, self.model, size, &maps)
    }
}
