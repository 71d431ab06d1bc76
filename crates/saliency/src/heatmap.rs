//! A map of the network's input size, ready to be shown.

use std::fmt;

use gradex_kernels::resize_bilinear;
use ndarray::Array2;

use crate::error::{Error, Result};

/// Why a heat map is blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The coarse map has no positive value: nothing at its point speaks for the class.
    NoPositiveEvidence,
    /// The product with the activations is zero everywhere: where the map is positive, an earlier layer is silent.
    NoActivation,
    /// The map is the same everywhere, so it prefers no place.
    Constant,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPositiveEvidence => "no positive evidence",
            Self::NoActivation => "no activation under the evidence",
            Self::Constant => "the map is constant",
        })
    }
}

/// A map `[h, w]` in `[0, 1]`, of the network's input size.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// The values; all zero where there is a reason.
    pub values: Array2<f32>,
    /// Why the map is blank, where it is.
    pub reason: Option<Reason>,
}

impl Heatmap {
    /// A blank map.
    pub(crate) fn blank([height, width]: [usize; 2], reason: Reason) -> Self {
        Self { values: Array2::zeros((height, width)), reason: Some(reason) }
    }

    /// `(map - min) / (max - min)`; blank where the map is constant.
    pub(crate) fn min_max(map: Array2<f32>) -> Result<Self> {
        if !map.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite { what: "heat map" });
        }
        let min = map.iter().copied().fold(f32::INFINITY, f32::min);
        let max = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let range = max - min;
        if range > 0.0 && range.is_finite() {
            let values = map.mapv(|value| ((value - min) / range).clamp(0.0, 1.0));
            return Ok(Self { values, reason: None });
        }
        Ok(Self::blank(map.dim().into(), Reason::Constant))
    }
}

/// A map resized to `[height, width]`: bilinear, `align_corners = false`, no antialiasing.
///
/// # Errors
/// [`Error::Kernel`] where a size is zero.
pub(crate) fn resized(map: &Array2<f32>, [height, width]: [usize; 2]) -> Result<Array2<f32>> {
    if map.dim() == (height, width) {
        return Ok(map.clone());
    }
    let mut output = Array2::zeros((height, width));
    let source = map.as_standard_layout();
    if let (Some(source), Some(target)) = (source.as_slice(), output.as_slice_mut()) {
        resize_bilinear(map.dim().into(), source, [height, width], target)?;
    }
    Ok(output)
}
