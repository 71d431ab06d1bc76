//! The answers of methods to a question about one forward pass.

use std::cell::RefCell;
use std::collections::HashSet;

use anyhow::{Result, anyhow};
use gradex::saliency::{Error, Run};
use gradex::{Explainer, Explanation, Extrapolation, Model, Tape};
use ndarray::ArrayView1;

use crate::asked::{Asked, AskedMethod, Question};
use crate::influence::{Influenced, is_cheap};
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// Asks methods, and knows what to do with those that do not apply.
pub struct Answers<'a> {
    /// Whom it asks.
    pub explainer: Explainer<'a>,
    interrupt: Interrupt,
    progress: Progress,
    /// Methods that did not apply, and were said to.
    skipped: RefCell<HashSet<&'static str>>,
}

/// An answer, and what it is made of.
pub struct Answer {
    /// The answer.
    pub explanation: Explanation,
    /// What its picture is made of; none where that is blank.
    pub influence: Option<Influenced>,
    /// Whether it took so few passes that it may be asked again to compare.
    pub cheap: bool,
}

impl<'a> Answers<'a> {
    /// Of the methods that are asked for, with this extrapolation.
    pub fn new(
        model: &'a Model,
        asked: &Asked,
        extrapolation: Extrapolation,
        interrupt: &Interrupt,
        progress: &Progress,
    ) -> Self {
        let explainer = explainer(model, asked, extrapolation, interrupt, progress);
        Self { explainer, interrupt: interrupt.clone(), progress: progress.clone(), skipped: RefCell::default() }
    }

    /// The answer of one method to `run`, and how it differs from the one to `other`, about another class. None where it is
    /// one of all methods and does not apply, which is said once.
    pub fn of(
        &self,
        tape: &Tape,
        run: &Run<'_>,
        other: Option<&OtherRun<'_>>,
        asked: &AskedMethod,
    ) -> Result<Option<Answer>> {
        self.interrupt.check()?;
        let before = run.cost();
        let Some(explanation) = self.answer(run, asked)? else { return Ok(None) };
        if explanation.fine.reason.is_some() {
            return Ok(Some(Answer { explanation, influence: None, cheap: is_cheap(before, run.cost()) }));
        }
        let cheap = is_cheap(before, run.cost());
        let other = other.filter(|_| cheap);
        let compared = match other {
            Some(other) => self.answer(&other.run, asked)?,
            None => None,
        };
        let influence = self.explainer.influence(tape, &explanation, compared.as_ref())?;
        let influence = Some(Influenced::new(influence, other.map(|other| other.class)));
        Ok(Some(Answer { explanation, influence, cheap }))
    }

    /// The question about another class, to compare with.
    pub fn other<'r>(
        &'r self,
        tape: &'r Tape,
        question: &Question,
        logits: ArrayView1<'_, f32>,
    ) -> Result<Option<OtherRun<'r>>> {
        let Some(other) = question.other(logits) else { return Ok(None) };
        let run = self.explainer.run(tape, &[other.target()])?;
        Ok(Some(OtherRun { class: other.class, run }))
    }

    fn answer(&self, run: &Run<'_>, asked: &AskedMethod) -> Result<Option<Explanation>> {
        let error = match self.explainer.explain_by(run, asked.method.as_ref()) {
            Ok(mut explanations) => return Ok(explanations.pop()),
            Err(error) => error,
        };
        if matches!(error, Error::Stopped { .. }) {
            self.interrupt.check()?;
        }
        let method = asked.method.about().name;
        if asked.named || !error.does_not_apply() {
            return Err(anyhow!(error).context(format!("{method} failed")));
        }
        if self.skipped.borrow_mut().insert(method) {
            self.progress.suspend(|| eprintln!("skipped {method}: {error}"));
        }
        Ok(None)
    }
}

/// What explains by the methods that are asked for, and stops where somebody interrupts.
pub fn explainer<'a>(
    model: &'a Model,
    asked: &Asked,
    extrapolation: Extrapolation,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Explainer<'a> {
    let (interrupt, progress) = (interrupt.clone(), progress.clone());
    let methods = asked.methods.iter().map(|asked| asked.method.clone()).collect();
    let explainer = Explainer::new(&model.network).methods(methods).extrapolation(extrapolation);
    let explainer = explainer.watch(move |passes| {
        progress.pass(passes);
        interrupt.flow()
    });
    match asked.point {
        Some(point) => explainer.point(point),
        None => explainer,
    }
}

/// The same question about another class.
pub struct OtherRun<'a> {
    /// The class.
    pub class: usize,
    /// The tape asked about it.
    pub run: Run<'a>,
}
