//! How much of a picture is the class, and how much the activations?
//!
//! Gradual Extrapolation multiplies a map by activations that know no class. Three rank correlations over all pixels tell
//! what that leaves of the map: of the picture with the one that the same activations draw of a map that is 1 everywhere,
//! and with the pictures of two other classes: the next most probable one, and one that is unlike it.

use gradex_engine::Tape;
use ndarray::Array3;

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::explainer::{Explainer, Explanation};
use crate::extrapolate::extrapolate;
use crate::heatmap::Heatmap;
use crate::rank::rank_correlation;

/// What a picture is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Influence {
    /// The rank correlation with what the activations draw alone; none where nothing was multiplied, or where the picture
    /// is blank.
    pub activations: Option<f64>,
    /// The rank correlation with the picture of a class that may be related; none where there is none, or where one of them
    /// is blank.
    pub other: Option<f64>,
    /// The rank correlation with the picture of an unlike class; none as for the other.
    pub unlike: Option<f64>,
}

impl Influence {
    /// From this rank correlation on the activations alone draw the same picture, as far as an eye can tell: docs/influence.md
    /// says how it was chosen.
    pub const ACTIVATIONS: f64 = 0.95;
    /// From this rank correlation on a related class has the same picture; two kinds of cat may have much alike.
    pub const OTHER: f64 = 0.99;
    /// From this rank correlation on an unlike class has the same picture, and so has any.
    pub const UNLIKE: f64 = 0.95;

    /// Whether the picture would look the same for any class.
    #[must_use]
    pub fn is_same_for_any_class(&self) -> bool {
        let reaches = |correlation: Option<f64>, threshold| correlation.is_some_and(|found| found >= threshold);
        reaches(self.activations, Self::ACTIVATIONS) || reaches(self.unlike, Self::UNLIKE)
    }
}

impl Explainer<'_> {
    /// What an explanation of this tape is made of; `other` and `unlike` are the same method's about a related class and about
    /// an unlike one.
    ///
    /// # Errors
    /// As [`Explainer::activations_alone`].
    pub fn influence(
        &self,
        tape: &Tape,
        explanation: &Explanation,
        [other, unlike]: [Option<&Explanation>; 2],
    ) -> Result<Influence> {
        let alone = self.activations_alone(tape, explanation)?;
        let like = |other: &Heatmap| rank_correlation(&explanation.fine.values, &other.values);
        let of = |other: Option<&Explanation>| other.and_then(|other| like(&other.fine));
        Ok(Influence { activations: like(&alone), other: of(other), unlike: of(unlike) })
    }

    /// What the extrapolation makes of a map that is 1 everywhere, of the explanation's shape, over the same activations;
    /// blank where there are none.
    ///
    /// # Errors
    /// As [`extrapolate`].
    pub fn activations_alone(&self, tape: &Tape, explanation: &Explanation) -> Result<Heatmap> {
        let Explanation { image, coarse, .. } = explanation;
        let ones = CoarseMap { values: Array3::ones(coarse.values.dim()), reason: None, note: None, ..*coarse };
        let excitations = self.excitations(tape.input_shape(), coarse.point)?;
        extrapolate(self.extrapolation, &ones, tape, *image, &excitations)
    }
}
