//! `gradex verify RECEIPT`: does everything that a receipt tells of again, and compares.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use gradex::methods::Fusion;
use gradex::render::MAX_NETWORK_SIDE;
use gradex::{Explainer, Model};

use super::same::{Demand, demand};
use super::{BOUND, Findings, apart};
use crate::answers::explainer;
use crate::args::{Cli, Command, Explain, ModelArgs, Verify};
use crate::asked::{Asked, Question, baseline_file};
use crate::choice::ChoiceArgs;
use crate::failure::{Failure, Outcome, told};
use crate::inputs::{self, Picture};
use crate::interrupt::Interrupt;
use crate::memory::{self, Budget, Most};
use crate::progress::Progress;
use crate::receipt::{Answer, FORM, Input, Logits, Map, Receipt, of_bytes};
use crate::run::named;
use crate::{explain, model, visible};

/// Longer is no receipt: 1 GiB, of a hundred thousand explanations.
const MAX_BYTES: u64 = 1 << 30;
/// What may be taken for a receipt, which anybody can write, without `--max-memory`.
const USUAL_MEMORY: usize = 4 << 30;

/// Reads the receipt, and compares all it tells of.
///
/// # Errors
/// Where it is no receipt, or nothing can be compared.
pub fn check(path: &Path, args: &Verify, findings: &mut Findings) -> Outcome {
    let receipt = read(path, findings).map_err(|error| anyhow!("{}", named(&visible::path(path), &told(&error))))?;
    let asked = Explain { model: model_args(&receipt, args)?, ..explain(&receipt, args).context("the parameters")? };
    model::set_threads(&asked.model)?;
    let demand = demand(&receipt, findings)?;
    let weights = asked.model.weights.clone();
    let most = Most::asked_or(args.max_memory, USUAL_MEMORY);
    // What a receipt names without knowing its content is not parsed: messages about it would tell of it.
    let hashed = model::Hashed::read(&asked.model, most).map_err(of_receipt)?;
    let whose = weights.map_or_else(|| "inside the program".to_owned(), |path| path.display().to_string());
    let has_weights = same(&format!("weights {whose}"), &receipt.model.sha256, &hashed.sha256, findings)?;
    let has_baseline = check_baseline(&receipt, &asked, findings)?;
    if !has_weights || !has_baseline {
        return Ok(findings.note("so no map is computed again")?);
    }
    let model = hashed.load(&asked.model).map_err(of_receipt)?;
    let (budget, everything) = explain::plan(most, &asked, &model).map_err(of_receipt)?;
    let (interrupt, progress) = (Interrupt::listen()?, Progress::new());
    let explainer = explainer(&model, &everything, asked.ask.extrapolate, &interrupt, &progress);
    let again = Again { args, asked: &asked, model: &model, explainer, everything, budget, demand, interrupt };
    for inputs in receipt.inputs.chunk_by(|one, next| one.path == next.path) {
        again.check_file(inputs, findings)?;
    }
    Ok(())
}

fn read(path: &Path, findings: &mut Findings) -> Result<Receipt> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        bail!("a receipt is a file, and this is {}", if metadata.is_dir() { "a folder" } else { "none" });
    }
    let length = metadata.len();
    if length > MAX_BYTES {
        bail!("it has {length} bytes, which no receipt has");
    }
    let (receipt, is_whole) = Receipt::parse(&gradex::formats::read_file(path)?).context("it is no receipt")?;
    if receipt.form != FORM {
        bail!("a receipt of form {}, and this program reads form {FORM}: use gradex {}", receipt.form, receipt.gradex);
    }
    let count = receipt.inputs.iter().map(|input| input.explanations.len()).sum::<usize>();
    if count == 0 {
        bail!("it tells of no explanation");
    }
    let told = format!("receipt of {count} explanations, as it was written");
    findings.say(is_whole, if is_whole { &told } else { "receipt: it was altered since it was written" })?;
    Ok(receipt)
}

fn model_args(receipt: &Receipt, args: &Verify) -> Result<ModelArgs> {
    let choice = ChoiceArgs::of_word(receipt.parameters.convolution.as_deref());
    Ok(ModelArgs {
        model: Some(receipt.model.architecture.clone()),
        weights: receipt.model.weights.as_ref().map(|path| here(path, args)),
        threads: args.threads,
        max_memory: None,
        choice: choice.map_err(|why| anyhow!("the convolution: {why}"))?,
    })
}

