//! What the runs about one tape share. Most changes of inputs depend on no target, so one set of forward passes gives the
//! scores for all; and gradients leave the classifier together, so that its weights are read once for many.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use gradex_engine::{Descent, NodeId, Tape, Tensor};
use ndarray::{ArrayView1, Axis};

use crate::error::{Error, Result};
use crate::run::Cost;
use crate::target::{Target, seed};

/// Runs whose gradients leave the classifier together, at most: they wait in memory until their run asks for them.
pub(crate) const TOGETHER: usize = 8;

/// Shared by runs, each with a number.
pub(crate) struct Shared {
    /// The targets of each run, one an image.
    pub(crate) questions: Vec<Vec<Target>>,
    /// The derivative of the sum of each run's scores by the logits.
    pub(crate) seeds: Vec<Tensor>,
    /// By run, where its gradient left the classifier and it did not ask for it yet.
    descents: RefCell<BTreeMap<usize, Descent>>,
    known: RefCell<Vec<Known>>,
    cost: Cell<Cost>,
}

/// The scores of inputs that were changed in one way.
struct Known {
    /// The way.
    key: Box<dyn Any>,
    /// By image and first copy: for each run the scores of a batch of copies.
    scores: BTreeMap<[usize; 2], Vec<Result<Vec<f32>>>>,
}

impl Shared {
    pub(crate) fn new(tape: &Tape, questions: Vec<Vec<Target>>) -> Result<Self> {
        let seeds = questions.iter().map(|targets| seed(tape, targets)).collect::<Result<_>>()?;
        let (descents, known, cost) = Default::default();
        Ok(Self { questions, seeds, descents, known, cost })
    }

    /// The gradient of run `number` on its way to `points`; `descend` sends a group of seeds on that way where no run of the
    /// group asked for it yet.
    pub(crate) fn descent(
        &self,
        number: usize,
        points: &[NodeId],
        descend: impl Fn(&[Tensor]) -> gradex_engine::Result<Vec<Descent>>,
    ) -> gradex_engine::Result<Option<Descent>> {
        let mut descents = self.descents.borrow_mut();
        if descents.get(&number).is_none_or(|descent| descent.keep() != points) {
            let first = number / TOGETHER * TOGETHER;
            let group = &self.seeds[first..self.seeds.len().min(first + TOGETHER)];
            descents.extend((first..).zip(descend(group)?));
        }
        Ok(descents.remove(&number))
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost.get()
    }

    pub(crate) fn spend(&self, more: Cost) {
        self.cost.set(self.cost.get() + more);
    }

    /// The scores, by the target of run `number`, of the copies of an image from one on; `send` gives their logits where no
    /// run asked for them yet.
    pub(crate) fn scores<K: PartialEq + Clone + 'static>(
        &self,
        number: usize,
        key: &K,
        [image, first]: [usize; 2],
        send: impl FnOnce() -> Result<Tensor>,
    ) -> Result<Vec<f32>> {
        let is_key = |known: &Known| known.key.downcast_ref() == Some(key);
        if let Some(known) = self.known.borrow().iter().find(|known| is_key(known))
            && let Some(scores) = known.scores.get(&[image, first])
        {
            return scores[number].clone();
        }
        let logits = send()?;
        let scores: Vec<_> = self.questions.iter().map(|targets| scores_of(&targets[image], &logits)).collect();
        let own = scores[number].clone();
        let mut all = self.known.borrow_mut();
        match all.iter_mut().find(|known| is_key(known)) {
            Some(known) => drop(known.scores.insert([image, first], scores)),
            None => {
                let scores = BTreeMap::from([([image, first], scores)]);
                all.push(Known { key: Box::new(key.clone()), scores });
            }
        }
        own
    }
}

/// What a target makes of each row of `logits [m, classes]`.
pub(crate) fn scores_of(target: &Target, logits: &Tensor) -> Result<Vec<f32>> {
    let score = |row: usize| Ok(target.objective(row_of(logits, row)?)?.score);
    (0..logits.shape()[0]).map(score).collect()
}

fn row_of(logits: &Tensor, row: usize) -> Result<ArrayView1<'_, f32>> {
    let error = |_| Error::NotAnImage { point: "the logits".to_owned(), shape: logits.shape().to_vec() };
    logits.index_axis(Axis(0), row).into_dimensionality().map_err(error)
}
