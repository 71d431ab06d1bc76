//! Methods that change the image and see what the score does.

mod occlusion;
mod rise;

pub use occlusion::Occlusion;
pub use rise::Rise;