/// Where a file of the receipt lies here.
fn here(path: &str, args: &Verify) -> PathBuf {
    match (&args.folder, Path::new(path).file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => PathBuf::from(path),
    }
}

/// The command line that asks for what the receipt tells of.
fn explain(receipt: &Receipt, args: &Verify) -> Result<Explain> {
    let parameters = &receipt.parameters;
    let Command::Explain(mut explain) = Cli::try_parse_from(["gradex", "explain", "input"])?.command else {
        bail!("there is no command `explain`");
    };
    explain.input.pictures.resize = parameters.resize.parse()?;
    if !parameters.size.iter().all(|side| (1..=MAX_NETWORK_SIDE).contains(side)) {
        bail!("the size {:?}: sides are of 1 to {MAX_NETWORK_SIDE} pixels", parameters.size);
    }
    parameters.settings.check().map_err(|why| anyhow!("{why}"))?;
    explain.input.pictures.size = Some(parameters.size);
    explain.ask.methods.clear();
    for answer in receipt.inputs.iter().flat_map(|input| &input.explanations) {
        if !explain.ask.methods.contains(&answer.method) {
            explain.ask.methods.push(answer.method.clone());
        }
    }
    explain.ask.points.clone_from(&parameters.points);
    let fusion = |name: &String| Fusion::ALL.into_iter().find(|fusion| fusion.name() == name);
    explain.ask.fuse = parameters.fuse.as_ref().map(|name| fusion(name).context("no such fusion")).transpose()?;
    explain.ask.extrapolate = parameters.extrapolation.parse()?;
    explain.ask.settings = parameters.settings.clone();
    if let Some(file) = baseline_file(&parameters.settings.baseline) {
        explain.ask.settings.baseline = here(&file.display().to_string(), args).display().to_string();
    }
    Ok(*explain)
}

fn check_baseline(receipt: &Receipt, asked: &Explain, findings: &mut Findings) -> Result<bool> {
    match (baseline_file(&asked.ask.settings.baseline), &receipt.parameters.baseline) {
        (None, _) => Ok(true),
        (Some(path), then) => {
            let now = of_bytes(&gradex::formats::read_file(path)?);
            same(&format!("baseline {}", path.display()), then.as_deref().unwrap_or("none"), &now, findings)
        }
    }
}

/// Words of a receipt that mean nothing are no fault of the command line.
fn of_receipt(failure: Failure) -> Failure {
    match failure {
        Failure::Usage(why) => Failure::Run(anyhow!("the receipt asks for what there is not: {why}")),
        Failure::Run(_) | Failure::ClosedPipe | Failure::Interrupted => failure,
    }
}

/// Says whether two hashes are the same.
fn same(what: &str, then: &str, now: &str, findings: &mut Findings) -> Result<bool> {
    let is_same = then == now;
    let differs = || format!("{what}: changed, sha256 {then} in the receipt and {now} here");
    findings.say(is_same, &if is_same { format!("{what}: the same") } else { differs() })?;
    Ok(is_same)
}

/// What is needed to explain again.
struct Again<'a> {
    args: &'a Verify,
    asked: &'a Explain,
    model: &'a Model,
    explainer: Explainer<'a>,
    everything: Asked,
    budget: Budget,
    demand: Demand,
    interrupt: Interrupt,
}

