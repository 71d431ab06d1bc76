//! What is said about each input, as JSON or as text. The JSON's keys are a contract.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gradex::saliency::Prediction;
use gradex::{Region, imagenet_labels};
use serde::Serialize;

use crate::account::Account;
use crate::influence::Influenced;
use crate::visible::visible;

/// One input, explained or classified.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The path as given, with the place in the batch where there is one.
    pub input: String,
    /// The architecture.
    pub model: &'static str,
    /// The network's input, `[H, W]`.
    pub size: [usize; 2],
    /// The original photograph, `[height, width]`.
    pub photograph: [usize; 2],
    /// The part of the photograph that the network saw, in its pixels: top, left, height, width.
    pub region: [f64; 4],
    /// The most probable classes.
    pub predictions: Vec<LabelledPrediction>,
    /// What was explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanations: Option<Vec<Explained>>,
    /// Methods that were asked for by name and do not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Vec<Refused>>,
    /// What the explanations took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<Passes>,
    /// Paths of the contact sheets, one a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheets: Option<Vec<String>>,
    /// Time for this input, reading and writing included.
    pub milliseconds: f64,
}

/// A method that does not apply.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// The method.
    pub method: &'static str,
    /// Why, and what to do.
    pub why: String,
}

/// Passes through the network.
#[derive(Debug, Serialize)]
pub struct Passes {
    /// Images sent through it, or through the part of it behind a point; the picture itself is the first.
    pub forwards: usize,
    /// Walks back.
    pub backwards: usize,
}

/// A class with its probability.
#[derive(Debug, Serialize)]
pub struct LabelledPrediction {
    /// The class.
    pub class: usize,
    /// Its label.
    pub label: &'static str,
    /// Its probability.
    pub probability: f64,
}

/// One explanation.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The class.
    pub class: usize,
    /// Its label.
    pub label: &'static str,
    /// The class that it is compared with.
    pub versus: Option<Versus>,
    /// What is explained: the logit of a `class`, or the `difference` of two.
    pub target: &'static str,
    /// The method.
    pub method: &'static str,
    /// What the method was told, defaults included.
    pub parameters: BTreeMap<&'static str, String>,
    /// The node; of several the one that the fused map lies on.
    pub point: String,
    /// The nodes whose maps are fused, and how, where there are several.
    pub fused: Option<FusedPoints>,
    /// The mode of extrapolation.
    pub extrapolation: String,
    /// Whether the extrapolation left the map as it was.
    #[serde(skip)]
    pub is_plain: bool,
    /// Why the map is blank, where it is.
    pub reason: Option<String>,
    /// What to try where it is blank.
    pub advice: Option<&'static str>,
    /// What the method says of its own exactness.
    pub note: Option<String>,
    /// The percentage of the pixels that the pictures tell apart, where it is not all of them.
    pub stretch: Option<f32>,
    /// What the picture is made of; null where it is blank.
    pub influence: Option<Influenced>,
    /// The accounts of the method's relevance walks, one a point; null where they were not asked for or there is none.
    pub ledger: Option<Vec<Account>>,
    /// What was written.
    pub files: Files,
}

/// The class that another is compared with.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Versus {
    /// The class.
    pub class: usize,
    /// Its label.
    pub label: &'static str,
}

/// Several points whose maps became one.
#[derive(Debug, Clone, Serialize)]
pub struct FusedPoints {
    /// The nodes, as asked for.
    pub points: Vec<String>,
    /// How: `mean` or `product`.
    pub fusion: &'static str,
}

impl FusedPoints {
    /// What it adds to the names of files.
    pub fn file_name(&self) -> String {
        format!("-{}-of-{}", self.fusion, self.points.join("+")).replace(['/', '\\'], "_")
    }
}

/// Paths of what was written; null where it was not asked for.
#[derive(Debug, Serialize)]
pub struct Files {
    /// The overlay.
    pub overlay: String,
    /// The overlay of the same map without extrapolation.
    pub plain: Option<String>,
    /// The method's own map.
    pub coarse: Option<String>,
    /// The map at the network's input size.
    pub fine: Option<String>,
    /// The logits.
    pub logits: Option<String>,
}

/// A class's label.
pub fn label(class: usize) -> &'static str {
    imagenet_labels().nth(class).unwrap_or("")
}

/// Labels predictions.
pub fn labelled(predictions: Vec<Prediction>) -> Vec<LabelledPrediction> {
    let labelled = |Prediction { class, probability }| LabelledPrediction { class, label: label(class), probability };
    predictions.into_iter().map(labelled).collect()
}

/// A region as an array.
pub fn region(region: &Region) -> [f64; 4] {
    [region.top, region.left, region.height, region.width]
}

/// A line on standard output.
pub fn line(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", visible(line))
}

impl Report {
    /// Writes the report to standard output.
    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        let [height, width] = self.photograph;
        writeln!(out, "{} ({width} x {height}), {}, {:.0} ms", visible(&self.input), self.model, self.milliseconds)?;
        for LabelledPrediction { class, label, probability } in &self.predictions {
            writeln!(out, "  {:5.1} %  {label} ({class})", probability * 100.0)?;
        }
        for explained in self.explanations.iter().flatten() {
            let Explained { class, label, method, point, extrapolation, files, .. } = explained;
            let versus = explained.versus.map(|Versus { class, label }| format!(" and not {label} ({class})"));
            let question = format!("why {label} ({class}){}?", versus.unwrap_or_default());
            let at = explained
                .fused
                .as_ref()
                .map(|FusedPoints { points, fusion }| format!("{}, {fusion} on {point}", points.join(" and ")));
            let at = at.as_ref().unwrap_or(point);
            let done = if explained.is_plain { " (nothing to extrapolate)" } else { "" };
            writeln!(out, "  {question} {method} at {at}, extrapolation {extrapolation}{done}")?;
            if let Some((reason, advice)) = explained.reason.as_ref().zip(explained.advice) {
                writeln!(out, "    blank: {reason}; {advice}")?;
            }
            if let Some(note) = &explained.note {
                writeln!(out, "    {note}")?;
            }
            if let Some(influence) = &explained.influence {
                writeln!(out, "    {influence}")?;
            }
            for line in explained.ledger.iter().flatten().flat_map(|ledger| ledger.table().lines()) {
                writeln!(out, "    {line}")?;
            }
            writeln!(out, "    {}", visible(&files.overlay))?;
            if let Some(plain) = &files.plain {
                writeln!(out, "    {} (without extrapolation)", visible(plain))?;
            }
            for file in [&files.coarse, &files.fine, &files.logits].into_iter().flatten() {
                writeln!(out, "    {}", visible(file))?;
            }
        }
        for sheet in self.sheets.iter().flatten() {
            writeln!(out, "  {}", visible(sheet))?;
        }
        out.flush()
    }
}
