//! Taking the receipt of a run.

use std::cell::RefCell;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result};
use gradex::formats::{read_file, write_file};
use gradex::{Explanation, Level, Model, Tape};

use super::document::{Answer, FORM, Input, Logits, Model as ModelLine, Parameters, Receipt};
use super::hash;
use super::map::Map;
use crate::args::Explain;
use crate::asked::{Question, baseline_file};
use crate::inputs::Picture;
use crate::visible;

/// The receipt of a run so far.
pub struct Taking<'a> {
    path: &'a Path,
    receipt: RefCell<Receipt>,
}

impl<'a> Taking<'a> {
    /// A receipt of this run, whose weights have this sha256.
    pub fn begin(path: &'a Path, args: &Explain, model: &Model, weights: String) -> Result<Self> {
        let settings = args.ask.settings.clone();
        let baseline = baseline_file(&settings.baseline).map(|file| Ok(hash::of_bytes(&read_file(file)?)));
        let receipt = Receipt {
            form: FORM,
            gradex: env!("CARGO_PKG_VERSION").to_owned(),
            program: program(),
            target: target(),
            level: Level::current()?.name().to_owned(),
            threads: rayon::current_num_threads(),
            model: ModelLine {
                architecture: model.architecture.name.to_owned(),
                weights: args.model.weights.as_deref().map(unicode).transpose()?,
                sha256: weights,
            },
            parameters: Parameters {
                resize: args.input.pictures.resize.to_string(),
                size: args.input.pictures.size.unwrap_or(model.architecture.preprocessing.size),
                points: args.ask.points.clone(),
                fuse: args.ask.fuse.map(|fusion| fusion.name().to_owned()),
                extrapolation: args.ask.extrapolate.to_string(),
                convolution: args.model.choice.word(),
                settings,
                baseline: baseline.transpose().map_err(|error: gradex::formats::Error| anyhow::anyhow!(error))?,
            },
            inputs: Vec::new(),
        };
        Ok(Self { path, receipt: RefCell::new(receipt) })
    }

    /// Adds an input whose explanations are all done.
    pub fn add(&self, input: Input) {
        self.receipt.borrow_mut().inputs.push(input);
    }

    /// Writes the receipt, whole or not at all, if anything was explained.
    pub fn write(self) -> Result<()> {
        let receipt = self.receipt.into_inner();
        if receipt.inputs.is_empty() {
            return Ok(());
        }
        write_file(self.path, receipt.to_json()?.as_bytes()).context("the receipt cannot be written")
    }
}

impl Input {
    /// An input of which nothing was explained yet.
    pub fn of(path: &Path, picture: &Picture, tape: &Tape) -> Result<Self> {
        let logits = tape.image_logits(0)?;
        Ok(Self {
            path: unicode(path)?,
            index: picture.index,
            file: picture.sha256.clone(),
            pixels: hash::of_bytes(picture.photograph.pixels().as_raw()),
            tensor: hash::of_values(&picture.input),
            logits: Logits { sha256: hash::of_values(logits), values: logits.to_vec() },
            explanations: Vec::new(),
        })
    }
}

/// The path, as JSON can tell it.
fn unicode(path: &Path) -> Result<String> {
    let told = path.to_str().map(str::to_owned);
    told.with_context(|| format!("{}: its name is not Unicode, so no receipt can tell it", visible::path(path)))
}

impl Answer {
    /// An explanation, as a receipt keeps it.
    pub fn of(model: &Model, question: &Question, explanation: &Explanation) -> Self {
        let Explanation { method, coarse, fine, .. } = explanation;
        Self {
            class: question.class,
            versus: question.versus,
            method: (*method).to_owned(),
            point: model.network.graph().node(coarse.point).name.clone(),
            coarse: Map::of(&coarse.values),
            fine: Map::of(&fine.values),
        }
    }
}

/// sha256 of this program's file, where the system shows it.
pub fn program() -> Option<String> {
    env::current_exe().and_then(fs::read).ok().map(|bytes| hash::of_bytes(&bytes))
}

/// What this program was built for.
pub fn target() -> String {
    format!("{}-{}", env::consts::ARCH, env::consts::OS)
}