impl Again<'_> {
    /// The inputs of one file.
    fn check_file(&self, inputs: &[Input], findings: &mut Findings) -> Outcome {
        let path = here(&inputs[0].path, self.args);
        let pictures = match self.read(&path) {
            Ok(pictures) => pictures,
            Err(error) => {
                let why = named(&visible::path(&path), &told(&error));
                return Ok(findings.say(false, &why)?);
            }
        };
        for input in inputs {
            let name = input.index.map_or_else(|| input.path.clone(), |index| format!("{}[{index}]", input.path));
            match pictures.iter().find(|picture| picture.index == input.index) {
                Some(picture) => self.check_input(&name, input, picture, findings)?,
                None => findings.say(false, &format!("{name}: the file holds no such image"))?,
            }
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<Picture>> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            bail!("not a regular file");
        }
        let needs = |size| memory::explanations(&self.everything, self.model, self.asked.ask.extrapolate, size);
        let admit = |holds| self.budget.admit(holds, needs);
        inputs::read(path, self.model, &self.asked.input.pictures, &admit)
    }

    fn check_input(&self, name: &str, then: &Input, picture: &Picture, findings: &mut Findings) -> Outcome {
        if !same(&format!("{name}, file"), &then.file, &picture.sha256, findings)? {
            return Ok(());
        }
        let tape = self.explainer.forward(&picture.input)?;
        let now = Input::of(Path::new(&then.path), picture, &tape)?;
        same(&format!("{name}, decoded pixels"), &then.pixels, &now.pixels, findings)?;
        same(&format!("{name}, the network's input"), &then.tensor, &now.tensor, findings)?;
        let (is_good, told) = of_logits(&then.logits, &now.logits, self.demand);
        findings.say(is_good, &format!("{name}, logits: {told}"))?;
        let same_question = |a: &Answer, b: &Answer| (a.class, a.versus) == (b.class, b.versus);
        let answers: Vec<&[Answer]> = then.explanations.chunk_by(same_question).collect();
        let question =
            |answers: &&[Answer]| Question { class: answers[0].class, versus: answers[0].versus, probability: 0.0 };
        let questions: Vec<Question> = answers.iter().map(question).collect();
        let runs = self.explainer.runs(&tape, questions.iter().map(|question| vec![question.target()]).collect())?;
        for ((run, question), answers) in runs.into_iter().zip(&questions).zip(answers) {
            for then in answers {
                self.interrupt.check()?;
                let asked = self.everything.methods.iter().find(|asked| asked.method.about().name == then.method);
                let asked = asked.with_context(|| format!("no method {}", then.method))?;
                let what = format!("{}-{}", question.file_name(name), then.method);
                match self.explainer.explain_by(&run, asked.method.as_ref()).map(|mut found| found.pop()) {
                    Ok(Some(now)) => self.compare(&what, then, &Answer::of(self.model, question, &now), findings)?,
                    Ok(None) => findings.say(false, &format!("{what}: no map"))?,
                    Err(error) => findings.say(false, &format!("{what}: {error}"))?,
                }
            }
        }
        Ok(())
    }

    fn compare(&self, what: &str, then: &Answer, now: &Answer, findings: &mut Findings) -> Result<()> {
        if then.point != now.point {
            let told = format!("{what}: it lies on {} in the receipt, on {} here", then.point, now.point);
            return findings.say(false, &told);
        }
        for (which, then, now) in [("coarse", &then.coarse, &now.coarse), ("fine", &then.fine, &now.fine)] {
            let (is_good, told) = verdict(then, now, self.demand);
            findings.say(is_good, &format!("{what}, {which} map: {told}"))?;
        }
        Ok(())
    }
}

fn of_logits(then: &Logits, now: &Logits, demand: Demand) -> (bool, String) {
    let apart = apart(&now.values, then.values.iter());
    let told = format!("{apart:.1e} of the largest value apart");
    match demand {
        _ if then == now => (true, "the same bits".to_owned()),
        _ if then.sha256 == now.sha256 => (false, "the same bits, but the receipt's values are others".to_owned()),
        Demand::Bits => (false, format!("not the same bits, {told}")),
        Demand::Bound => (apart <= BOUND, format!("{told}, bound {BOUND:.0e}")),
    }
}

fn verdict(then: &Map, now: &Map, demand: Demand) -> (bool, String) {
    let apart = then.apart(now);
    match demand {
        _ if then == now => (true, "the same bits".to_owned()),
        _ if then.shape != now.shape => {
            (false, format!("of shape {:?} in the receipt and {:?} here", then.shape, now.shape))
        }
        _ if then.sha256 == now.sha256 => {
            (false, "the same bits, but the receipt's means are not its map's".to_owned())
        }
        Demand::Bits => (false, format!("not the same bits, {apart:.1e} of the largest value apart")),
        Demand::Bound => (apart <= BOUND, format!("{apart:.1e} of the largest value apart, bound {BOUND:.0e}")),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn bits_or_a_bound_are_demanded() {
        let map = |value| Map::of(&Array3::from_elem((1, 2, 2), value));
        let good = |one: &Map, other: &Map, demand| verdict(one, other, demand).0;
        let (one, near, far) = (map(1.0), map(1.000_01), map(1.001));
        assert!(good(&one, &one, Demand::Bits) && good(&one, &near, Demand::Bound));
        assert!(!good(&one, &near, Demand::Bits) && !good(&one, &far, Demand::Bound));
        let forged = Map { means: vec![0.5; 4], ..one.clone() };
        assert!(!good(&forged, &one, Demand::Bits) && !good(&forged, &one, Demand::Bound));
        assert!(!good(&map(1.0), &Map::of(&Array3::from_elem((1, 1, 4), 1.0)), Demand::Bound));
    }
}
