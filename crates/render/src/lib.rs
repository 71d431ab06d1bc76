//! Image files to pixels for a network, and heat maps back to overlays.
//!
//! ```
//! use gradex_render::{Fit, Photograph, Style, overlay};
//! use ndarray::{Array2, Array3};
//!
//! # fn main() -> gradex_render::Result<()> {
//! let photograph = Photograph::from_pixels(Array3::from_elem((300, 451, 3), 128))?; // or Photograph::open(path)
//! let shown = photograph.resized([224, 224], Fit::Squash)?;
//! assert_eq!(shown.pixels.shape(), [224, 224, 3]); // what the network sees
//!
//! let heat = Array2::from_elem((14, 14), 0.5); // what it looked at
//! let picture = overlay(&photograph, heat.view(), &shown.region, &Style::default())?;
//! assert_eq!(picture.dimensions(), (451, 300)); // of the photograph's own size: write_png(path, &picture)
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod colour_map;
#[cfg(feature = "files")]
mod complete;
#[cfg(feature = "files")]
mod decode;
mod error;
mod fit;
mod font;
#[cfg(feature = "files")]
mod gif;
#[cfg(feature = "files")]
mod jpeg;
mod name;
mod overlay;
mod photograph;
#[cfg(feature = "files")]
mod png;
mod resample;
mod sheet;

pub use colour_map::ColourMap;
#[cfg(feature = "files")]
pub use decode::{photograph_size, read_photograph};
pub use error::{Error, Result};
pub use fit::{Fit, Fitted, MAX_NETWORK_SIDE, Region};
pub use image::RgbImage;
#[cfg(feature = "files")]
pub use jpeg::jpeg;
pub use overlay::{Style, overlay, overlay_components};
pub use photograph::{MAX_BYTES, MAX_PIXELS, MAX_SIDE, Photograph};
#[cfg(feature = "files")]
pub use png::write_png;
pub use sheet::{SHEET_WIDTH, Sheet};
