//! How much of a picture is the class and how much the activations, as JSON or in words. The JSON's keys are a contract.

use std::fmt;

use gradex::saliency::{Influence, Work};
use serde::Serialize;

use crate::report::label;

/// From this rank correlation on more than half of the order of pixels is explained: its square is a half.
pub const MOSTLY: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// What `--help` says of the line below each explanation.
pub const HELP: &str = "\
Below each explanation a line tells how much of the picture is the class, by rank correlations over all pixels: with what the \
activations draw without any class; with the same method's picture of the most probable other class, which may be related; \
and with that of an unlike class, the one in the middle of all by its score. It is `mostly the class` where the activations \
and the unlike class reach less than 0.71 (half of the order of pixels). From 0.95 on with either it would look the same for \
any class, of which standard error is warned; from 0.99 on the related class has the same picture. docs/influence.md.";

/// Whether a method is asked about other classes to compare: a walk back for each, or scores that are known already.
pub fn is_compared(work: Work) -> bool {
    match work {
        Work::Walk | Work::Relevance { .. } | Work::Scores(_) => true,
        Work::Gradients(_) => false,
    }
}

/// Whether a method takes so few passes that another network is asked to compare.
pub fn is_cheap(work: Work) -> bool {
    match work {
        Work::Walk | Work::Relevance { .. } => true,
        Work::Scores(_) | Work::Gradients(_) => false,
    }
}

/// What a picture that is not blank is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Influenced {
    /// The rank correlation with what the activations draw without any class; null where no activation took part.
    pub activations: Option<f64>,
    /// The picture of a class that may be related; null where there is none to compare with.
    pub other: Option<Other>,
    /// The picture of an unlike class; null where it was not asked about.
    pub unlike: Option<Unlike>,
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

/// An unlike class, and how much its picture is like this one.
#[derive(Debug, Clone, Serialize)]
pub struct Unlike {
    /// The class.
    pub class: usize,
    /// Its label.
    pub label: &'static str,
    /// The rank correlation of the two pictures; null where that of the unlike class is blank.
    pub correlation: Option<f64>,
}

/// What a picture is mostly of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mostly {
    /// Any class has it: the activations draw it.
    Activations,
    /// Any class has it, and the activations alone do not draw it.
    AnyClass,
    /// The activations explain more than half of it.
    MoreActivations,
    /// A good part of it is an unlike class's too.
    PartlyClass,
    /// Neither the activations nor another class have it.
    Class,
    /// The activations do not explain it, and no other class was there to compare.
    Unknown,
}

impl Influenced {
    /// Of these correlations, where `others` are the related and the unlike class, if they were asked about.
    pub fn new(influence: Influence, [other, unlike]: [Option<usize>; 2]) -> Self {
        let other = influence.other.zip(other);
        let unlike = unlike.map(|class| Unlike { class, label: label(class), correlation: influence.unlike });
        Self {
            activations: influence.activations,
            other: other.map(|(correlation, class)| Other { class, label: label(class), correlation }),
            unlike,
            same_for_any_class: influence.is_same_for_any_class(),
        }
    }

    /// What the picture is mostly of. It is the class only where the picture of another class differs.
    pub fn mostly(&self) -> Mostly {
        let activations = self.activations.unwrap_or(0.0);
        let other = self.other.as_ref().map(|other| other.correlation);
        // A class that has no picture has another one.
        let unlike = self.unlike.as_ref().map(|unlike| unlike.correlation.unwrap_or(0.0));
        match unlike.or(other) {
            _ if activations >= Influence::ACTIVATIONS => Mostly::Activations,
            _ if self.same_for_any_class => Mostly::AnyClass,
            _ if activations >= MOSTLY => Mostly::MoreActivations,
            Some(found) if found < MOSTLY => Mostly::Class,
            Some(_) if unlike.is_some() => Mostly::PartlyClass,
            Some(_) | None => Mostly::Unknown,
        }
    }

    /// How much activations alone explain.
    pub fn by_activations(&self) -> String {
        match self.activations {
            None => "no extrapolation shaped it".to_owned(),
            Some(found) if found < 0.0 => {
                format!("activations alone explain none of the order of its pixels (correlation {found:.3})")
            }
            Some(found) => {
                // The square of a correlation is the part of the variance that it explains.
                let part = 100.0 * found * found;
                format!("activations alone explain {part:.0} % of the order of its pixels (correlation {found:.3})")
            }
        }
    }
}

impl fmt::Display for Mostly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Activations => "activations, the same for any class",
            Self::AnyClass => "the same for any class",
            Self::MoreActivations => "mostly activations",
            Self::PartlyClass => "partly the class",
            Self::Class => "mostly the class",
            Self::Unknown => "not the activations alone",
        })
    }
}

impl fmt::Display for Influenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mostly(), self.by_activations())?;
        if let Some(Other { class, label, correlation }) = &self.other {
            let same = if *correlation >= Influence::OTHER { ", the same" } else { "" };
            write!(f, "; the picture of {label} ({class}) has correlation {correlation:.3} with it{same}")?;
        }
        if let Some(Unlike { class, label, correlation }) = &self.unlike {
            write!(f, "; that of an unlike class, {label} ({class}), ")?;
            match correlation {
                Some(correlation) => write!(f, "{correlation:.3}")?,
                None => f.write_str("is blank")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_class_only_where_another_class_differs() {
        for (activations, other, unlike, mostly) in [
            (Some(0.26), Some(1.0), Some(1.0), Mostly::AnyClass),
            (None, Some(0.99), Some(0.98), Mostly::AnyClass),
            (Some(0.5), Some(0.97), Some(0.02), Mostly::Class),
            (Some(0.5), Some(0.97), Some(0.93), Mostly::PartlyClass),
            (Some(0.5), Some(0.97), None, Mostly::Unknown),
            (Some(0.5), Some(0.3), None, Mostly::Class),
            (Some(0.5), None, None, Mostly::Unknown),
            (Some(-0.99), None, Some(0.1), Mostly::Class),
            (Some(0.8), Some(0.3), Some(0.1), Mostly::MoreActivations),
            (Some(0.96), Some(0.3), Some(0.1), Mostly::Activations),
        ] {
            let influenced =
                Influenced::new(Influence { activations, other, unlike }, [Some(281), unlike.map(|_| 728)]);
            assert_eq!(influenced.mostly(), mostly, "{influenced:?}");
        }
    }

    #[test]
    fn an_unlike_class_without_a_picture_has_another_one() {
        let influence = Influence { activations: Some(0.5), other: Some(0.97), unlike: None };
        let influenced = Influenced::new(influence, [Some(281), Some(728)]);
        assert_eq!(influenced.mostly(), Mostly::Class);
        assert!(influenced.to_string().ends_with("plastic bag (728), is blank"), "{influenced}");
    }

    #[test]
    fn digits_tell_thresholds_apart_and_opposites_explain_nothing() {
        let influence = Influence { activations: Some(-0.54), other: Some(0.9877), unlike: Some(0.9902) };
        let said = Influenced::new(influence, [Some(281), Some(728)]).to_string();
        assert!(said.contains("explain none") && said.contains("0.988") && said.contains("0.990"), "{said}");
    }
}
