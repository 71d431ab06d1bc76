//! `gradex explain`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use gradex::engine::Choice;
use gradex::methods::DEFAULT_BATCH;
use gradex::saliency::{Cost, Ledger};
use gradex::{Explanation, Extrapolation, Heatmap, Model, NodeId, Reason, Tensor, top};
use ndarray::{Array3, Axis};

use crate::account::Account;
use crate::answers::{Answer, Answers, Said};
use crate::args::Explain;
use crate::asked::{Asked, AskedMethod, Question};
use crate::clash::Read;
use crate::drawn::{ContactSheet, Drawn};
use crate::failure::{Failure, Outcome};
use crate::inputs::Picture;
use crate::interrupt::Interrupt;
use crate::memory::{self, Budget, Most};
use crate::names::{Names, told_apart, variant};
use crate::outputs::{self, Folder};
use crate::progress::Progress;
use crate::receipt::{self, Input, Taking};
use crate::report::{Explained, Files, FusedPoints, Passes, Refused, Report, Versus, label, labelled, region};
use crate::written::Writer;
use crate::{model, run};

/// The fewest predictions that a report shows.
const SHOWN: usize = 5;

/// Draws what the classifier looked at, for each input and class.
pub fn run(mut args: Explain) -> Outcome {
    args.ask.or_methods(&["grad-cam"]);
    let args = &args;
    check(args)?;
    let read = Read::of(&args.input.pictures.inputs, &args.model, &args.ask.settings);
    check_outputs(args, &read)?;
    model::set_threads(&args.model)?;
    let _folder = Folder::open(&args.out)?;
    if let Some(receipt) = &args.receipt {
        outputs::check_file("--receipt", receipt)?;
    }
    let most = Most::asked(args.model.max_memory);
    let (model, weights) = match args.receipt {
        Some(_) => model::load_hashed(&args.model, most)?,
        None => (model::load(&args.model, most)?, String::new()),
    };
    let (budget, asked) = plan(most, args, &model)?;
    let receipt = args.receipt.as_ref().map(|path| Taking::begin(path, args, &model, weights)).transpose()?;

    let (interrupt, progress) = (Interrupt::listen()?, Progress::new());
    let answers = Answers::new(&model, &asked, args.ask.extrapolate, &interrupt, &progress);
    let writer = Writer::new(args, read);
    let variant = variant(args, &model, asked.point);
    let (model, bars) = (&model, progress.clone());
    let needs = |size| memory::explanations(&asked, model, args.ask.extrapolate, size);
    let admit = |holds| budget.admit(holds, needs);
    let task = Task { args, model, answers, asked: &asked, writer, receipt, progress: bars };
    let mut names = Names::default();
    let outcome = run::for_each_picture(&args.input, model, &admit, progress, |path, picture| {
        let name = names.of(path, picture.index) + &variant;
        task.explain(path, &name, &picture)
    });
    budget.tell();
    if let (Some(receipt), Ok(()) | Err(Failure::Run(_))) = (task.receipt, &outcome) {
        receipt.write()?;
    }
    outcome
}

/// Checks what needs no weights.
fn check(args: &Explain) -> Outcome {
    args.style.check()?;
    if args.ledger {
        Asked::check_ledger(&args.ask.methods)?;
    }
    Asked::check(&args.ask)
}

/// Checks that nothing that is read will be replaced.
fn check_outputs(args: &Explain, read: &Read) -> Outcome {
    let receipt = args.receipt.as_deref().map(|path| ("--receipt", path));
    if let Some((what, path)) = receipt {
        read.check(what, path)?;
    }
    read.check_out(&args.out, receipt)
}

/// The memory of the run, with the largest batch that fits, and what is then asked.
pub fn plan(most: Most, args: &Explain, model: &Model) -> Outcome<(Budget, Asked)> {
    let (pictures, mode) = (&args.input.pictures, args.ask.extrapolate);
    let size = pictures.size.unwrap_or(model.architecture.preprocessing.size);
    let needs = |batch| {
        let mut ask = args.ask.clone();
        ask.settings.batch = Some(batch);
        let asked = Asked::new(&ask, pictures.size, model)?;
        Ok((memory::explanations(&asked, model, mode, size)?, asked))
    };
    Budget::plan(most, pictures, model, args.ask.settings.batch.unwrap_or(DEFAULT_BATCH), needs)
}

/// What is done with every picture.
struct Task<'a> {
    args: &'a Explain,
    model: &'a Model,
    answers: Answers<'a>,
    asked: &'a Asked,
    writer: Writer<'a>,
    receipt: Option<Taking<'a>>,
    progress: Progress,
}

