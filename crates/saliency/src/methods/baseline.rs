//! What an image is compared with: an image that says nothing.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array3, ArrayView3, Axis};

use crate::error::{Error, Result};

/// An image without evidence, in the network's own units (after normalisation).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Baseline {
    /// Zero everywhere: the mean colour of the training images, where the model's preprocessing subtracts it.
    #[default]
    Zero,
    /// The image itself behind a Gaussian of this standard deviation in pixels (R. Fong and A. Vedaldi, ICCV 2017, take
    /// 10). Near the border the Gaussian is cut off and sums to 1 still.
    Blur(f64),
    /// This image `[c, h, w]`.
    Given(Arc<Array3<f32>>),
}

impl Baseline {
    /// The baseline of `image [c, h, w]`, of its shape; `method` is named in errors.
    ///
    /// # Errors
    /// [`Error::Inapplicable`] where the given image has another shape or is not finite, or where the blur's deviation is
    /// not a positive number.
    pub fn of(&self, method: &'static str, image: ArrayView3<'_, f32>) -> Result<Array3<f32>> {
        let refuse = |why: String| Err(Error::Inapplicable { method, why });
        match self {
            Self::Zero => Ok(Array3::zeros(image.dim())),
            Self::Blur(deviation) if *deviation > 0.0 && deviation.is_finite() => Ok(gaussian_blur(image, *deviation)),
            Self::Blur(deviation) => {
                refuse(format!("a blur of {deviation} pixels: its standard deviation must be positive"))
            }
            Self::Given(given) if given.dim() != image.dim() => refuse(format!(
                "the baseline has shape {:?}, the image {:?}: give one of its shape",
                given.shape(),
                image.shape()
            )),
            Self::Given(given) if !given.iter().all(|value| value.is_finite()) => {
                refuse("the baseline holds NaN or infinite values".to_owned())
            }
            Self::Given(given) => Ok((**given).clone()),
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("zero"),
            Self::Blur(deviation) => write!(f, "blur of {deviation} pixels"),
            Self::Given(image) => write!(f, "given, {:?}", image.shape()),
        }
    }
}

/// Each channel convolved with a Gaussian, one axis after the other; weights beyond the border are left out.
fn gaussian_blur(image: ArrayView3<'_, f32>, deviation: f64) -> Array3<f32> {
    let mut blurred = image.mapv(f64::from);
    for axis in [Axis(1), Axis(2)] {
        let length = blurred.len_of(axis);
        let reach = ((4.0 * deviation).ceil() as usize).min(length);
        let weights: Vec<f64> = (0..=reach).map(|d| (-0.5 * (d as f64 / deviation).powi(2)).exp()).collect();
        for mut lane in blurred.lanes_mut(axis) {
            let before = lane.to_vec();
            for (place, value) in lane.iter_mut().enumerate() {
                let (mut sum, mut total) = (0.0, 0.0);
                for other in place.saturating_sub(reach)..(place + reach + 1).min(length) {
                    let weight = weights[place.abs_diff(other)];
                    sum += weight * before[other];
                    total += weight;
                }
                *value = sum / total;
            }
        }
    }
    blurred.mapv(|value| value as f32)
}
