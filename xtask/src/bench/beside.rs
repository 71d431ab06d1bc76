//! What explanations take beside the forward pass: ratios of runs that follow each other, so that a machine whose clock
//! swings moves both.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use gradex::{Explainer, Model};

use super::INPUT;
use super::contender::{Contender, Task};
use super::own::{Own, pool};
use super::report::threads;

/// Classes of the explanation that tells what each of them takes.
const CLASSES: usize = 8;

/// Medians of ratios to the forward pass before.
#[derive(Debug)]
pub struct Beside {
    model: &'static str,
    threads: usize,
    rounds: usize,
    explain: f64,
    class: f64,
    gradient: f64,
}

/// Times a model in `rounds` rounds.
pub fn beside(model: &Model, threads: usize, rounds: usize) -> Result<Beside> {
    let mut own = Own::new(model)?;
    own.set_threads(threads)?;
    let explainer = Explainer::new(&model.network);
    let tape = explainer.forward(&gradex::models::generated_input(&INPUT, super::SEED))?;
    let classes: Vec<[usize; 1]> = (0..CLASSES).map(|class| [class]).collect();
    let questions: Vec<&[usize]> = classes.iter().map(|class| &class[..]).collect();
    let pool = pool(threads)?;
    let ask = |count: usize| -> Result<Duration> {
        pool.install(|| {
            let start = Instant::now();
            explainer.explain_all(&tape, &questions[..count])?;
            Ok(start.elapsed())
        })
    };
    let [mut explain, mut class, mut gradient] = [(); 3].map(|()| Vec::with_capacity(rounds));
    // The first round packs the weights.
    for round in 0..=rounds {
        let forward = own.time(Task::Forward)?.as_secs_f64();
        let found = [own.time(Task::Explain)?.as_secs_f64(), own.time(Task::Gradient)?.as_secs_f64()];
        // The threads of this pool have slept.
        ask(CLASSES)?;
        let more = ask(CLASSES)?.as_secs_f64() - ask(1)?.as_secs_f64();
        if round > 0 {
            explain.push(found[0] / forward);
            gradient.push(found[1] / forward);
            class.push(more / (CLASSES - 1) as f64 / forward);
        }
    }
    let [explain, class, gradient] = [explain, class, gradient].map(median);
    Ok(Beside { model: model.architecture.name, threads, rounds, explain, class, gradient })
}

/// The middle one; of an even number the upper of the two.
fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, rounds, explain, class, gradient, .. } = self;
        writeln!(
            f,
            "{model}, {}, beside the forward pass just before, medians of {rounds} rounds: explaining one class \
             {explain:.2}, each class more {:.1} %, the gradient at the input {gradient:.2}.",
            threads(self.threads),
            100.0 * class
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_ratio_counts() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0]), 4.0);
        assert!(median(Vec::new()).is_nan());
    }
}
