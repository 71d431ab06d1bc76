//! Which algorithm computes a convolution.

use gradex_kernels::blocked::Algorithm;
use gradex_kernels::{ConvShape, Level};

/// How a network's planned runs choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The fastest.
    #[default]
    Fastest,
    /// The fastest of those that sum as the definition does: no Winograd, whose rounding is coarser. It takes the least
    /// memory: weights are kept in the order in which kernels read them, and in no other.
    Exact,
    /// This one wherever it can, else the fastest.
    Forced(Algorithm),
}

impl Choice {
    pub(crate) fn of(self, level: Level, shape: &ConvShape) -> Algorithm {
        match self {
            Self::Fastest => Algorithm::fastest(level, shape, false),
            Self::Exact => Algorithm::fastest(level, shape, true),
            Self::Forced(algorithm) if algorithm.takes(shape) => algorithm,
            Self::Forced(_) => Algorithm::fastest(level, shape, false),
        }
    }

    /// Why it is this one.
    pub(crate) fn reason(self, algorithm: Algorithm, shape: &ConvShape) -> &'static str {
        match self {
            Self::Forced(asked) if asked == algorithm => "asked for",
            Self::Exact if algorithm == Algorithm::Direct && Algorithm::Winograd.takes(shape) => "exact sums asked for",
            Self::Fastest | Self::Exact | Self::Forced(_) => algorithm.reason(shape),
        }
    }
}
