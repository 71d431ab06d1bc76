//! A method's own map.

use gradex_engine::{NodeId, is_finite};
use ndarray::{Array2, Array3, ArrayView2, Axis};

use crate::error::{Error, Result};
use crate::reason::Reason;

/// What a method says about one image and one target, at the resolution of its point: raw, signed, not normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseMap {
    /// The node whose output the map lies on.
    pub point: NodeId,
    /// The values, `[k, h, w]`: one channel of evidence, or several components. Their unit is the method's.
    pub values: Array3<f32>,
    /// What the method knows about why nothing is positive.
    pub reason: Option<Reason>,
    /// What else the method has to say: how exact it was.
    pub note: Option<String>,
}

impl CoarseMap {
    /// A map of one channel, `[h, w]`.
    ///
    /// # Errors
    /// [`Error::NonFinite`] where a value is NaN or infinite; `what` names the map.
    pub fn new(what: &str, point: NodeId, values: Array2<f32>) -> Result<Self> {
        Self::components(what, point, values.insert_axis(Axis(0)))
    }

    /// A map of several components, `[k, h, w]`.
    ///
    /// # Errors
    /// As [`CoarseMap::new`].
    pub fn components(what: &str, point: NodeId, values: Array3<f32>) -> Result<Self> {
        if is_finite(values.view()) {
            return Ok(Self { point, values, reason: None, note: None });
        }
        Err(Error::NonFinite { what: format!("{what} map") })
    }

    /// The first channel: the map itself, unless it has several components.
    #[must_use]
    pub fn map(&self) -> ArrayView2<'_, f32> {
        self.values.index_axis(Axis(0), 0)
    }

    /// With `reason` for the case that no value is positive.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// With a note.
    #[must_use]
    pub fn noting(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }
}
