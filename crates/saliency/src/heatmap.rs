//! A map of the network's input size, ready to be shown.

use gradex_engine::is_finite;
use gradex_kernels::resize_bilinear;
use ndarray::{Array3, ArrayView2, Axis};

use crate::error::{Error, Result};
use crate::fold::extremes;
use crate::reason::Reason;

/// A map `[k, h, w]` in `[0, 1]`, of the network's input size, with as many channels as the coarse map.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// The values; all zero where there is a reason.
    pub values: Array3<f32>,
    /// Why the map is blank, where it is.
    pub reason: Option<Reason>,
}

impl Heatmap {
    /// The first channel: the map itself, unless it has several components.
    #[must_use]
    pub fn map(&self) -> ArrayView2<'_, f32> {
        self.values.index_axis(Axis(0), 0)
    }

    /// A blank map.
    pub(crate) fn blank(channels: usize, [height, width]: [usize; 2], reason: Reason) -> Self {
        Self { values: Array3::zeros((channels, height, width)), reason: Some(reason) }
    }

    /// `(map - min) / (max - min)` over all channels; blank where the map is constant.
    pub(crate) fn min_max(map: Array3<f32>) -> Result<Self> {
        if !is_finite(map.view()) {
            return Err(Error::NonFinite { what: "heat map".to_owned() });
        }
        let [min, max] = extremes(map.view());
        let range = max - min;
        if range > 0.0 && range.is_finite() {
            let values = map.mapv_into(|value| ((value - min) / range).clamp(0.0, 1.0));
            return Ok(Self { values, reason: None });
        }
        let (channels, height, width) = map.dim();
        Ok(Self::blank(channels, [height, width], Reason::Constant))
    }
}

/// Every channel of a map resized to `[height, width]`: bilinear, `align_corners = false`, no antialiasing.
///
/// # Errors
/// [`Error::Kernel`] where a size is zero.
pub(crate) fn resized(map: &Array3<f32>, [height, width]: [usize; 2]) -> Result<Array3<f32>> {
    let (channels, from_height, from_width) = map.dim();
    if (from_height, from_width) == (height, width) {
        return Ok(map.clone());
    }
    let mut output = Array3::zeros((channels, height, width));
    for (source, mut target) in map.outer_iter().zip(output.outer_iter_mut()) {
        let source = source.as_standard_layout();
        if let (Some(source), Some(target)) = (source.as_slice(), target.as_slice_mut()) {
            resize_bilinear([from_height, from_width], source, [height, width], target)?;
        }
    }
    Ok(output)
}
