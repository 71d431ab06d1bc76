//! Why a heat map is blank, and what to try.

use std::fmt;

/// Why a heat map is blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing at the point speaks for the target: the map has no positive value.
    NoPositiveEvidence,
    /// The gradient at the point is zero everywhere, or so are the sums over pixels that a method takes of it: rectifiers or
    /// pools behind it let nothing through.
    ZeroGradient,
    /// The activations at the point are zero everywhere: there is nothing to weigh.
    SilentPoint,
    /// The product with the activations is zero everywhere: where the map is positive, an earlier layer is silent.
    NoActivation,
    /// The map is the same everywhere, so it prefers no place.
    Constant,
}

impl Reason {
    /// What to try.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoPositiveEvidence => {
                "nothing at this point raises the class's score: try another class or point, or the difference of two classes"
            }
            Self::ZeroGradient => {
                "choose a later point, or a method that needs no gradient (score-cam, occlusion, rise)"
            }
            Self::SilentPoint => {
                "check that the input is normalised as the network expects and is no blank image, or choose an earlier point"
            }
            Self::NoActivation => "use --extrapolate none, or a later point",
            Self::Constant => "choose an earlier point with more than one pixel, or a larger input",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPositiveEvidence => "no positive evidence",
            Self::ZeroGradient => "the gradient is zero at the point",
            Self::SilentPoint => "nothing is active at the point",
            Self::NoActivation => "no activation under the evidence",
            Self::Constant => "the map is constant",
        })
    }
}
