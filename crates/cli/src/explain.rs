//! `gradex explain`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use gradex::saliency::{Error, Run};
use gradex::{Explainer, Explanation, Extrapolation, Heatmap, Model, NodeId, Reason, Tape, Tensor, top};
use ndarray::{Array3, Axis};

use crate::account::Account;
use crate::args::Explain;
use crate::asked::{Asked, AskedMethod, Question};
use crate::drawn::{ContactSheet, Drawn};
use crate::failure::{Failure, Outcome};
use crate::influence::{Influenced, is_cheap};
use crate::inputs::Picture;
use crate::interrupt::Interrupt;
use crate::memory::Budget;
use crate::names::{Names, variant};
use crate::progress::Progress;
use crate::receipt::{Answer, Input, Taking};
use crate::report::{Explained, Files, FusedPoints, Report, Versus, label, labelled, region};
use crate::written::Writer;
use crate::{model, run};

/// The fewest predictions that a report shows.
const SHOWN: usize = 5;

/// Draws what the classifier looked at, for each input and class.
pub fn run(args: &Explain) -> Outcome {
    Asked::check(args)?;
    model::set_threads(&args.model)?;
    if let Some((most, weights)) = args.max_memory.zip(args.model.weights.as_ref()) {
        Budget::check_weights(most, weights)?;
    }
    let (model, weights) = match args.receipt {
        Some(_) => model::load_hashed(&args.model)?,
        None => (model::load(&args.model)?, String::new()),
    };
    let (budget, asked) = match args.max_memory {
        Some(most) => Budget::plan(most, args, &model).map(|(budget, asked)| (Some(budget), asked))?,
        None => (None, Asked::new(args, &model)?),
    };
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let receipt = args.receipt.as_ref().map(|path| Taking::begin(path, args, &model, weights)).transpose()?;

    let (interrupt, progress) = (Interrupt::listen()?, Progress::new());
    let explainer = explainer(args, &model, &asked, &interrupt, &progress);
    let writer = Writer::new(args);
    let skipped = RefCell::default();
    let variant = variant(args, &model, asked.point);
    let bars = progress.clone();
    let model = &model;
    let task = Task { args, model, explainer, asked, budget, writer, receipt, interrupt, progress: bars, skipped };
    let mut names = Names::default();
    let outcome = run::for_each_picture(&args.input, model, progress, |path, picture| {
        let name = names.of(path, picture.index) + &variant;
        task.explain(path, &name, &picture)
    });
    if let Some(budget) = &budget {
        eprintln!("{}", budget.report());
    }
    if let (Some(receipt), Ok(()) | Err(Failure::Run(_))) = (task.receipt, &outcome) {
        receipt.write()?;
    }
    outcome
}

/// What explains as the command line wants it.
pub fn explainer<'a>(
    args: &Explain,
    model: &'a Model,
    asked: &Asked,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Explainer<'a> {
    let (interrupt, progress) = (interrupt.clone(), progress.clone());
    let methods = asked.methods.iter().map(|asked| asked.method.clone()).collect();
    let explainer = Explainer::new(&model.network).methods(methods).extrapolation(args.extrapolate);
    let explainer = explainer.watch(move |passes| {
        progress.pass(passes);
        if interrupt.is_pressed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match asked.point {
        Some(point) => explainer.point(point),
        None => explainer,
    }
}

/// What is done with every picture.
struct Task<'a> {
    args: &'a Explain,
    model: &'a Model,
    explainer: Explainer<'a>,
    asked: Asked,
    budget: Option<Budget>,
    writer: Writer<'a>,
    receipt: Option<Taking<'a>>,
    interrupt: Interrupt,
    progress: Progress,
    /// Methods that did not apply, and were said to.
    skipped: RefCell<HashSet<&'static str>>,
}

