//! The answers of methods to questions about one forward pass.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};

use anyhow::{Result, anyhow};
use gradex::saliency::{Cost, Error, Ledger, Run};
use gradex::{CoarseMap, Explainer, Explanation, Extrapolation, Model, Tape, Target};

use crate::asked::{Asked, AskedMethod, Question};
use crate::influence::{Influenced, is_compared};
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

/// What a method says to a question.
pub enum Said {
    /// This.
    Answer(Box<Answer>),
    /// Nothing: it is one of all methods and does not apply.
    Nothing,
    /// It is asked for by name and does not apply.
    Refused(Error),
}

/// An answer, and what it is made of.
pub struct Answer {
    /// The answer.
    pub explanation: Explanation,
    /// What its picture is made of; none where that is blank.
    pub influence: Option<Influenced>,
    /// The accounts of its relevance walks.
    pub ledgers: Vec<Ledger>,
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

    /// These questions about a tape.
    pub fn inquiry<'r>(&'r self, tape: &'r Tape, questions: &[Question]) -> Result<Inquiry<'r>> {
        let logits = tape.image_logits(0)?;
        let others: Vec<[Option<Question>; 2]> = questions.iter().map(|question| question.others(logits)).collect();
        let all = questions.iter().chain(others.iter().flatten().flatten());
        let targets: BTreeMap<usize, Vec<Target>> = all.map(|one| (one.class, vec![one.target()])).collect();
        let (classes, targets): (Vec<usize>, Vec<_>) = targets.into_iter().unzip();
        let runs = self.explainer.runs(tape, targets)?.into_iter().map(Case::new);
        let compared = |(question, others): (&Question, [Option<Question>; 2])| {
            (question.class, others.map(|other| other.map(|other| other.class)))
        };
        Ok(Inquiry {
            answers: self,
            tape,
            compared: questions.iter().zip(others).map(compared).collect(),
            cases: classes.into_iter().zip(runs).collect(),
        })
    }
}

/// Questions about one tape, each compared with the same about two other classes. Every class is explained once by a method,
/// and its gradients and maps are kept until no later question needs them.
pub struct Inquiry<'a> {
    answers: &'a Answers<'a>,
    tape: &'a Tape,
    /// The class of each question, and those compared with: one that may be related, and one that is unlike it.
    compared: VecDeque<(usize, [Option<usize>; 2])>,
    /// By class.
    cases: BTreeMap<usize, Case<'a>>,
}

/// A class, and what is known about it.
struct Case<'a> {
    run: Run<'a>,
    /// By the method's name.
    known: RefCell<BTreeMap<&'static str, Known>>,
}

/// What a method gave.
#[derive(Clone)]
struct Known {
    coarse: Vec<CoarseMap>,
    ledgers: Vec<Ledger>,
}

impl<'a> Case<'a> {
    fn new(run: Run<'a>) -> Self {
        Self { run, known: RefCell::default() }
    }
}

impl Inquiry<'_> {
    /// What a method says to the first of the questions.
    pub fn ask(&self, asked: &AskedMethod) -> Result<Said> {
        self.answers.interrupt.check()?;
        let Some(&(class, others)) = self.compared.front() else { return Ok(Said::Nothing) };
        let (explanation, ledgers) = match self.explained(class, asked) {
            Ok(Some(explained)) => explained,
            Ok(None) => return Ok(Said::Nothing),
            Err(error) => return self.answers.without(error, asked),
        };
        if explanation.fine.reason.is_some() {
            return Ok(Said::Answer(Box::new(Answer { explanation, influence: None, ledgers })));
        }
        let others = others.map(|other| other.filter(|_| is_compared(asked.method.work())));
        let mut compared = [None, None];
        for (compared, other) in compared.iter_mut().zip(others) {
            let explained = other.map(|other| self.explained(other, asked)).transpose()?.flatten();
            *compared = explained.map(|(explanation, _)| explanation);
        }
        let compared = compared.each_ref().map(Option::as_ref);
        let influence = self.answers.explainer.influence(self.tape, &explanation, compared)?;
        let influence = Some(Influenced::new(influence, others));
        Ok(Said::Answer(Box::new(Answer { explanation, influence, ledgers })))
    }

    /// The answer of a method to the first of the questions, compared with nothing.
    pub fn explanation(&self, asked: &AskedMethod) -> Result<Option<Explanation>> {
        let Some(&(class, _)) = self.compared.front() else { return Ok(None) };
        Ok(self.explained(class, asked)?.map(|(explanation, _)| explanation))
    }

    /// Goes on to the next question.
    pub fn next(&mut self) {
        self.compared.pop_front();
        let needed =
            |class: usize| self.compared.iter().any(|(one, others)| *one == class || others.contains(&Some(class)));
        self.cases.retain(|class, _| needed(*class));
    }

    /// What was spent so far beyond the tape's forward pass; nothing when there is no more question.
    pub fn cost(&self) -> Cost {
        self.cases.values().next().map(|case| case.run.shared_cost()).unwrap_or_default()
    }

    fn explained(
        &self,
        class: usize,
        asked: &AskedMethod,
    ) -> gradex::saliency::Result<Option<(Explanation, Vec<Ledger>)>> {
        let (method, explainer) = (asked.method.as_ref(), &self.answers.explainer);
        let Case { run, known } = &self.cases[&class];
        let name = method.about().name;
        let found = known.borrow().get(name).cloned();
        let Known { coarse, ledgers } = match found {
            Some(found) => found,
            None => {
                let before = run.ledgers().len();
                let coarse = method.attribute(run, explainer.point_of(method))?;
                let found = Known { coarse, ledgers: run.ledgers().split_off(before) };
                known.borrow_mut().insert(name, found.clone());
                found
            }
        };
        Ok(explainer.extrapolated(run, method, coarse)?.pop().map(|explanation| (explanation, ledgers)))
    }
}

impl Answers<'_> {
    /// What is said instead of an answer.
    fn without(&self, error: Error, asked: &AskedMethod) -> Result<Said> {
        if matches!(error, Error::Stopped { .. }) {
            self.interrupt.check()?;
        }
        let method = asked.method.about().name;
        if !error.does_not_apply() {
            return Err(anyhow!(error).context(format!("{method} failed")));
        }
        if asked.named {
            return Ok(Said::Refused(error));
        }
        if self.skipped.borrow_mut().insert(method) {
            self.progress.suspend(|| complain!("skipped {method}: {error}"));
        }
        Ok(Said::Nothing)
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
