//! The loops of gradex, over slices: convolution, linear maps, pooling, resampling.
//!
//! Letters used throughout: `n` batch, `c` channels, `h` rows, `w` columns; every tensor is dense,
//! row-major, `[n, c, h, w]`.
//!
//! [`portable`] holds the slow and obvious form of each operation, generic over `f32` and `f64`: the oracle
//! that the fast paths are tested against. The fast paths stand beside it in this crate's root modules.
//! Their results do not depend on the number of threads: work is split by output and every sum has a fixed order.
//!
//!
//! - [`Level`]: the machine's vector instructions, detected once.
//! - [`blocked`]: images in blocks of 16 channels, and the packed convolutions that run on them.
//! - The functions at the root take dense tensors and pack on the way: for weights that are used once.
//!
//! Unsafe code appears below `arch/` only, one operation a block; without feature `simd` none is compiled.
#![deny(unsafe_code)]

#[cfg_attr(feature = "simd", allow(unsafe_code))]
mod arch;
mod conv;
mod error;
mod finite;
mod group_sums;
mod half;
mod level;
mod limit;
mod linear;
mod parallel;
mod pool;
mod resize;
mod shape;
mod together;
mod weights;

pub mod blocked;
pub mod portable;

pub use conv::{conv2d, conv2d_transpose};
pub use error::{Error, Result};
pub use finite::is_finite;
pub use group_sums::group_sums;
pub use half::widen;
pub use level::Level;
pub use limit::multiply_adds;
pub use linear::{linear, linear_transpose};
pub use parallel::{for_each, threads};
pub use pool::{average_pool, average_pool_transpose, max_pool, max_pool_transpose};
pub use resize::resize_bilinear;
pub use shape::{ConvShape, Padding, PoolShape, Span, Window};
pub use together::together;
pub use weights::{Part, Weights};