impl Task<'_> {
    fn explain(&self, path: &Path, name: &str, picture: &Picture) -> Result<Report> {
        let tape = self.answers.explainer.forward(&picture.input)?;
        // The choice of the least memory.
        if self.model.network.choice() == Choice::Exact {
            self.model.network.trim();
        }
        let logits = tape.image_logits(0)?;
        let mut report = Report {
            input: run::shown(path, picture),
            model: self.model.architecture.name,
            size: [picture.input.shape()[2], picture.input.shape()[3]],
            photograph: picture.photograph.size(),
            region: region(&picture.region),
            predictions: labelled(top(logits, SHOWN.max(self.asked.top()))),
            explanations: None,
            refused: None,
            passes: None,
            sheets: None,
            milliseconds: 0.0,
        };
        let logits_file = self.writer.save(name, "logits", || logits.to_owned().into_dyn())?;
        let (mut explanations, mut refused, mut sheets) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut taken = self.receipt.as_ref().map(|_| Input::of(path, picture, &tape)).transpose()?;
        let questions = self.asked.questions(logits);
        let mut inquiry = self.answers.inquiry(&tape, &questions)?;
        let mut spent = Cost::default();
        for question in &questions {
            let name = question.file_name(name);
            let mut sheet =
                self.args.sheet.then(|| ContactSheet::new(self.args, picture, &report, question)).transpose()?;
            for asked in &self.asked.methods {
                let answer = match inquiry.ask(asked)? {
                    Said::Answer(answer) => *answer,
                    Said::Nothing => continue,
                    Said::Refused(error) => {
                        refused.insert(asked.method.about().name, error.to_string());
                        continue;
                    }
                };
                if let Some(input) = &mut taken {
                    input.explanations.push(receipt::Answer::of(self.model, question, &answer.explanation));
                }
                let drawn = Drawn::new(self.args.ask.extrapolate, &self.args.style, &tape, &answer.explanation)?;
                let ledgers = answer.ledgers.clone();
                let mut explained = self.explained(&name, picture, question, asked, answer, &drawn)?;
                explained.files.logits.clone_from(&logits_file);
                self.warn(&report.input, &explained, &ledgers);
                if let Some(sheet) = &mut sheet {
                    sheet.add(&explained, &drawn)?;
                }
                explanations.push(explained);
            }
            if let Some(sheet) = sheet {
                sheets.push(self.writer.picture(&format!("{name}-sheet"), &sheet.draw())?);
            }
            spent = inquiry.cost();
            inquiry.next();
        }
        if let Some((taking, input)) = self.receipt.as_ref().zip(taken) {
            taking.add(input);
        }
        report.explanations = Some(explanations);
        report.refused = Some(refused.into_iter().map(|(method, why)| Refused { method, why }).collect());
        report.passes = Some(Passes { forwards: 1 + spent.forwards, backwards: spent.backwards });
        report.sheets = self.args.sheet.then_some(sheets);
        Ok(report)
    }

    fn warn(&self, input: &str, explained: &Explained, ledgers: &[Ledger]) {
        let Explained { class, label, method, influence, .. } = explained;
        let of = format!("warning: {input}: {method} of {label} ({class})");
        self.progress.suspend(|| {
            if let Some(influence) = influence.as_ref().filter(|influence| influence.same_for_any_class) {
                complain!("{of}: {influence}");
            }
            for warning in ledgers.iter().flat_map(|ledger| &ledger.warnings) {
                complain!("{of}: {warning}");
            }
        });
    }

    fn explained(
        &self,
        name: &str,
        picture: &Picture,
        question: &Question,
        asked: &AskedMethod,
        answer: Answer,
        drawn: &Drawn,
    ) -> Result<Explained> {
        let Answer { explanation, influence, ledgers } = answer;
        let Explanation { method, coarse, fine, .. } = &explanation;
        let graph = self.model.network.graph();
        let node = |id: NodeId| graph.node(id).name.clone();
        let fused = self.asked.fused.as_ref().map(|(points, fusion)| {
            let points = points.iter().map(|point| node(*point)).collect();
            FusedPoints { points, fusion: fusion.name() }
        });
        let suffix = fused.as_ref().map(FusedPoints::file_name).unwrap_or_default();
        let parameters = asked.method.parameters(graph);
        let (name, mode) = (format!("{name}-{}{suffix}", told_apart(method, &parameters)), self.args.ask.extrapolate);
        let draw = |heat: &Heatmap, mode: Extrapolation| {
            let overlay = drawn.overlay(&picture.photograph, &picture.region, heat)?;
            self.writer.picture(&format!("{name}-{mode}"), &overlay)
        };
        let files = Files {
            overlay: draw(fine, mode)?,
            plain: drawn.plain.as_ref().map(|plain| draw(plain, Extrapolation::NONE)).transpose()?,
            coarse: self.writer.save(&name, "coarse", || without_one_channel(&coarse.values))?,
            fine: self.writer.save(&name, &format!("{mode}-fine"), || without_one_channel(&fine.values))?,
            logits: None,
        };
        let point = match fused {
            Some(_) => coarse.point,
            None => self.answers.explainer.point_of(asked.method.as_ref()),
        };
        Ok(Explained {
            class: question.class,
            label: label(question.class),
            versus: question.versus.map(|class| Versus { class, label: label(class) }),
            target: if question.versus.is_some() { "difference" } else { "class" },
            method,
            parameters: parameters.into_iter().collect(),
            point: node(point),
            fused,
            extrapolation: mode.to_string(),
            is_plain: fine.reason.is_none() && drawn.plain.as_ref() == Some(fine),
            reason: fine.reason.map(|reason| reason.to_string()),
            advice: fine.reason.map(Reason::advice),
            note: coarse.note.clone(),
            stretch: drawn.stretch_percent(),
            influence,
            ledger: (self.args.ledger && !ledgers.is_empty()).then(|| ledgers.iter().map(Account::of).collect()),
            files,
        })
    }
}

/// Of one channel `[h, w]`, of several `[k, h, w]`.
fn without_one_channel(values: &Array3<f32>) -> Tensor {
    let values = values.view().into_dyn();
    if values.shape()[0] == 1 { values.index_axis_move(Axis(0), 0).to_owned() } else { values.to_owned() }
}
