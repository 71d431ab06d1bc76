//! What the map is multiplied by at one tensor.

use gradex_engine::{ChannelSums, is_finite};
use ndarray::{Array2, Axis};

use super::rule::{Extrapolation, Scale};
use crate::error::{Error, Result};
use crate::fold::{fold, larger};
use crate::rank::ranks;

impl Extrapolation {
    /// The factor of each pixel, `[h, w]`, in `[-1, 1]`; none where the tensor is zero everywhere.
    ///
    /// # Errors
    /// [`Error::NonFinite`] where a sum is not finite.
    pub(super) fn gains(self, excitation: &ChannelSums, image: usize) -> Result<Option<Array2<f32>>> {
        let sums = excitation.sums.index_axis(Axis(0), image);
        if !is_finite(sums) {
            return Err(Error::NonFinite { what: "excitation".to_owned() });
        }
        let largest = fold(sums, 0.0, |largest, sum: f64| larger(largest, sum.abs()), larger);
        if largest == 0.0 {
            return Ok(None);
        }
        let gains = match self.scale {
            Scale::Max => sums.mapv(|sum| sum / largest),
            Scale::Tensor => {
                let sign = if excitation.max[image] < 0.0 { -1.0 } else { 1.0 };
                sums.mapv(|sum| sign * sum / largest)
            }
            Scale::MinMax => {
                let low = sums.iter().copied().fold(f64::INFINITY, f64::min);
                let high = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                sums.mapv(|sum| if high > low { (sum - low) / (high - low) } else { 1.0 })
            }
            Scale::Rank => {
                let ranks = ranks(sums.iter().map(|sum| (sum / largest) as f32));
                let mut ranks = ranks.iter().map(|rank| (rank + 0.5) / sums.len() as f64);
                Array2::from_shape_simple_fn(sums.dim(), || ranks.next().unwrap_or_default())
            }
            Scale::Saturating => {
                let mean = sums.iter().map(|sum| sum.abs() / largest).sum::<f64>() / sums.len() as f64;
                sums.mapv(|sum| sum / largest / (sum.abs() / largest + mean))
            }
        };
        if self.power == 1.0 {
            return Ok(Some(gains.mapv(|gain| gain as f32)));
        }
        Ok(Some(gains.mapv(|gain| (gain.signum() * gain.abs().powf(self.power)) as f32)))
    }
}
