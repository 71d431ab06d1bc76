//! A method's own map.

use gradex_engine::NodeId;
use ndarray::Array2;

/// What a method says about one image and one class, `[h, w]` of its point: raw, signed, not normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct CoarseMap {
    /// The node whose output the map lies on.
    pub point: NodeId,
    /// The values. Their unit is the method's.
    pub values: Array2<f32>,
}
