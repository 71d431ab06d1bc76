//! The oracle: every operation in its slowest and most obvious form, single-threaded and safe, for `f32` and `f64`.
//!
//! Sums run in row-major order of the weight. Nothing here checks lengths beyond what slices check themselves.

mod conv;
mod half;
mod linear;
mod pool;

use std::ops::{Add, AddAssign, Div, Mul};

pub use conv::{conv2d, conv2d_transpose};
pub use half::widen;
pub use linear::{linear, linear_transpose};
pub use pool::{average_pool_plane, average_pool_transpose_plane, max_pool_plane};

/// `f32` and `f64`, as far as the oracle needs them.
pub trait Scalar:
    Copy + PartialOrd + Default + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self> + AddAssign + From<f32>
{
}

impl Scalar for f32 {}
impl Scalar for f64 {}
