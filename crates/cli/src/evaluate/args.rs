//! The words of `gradex evaluate`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use gradex::Extrapolation;

use super::metric::Metric;
use super::modes::Modes;
use crate::args::{InputArgs, ModelArgs};
use crate::failure::{Failure, Outcome};
use crate::settings::SettingArgs;

/// The word for everything.
pub const ALL: &str = "all";

/// `gradex evaluate`. Only the most probable class is asked about, each method at its own point.
#[derive(Debug, Args)]
#[command(after_long_help = super::metric::help())]
pub struct Evaluate {
    /// The inputs.
    #[command(flatten)]
    pub input: InputArgs,
    /// The network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Attribution methods (see `gradex methods`), with commas between them, or `all`. Random maps, a Gaussian at the
    /// centre and the image's edges are always measured beside them.
    #[arg(
        long = "methods",
        visible_alias = "method",
        value_name = "M,...",
        value_delimiter = ',',
        default_value = "grad-cam"
    )]
    pub methods: Vec<String>,
    /// How maps are sharpened: none, activated, published, with commas between them; and with other settings, as in
    /// activated(power=0.5,tensors=last) (see `gradex methods`).
    #[arg(long, value_name = "MODE,...", default_value = "none,activated")]
    pub extrapolate: Vec<Modes>,
    /// The mode that each other one is compared with; none without it.
    #[arg(long, value_name = "MODE")]
    pub against: Option<Extrapolation>,
    /// What is measured, with commas between, or `all`. Without it: insertion-deletion, insertion, deletion, drop, increase,
    /// grid-2x2, gini, entropy, class-swap, edge-similarity; with annotations pointing, energy, iou too. Others: road,
    /// infidelity, grid-3x3, max-sensitivity, randomisation. What each is: below.
    #[arg(long, value_name = "METRIC,...", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Boxes of the objects: COCO's .json, Pascal VOC's .xml or a folder of such .xml, or a .csv of the columns
    /// file,xmin,ymin,xmax,ymax. All boxes of a photograph count, whatever their category.
    #[arg(long, value_name = "FILE", conflicts_with = "masks", value_hint = ValueHint::AnyPath)]
    pub boxes: Option<PathBuf>,
    /// Masks of the objects: a folder of .png files with the inputs' names, as large as the photographs; whatever is not
    /// black is the object.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub masks: Option<PathBuf>,
    /// What methods can be told.
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Steps of the insertion and the deletion curve.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub steps: u16,
    /// How many depths of randomisation, from the logits alone to the whole network.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub layers: u16,
    /// The part of the hottest pixel's heat from which a pixel counts for iou.
    #[arg(long, value_name = "PART", default_value_t = gradex::metrics::THRESHOLD)]
    pub threshold: f32,
    /// Where results.jsonl, results.csv, comparisons.csv and summary.json go. A later run with the same settings continues
    /// there; where there are grids, their inputs are among the settings.
    #[arg(long, value_name = "DIR", default_value = "gradex-evaluation", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

impl Evaluate {
    /// Whether there are annotations.
    pub fn is_annotated(&self) -> bool {
        self.boxes.is_some() || self.masks.is_some()
    }

    /// Checks what needs no weights, and finds the metrics.
    pub fn metrics(&self) -> Outcome<Vec<Metric>> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(Failure::usage("--threshold takes a number above 0, and at most 1"));
        }
        let mut asked: Vec<Metric> = match self.metrics[..] {
            [] => Metric::USUAL.to_vec(),
            _ => Vec::new(),
        };
        if self.metrics.is_empty() && self.is_annotated() {
            asked.extend(Metric::ANNOTATED);
        }
        for name in &self.metrics {
            if name.is_empty() {
                return Err(Failure::usage("--metrics: a name is empty"));
            }
            if name == ALL {
                let possible = |metric: &Metric| self.is_annotated() || !Metric::ANNOTATED.contains(metric);
                asked.extend(Metric::ALL.into_iter().filter(possible));
                continue;
            }
            let metric: Metric = name.parse().map_err(|error| Failure::usage(format!("--metrics: {error}")))?;
            if Metric::ANNOTATED.contains(&metric) && !self.is_annotated() {
                return Err(Failure::usage(format!("--metrics {name}: give --boxes FILE or --masks DIR")));
            }
            asked.push(metric);
        }
        asked.sort_unstable();
        asked.dedup();
        let modes = self.modes();
        if let Some(against) = self.against.filter(|against| !modes.contains(against)) {
            return Err(Failure::usage(format!("--against {against}: it is not one of those in --extrapolate")));
        }
        Ok(asked)
    }

    /// The modes of extrapolation, each once, in the order given.
    pub fn modes(&self) -> Vec<Extrapolation> {
        let mut modes: Vec<Extrapolation> = Vec::new();
        for mode in self.extrapolate.iter().flat_map(|Modes(modes)| modes) {
            if !modes.contains(mode) {
                modes.push(*mode);
            }
        }
        modes
    }
}
