//! What the runs about one tape share: the scores of changed inputs. Most changes depend on no target, so one set of
//! forward passes gives the scores for all.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use gradex_engine::Tensor;
use ndarray::{ArrayView1, Axis};

use crate::error::{Error, Result};
use crate::run::Cost;
use crate::target::Target;

/// Shared by runs, each with a number.
pub(crate) struct Shared {
    /// The targets of each run, one an image.
    pub(crate) questions: Vec<Vec<Target>>,
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
    pub(crate) fn new(questions: Vec<Vec<Target>>) -> Self {
        Self { questions, known: RefCell::default(), cost: Cell::default() }
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
