//! How much of a picture is the class and how much the activations, as JSON or in words. The JSON's keys are a contract.

use std::fmt;

use gradex::saliency::{Influence, Work};
use serde::Serialize;

use crate::report::label;

/// Whether a method is asked about another class to compare: one walk back or two, or scores that are known already.
pub fn is_compared(work: Work) -> bool {
    match work {
        Work::Walk | Work::Relevance | Work::Scores(_) => true,
        Work::Gradients(_) => false,
    }
}

/// Whether a method takes so few passes that another network is asked to compare.
pub fn is_cheap(work: Work) -> bool {
    match work {
        Work::Walk | Work::Relevance => true,
        Work::Scores(_) | Work::Gradients(_) => false,
    }
}

/// What a picture that is not blank is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Influenced {
    /// The rank correlation with what the activations draw without any class; null where no activation took part.
    pub activations: Option<f64>,
    /// The picture of another class; null where there is none to compare with.
    pub other: Option<Other>,
    /// Whether the picture would look the same for any class.
    pub same_for_any_class: bool,
}

/// Another class, and how much its picture is like this one.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// The class.
    pub class: usize,
    /// Its label.
    pub label: &'static str,
    /// The rank correlation of the two pictures.
    pub correlation: f64,
}

impl Influenced {
    /// Of these correlations, where `other` is the class compared with.
    pub fn new(influence: Influence, other: Option<usize>) -> Self {
        let other = influence.other.zip(other);
        Self {
            activations: influence.activations,
            other: other.map(|(correlation, class)| Other { class, label: label(class), correlation }),
            same_for_any_class: influence.is_same_for_any_class(),
        }
    }
}

impl fmt::Display for Influenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.activations {
            Some(found) => {
                // The square of a correlation is the part of the variance that it explains.
                let part = 100.0 * found * found;
                write!(f, "activations alone explain {part:.0} % of the order of its pixels (correlation {found:.2})")?;
            }
            None => f.write_str("no activation shaped it")?,
        }
        if let Some(Other { class, label, correlation }) = &self.other {
            write!(f, "; the picture of {label} ({class}) has correlation {correlation:.2} with it")?;
        }
        Ok(())
    }
}
