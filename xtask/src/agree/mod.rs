//! `cargo xtask agree`: how far two files of weights agree, measured on many views of photographs.
//!
//! For weights that were rounded: do they still see the same thing?

mod views;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gradex::engine::Retain;
use gradex::{Model, Photograph, Tensor, imagenet_labels, load, see, top};

/// What to compare, and on what.
#[derive(Args)]
pub struct Arguments {
    /// The architecture of both
    #[arg(long, value_name = "NAME")]
    arch: String,
    /// Weights, of any format that `import` reads
    first: PathBuf,
    /// Weights to compare with them
    second: PathBuf,
    /// Photographs
    #[arg(required = true)]
    images: Vec<PathBuf>,
}

/// Compares the predictions for every view of every photograph, and prints one line each time the two differ about
/// the best class, one a photograph, and one in all.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let first = load(&arguments.arch, &arguments.first)?;
    let second = load(&arguments.arch, &arguments.second)?;
    let mut all = Agreement::default();
    for path in &arguments.images {
        let mut of_photograph = Agreement::default();
        for view in views::of(&Photograph::open(path)?)? {
            let input = see(&first, &view.photograph, view.fit)?.input;
            let [before, after] = [probabilities(&first, &input)?, probabilities(&second, &input)?];
            if !of_photograph.add(&before, &after) {
                writeln!(out, "  {view}: {}, then {}", told(&before), told(&after))?;
            }
        }
        writeln!(out, "{}: {of_photograph}", path.display())?;
        out.flush()?;
        all.join(&of_photograph);
    }
    writeln!(out, "in all: {all}")?;
    Ok(())
}

/// The probability of every class.
fn probabilities(model: &Model, input: &Tensor) -> Result<Vec<f64>> {
    let tape = model.network.forward(input, &Retain::logits())?;
    let logits = tape.image_logits(0)?;
    let mut predictions = top(logits, logits.len());
    predictions.sort_by_key(|prediction| prediction.class);
    Ok(predictions.into_iter().map(|prediction| prediction.probability).collect())
}

/// The most probable class; of equal ones the lower number.
fn best(probabilities: &[f64]) -> usize {
    let classes = 0..probabilities.len();
    classes.max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]).then(b.cmp(a))).unwrap_or_default()
}

fn told(probabilities: &[f64]) -> String {
    let class = best(probabilities);
    let label = imagenet_labels().nth(class).filter(|_| probabilities.len() == 1000).unwrap_or("class");
    format!("{label} ({class}) {:.4}", probabilities[class])
}

/// What was found over some views.
#[derive(Debug, Default, PartialEq)]
struct Agreement {
    views: usize,
    same_best: usize,
    /// The largest absolute difference of the probabilities of one class in one view.
    difference: f64,
}

impl Agreement {
    /// Counts a view, and returns whether both have the same best class.
    fn add(&mut self, before: &[f64], after: &[f64]) -> bool {
        let is_same = best(before) == best(after);
        let differences = before.iter().zip(after).map(|(before, after)| (before - after).abs());
        self.join(&Self { views: 1, same_best: is_same.into(), difference: differences.fold(0.0, f64::max) });
        is_same
    }

    fn join(&mut self, other: &Self) {
        self.views += other.views;
        self.same_best += other.same_best;
        self.difference = self.difference.max(other.difference);
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { views, same_best, difference } = self;
        let share = 100.0 * *same_best as f64 / *views as f64;
        write!(f, "the same best class in {same_best} of {views} views ({share:.2} %), ")?;
        write!(f, "no probability differs by more than {difference:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_class_is_the_first_of_equals() {
        assert_eq!(best(&[0.1, 0.4, 0.1, 0.4]), 1);
    }

    #[test]
    fn agreements_by_hand() {
        let mut agreement = Agreement::default();
        assert!(agreement.add(&[0.75, 0.25], &[0.5, 0.5]));
        assert!(!agreement.add(&[0.5, 0.5], &[0.375, 0.625]));
        let mut all = Agreement { views: 2, same_best: 2, difference: 0.125 };
        all.join(&agreement);
        assert_eq!(all, Agreement { views: 4, same_best: 3, difference: 0.25 });
        assert!(all.to_string().contains("3 of 4 views (75.00 %)"), "{all}");
    }
}
