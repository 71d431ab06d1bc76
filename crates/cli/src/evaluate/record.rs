//! A line of results.jsonl: one map, measured. The keys are a contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The path as given, with the place in the batch where there is one.
    pub input: String,
    /// Of the file.
    pub sha256: String,
}

/// One map, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The beginning of the settings' hash: a run with others does not take it for its own.
    pub settings: String,
    /// Which picture.
    #[serde(flatten)]
    pub key: Key,
    /// The class that was asked about.
    pub class: usize,
    /// Its label.
    pub label: String,
    /// The method, or the baseline.
    pub method: String,
    /// The mode of extrapolation.
    pub extrapolation: String,
    /// Why the map is blank, where it is: then nothing is measured.
    pub blank: Option<String>,
    /// The values by the metric's name; null where one is not defined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Time for the map, with the forward pass and without the measuring.
    pub milliseconds: f64,
}

impl Record {
    /// The value of a metric.
    pub fn value(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric).copied().flatten()
    }
}