impl Task<'_> {
    fn explain(&self, path: &Path, name: &str, picture: &Picture) -> Result<Report> {
        if let Some(budget) = &self.budget {
            budget.check_picture(&self.asked, self.model, self.args.extrapolate, picture)?;
        }
        let tape = self.explainer.forward(&picture.input)?;
        let logits = tape.image_logits(0)?;
        let mut report = Report {
            input: run::shown(path, picture),
            model: self.model.architecture.name,
            size: [picture.input.shape()[2], picture.input.shape()[3]],
            photograph: picture.photograph.size(),
            region: region(&picture.region),
            predictions: labelled(top(logits, SHOWN.max(self.asked.top()))),
            explanations: None,
            sheets: None,
            milliseconds: 0.0,
        };
        let logits_file = self.writer.save(name, "logits", || logits.to_owned().into_dyn())?;
        let (mut explanations, mut sheets) = (Vec::new(), Vec::new());
        let mut receipt = self.receipt.as_ref().map(|_| Input::of(path, picture, &tape)).transpose()?;
        for question in self.asked.questions(logits) {
            let name = question.file_name(name);
            let run = self.explainer.run(&tape, &[question.target()])?;
            let other = match question.other(logits) {
                Some(other) => Some((other.class, self.explainer.run(&tape, &[other.target()])?)),
                None => None,
            };
            let mut sheet =
                self.args.sheet.then(|| ContactSheet::new(self.args, picture, &report, &question)).transpose()?;
            for asked in &self.asked.methods {
                self.interrupt.check()?;
                let accounts = || if self.args.ledger { run.ledgers() } else { Vec::new() };
                let (before, cost) = (accounts().len(), run.cost());
                let Some(explanation) = self.answer(&run, asked)? else { continue };
                if let Some(input) = &mut receipt {
                    input.explanations.push(Answer::of(self.model, &question, &explanation));
                }
                let ledger = accounts().get(before).map(Account::of);
                let drawn = Drawn::new(self.args, &tape, &explanation)?;
                let mut explained = self.explained(&name, picture, &question, asked, &explanation, &drawn)?;
                explained.files.logits.clone_from(&logits_file);
                explained.ledger = ledger;
                let other = other.as_ref().filter(|_| is_cheap(cost, run.cost()));
                explained.influence = self.influence(&tape, asked, &explanation, other)?;
                self.warn(&report.input, &explained);
                if let Some(sheet) = &mut sheet {
                    sheet.add(&explained, &drawn)?;
                }
                explanations.push(explained);
            }
            if let Some(sheet) = sheet {
                sheets.push(self.writer.picture(&format!("{name}-sheet"), &sheet.draw())?);
            }
        }
        if let Some((taking, input)) = self.receipt.as_ref().zip(receipt) {
            taking.add(input);
        }
        report.explanations = Some(explanations);
        report.sheets = self.args.sheet.then_some(sheets);
        Ok(report)
    }

    /// The answer of one method; none where it is one of all and does not apply, which is said once.
    fn answer(&self, run: &Run<'_>, asked: &AskedMethod) -> Result<Option<Explanation>> {
        let error = match self.explainer.explain_by(run, asked.method.as_ref()) {
            Ok(mut explanations) => return Ok(explanations.pop()),
            Err(error) => error,
        };
        if matches!(error, Error::Stopped { .. }) {
            self.interrupt.check()?;
        }
        let does_not_apply =
            matches!(error, Error::Inapplicable { .. } | Error::NotAnImage { .. } | Error::Unrelated { .. });
        let method = asked.method.about().name;
        if asked.named || !does_not_apply {
            return Err(anyhow!(error).context(format!("{method} failed")));
        }
        if self.skipped.borrow_mut().insert(method) {
            self.progress.suspend(|| eprintln!("skipped {method}: {error}"));
        }
        Ok(None)
    }

    /// What the picture is made of, compared with the one that answers `other`; none where it is blank.
    fn influence(
        &self,
        tape: &Tape,
        asked: &AskedMethod,
        explanation: &Explanation,
        other: Option<&(usize, Run<'_>)>,
    ) -> Result<Option<Influenced>> {
        if explanation.fine.reason.is_some() {
            return Ok(None);
        }
        let compared = match other {
            Some((_, run)) => self.answer(run, asked)?,
            None => None,
        };
        let influence = self.explainer.influence(tape, explanation, compared.as_ref())?;
        Ok(Some(Influenced::new(influence, other.map(|(class, _)| *class))))
    }

    fn warn(&self, input: &str, explained: &Explained) {
        let Explained { class, label, method, influence, .. } = explained;
        if let Some(influence) = influence.as_ref().filter(|influence| influence.same_for_any_class) {
            self.progress.suspend(|| {
                eprintln!(
                    "warning: {input}: {method} of {label} ({class}) would look the same for any class: {influence}"
                );
            });
        }
    }

    fn explained(
        &self,
        name: &str,
        picture: &Picture,
        question: &Question,
        asked: &AskedMethod,
        explanation: &Explanation,
        drawn: &Drawn,
    ) -> Result<Explained> {
        let Explanation { method, coarse, fine, .. } = explanation;
        let graph = self.model.network.graph();
        let node = |id: NodeId| graph.node(id).name.clone();
        let fused = self.asked.fused.as_ref().map(|(points, fusion)| {
            let points = points.iter().map(|point| node(*point)).collect();
            FusedPoints { points, fusion: fusion.name() }
        });
        let suffix = fused.as_ref().map(FusedPoints::file_name).unwrap_or_default();
        let (name, mode) = (format!("{name}-{method}{suffix}"), self.args.extrapolate);
        let draw = |heat: &Heatmap, mode: Extrapolation| {
            let overlay = drawn.overlay(&picture.photograph, &picture.region, heat)?;
            self.writer.picture(&format!("{name}-{mode}"), &overlay)
        };
        let files = Files {
            overlay: draw(fine, mode)?,
            plain: drawn.plain.as_ref().map(|plain| draw(plain, Extrapolation::None)).transpose()?,
            coarse: self.writer.save(&name, "coarse", || without_one_channel(&coarse.values))?,
            fine: self.writer.save(&name, &format!("{mode}-fine"), || without_one_channel(&fine.values))?,
            logits: None,
        };
        let point = match fused {
            Some(_) => coarse.point,
            None => self.explainer.point_of(asked.method.as_ref()),
        };
        Ok(Explained {
            class: question.class,
            label: label(question.class),
            versus: question.versus.map(|class| Versus { class, label: label(class) }),
            method,
            point: node(point),
            fused,
            extrapolation: mode.name(),
            reason: fine.reason.map(|reason| reason.to_string()),
            advice: fine.reason.map(Reason::advice),
            note: coarse.note.clone(),
            stretch: drawn.stretch_percent(),
            influence: None,
            ledger: None,
            files,
        })
    }
}

/// Of one channel `[h, w]`, of several `[k, h, w]`.
fn without_one_channel(values: &Array3<f32>) -> Tensor {
    let values = values.view().into_dyn();
    if values.shape()[0] == 1 { values.index_axis_move(Axis(0), 0).to_owned() } else { values.to_owned() }
}
