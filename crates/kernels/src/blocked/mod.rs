//! Images in blocks of channels, and the kernels that work on them.
//!
//! A [`Layout`] is `[n][top + h + bottom][c / 16][left + w + right][16]`: the 16 channels of a block lie next to each
//! other, so a vector holds channels of one pixel, and around every image lies a halo of zeros, so kernels need not ask where
//! the border is. Each writes the halo of its output itself. Lanes beyond the last channel hold zeros or nothing of meaning;
//! nobody reads them.

mod ahead;
mod algorithm;
mod argmax;
mod average_pool_transpose;
mod buffer;
mod conv;
mod depthwise;
mod direct;
mod epilogue;
mod gate;
mod grid;
mod layout;
mod map;
mod narrow;
mod phase;
mod planes;
mod pool;
mod pool_transpose;
mod slopes;
mod sums;
mod tile;
mod weights;
mod winograd;
mod winograd_transform;
mod winograd_weights;

pub use algorithm::Algorithm;
pub use argmax::Argmax;
pub use average_pool_transpose::average_pool_transpose_blocked;
pub use buffer::{Buffer, Workspace};
pub use conv::{Direction, PackedConv};
pub use epilogue::{Activation, Epilogue, Norm};
pub use gate::{Gate, gate};
pub use layout::{Layout, View};
pub use map::map;
pub use pool::{average_pool_blocked, max_pool_blocked};
pub use pool_transpose::max_pool_transpose_blocked;
pub use slopes::Slopes;
pub use sums::channel_sums;

/// Channels in a block.
pub const BLOCK: usize = 16;
