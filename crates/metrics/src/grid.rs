//! The grid pointing game (M. Böhle, M. Fritz and B. Schiele, "Convolutional Dynamic Alignment Networks for Interpretable
//! Classifications", CVPR 2021, section 4).
//!
//! Images of different classes, each of its full size, are laid out as a square. The map of one image's class should lie on
//! its cell: `Σ over the cell of max(0, map) / Σ of max(0, map)`. By chance it is `1 / cells`. No annotation is needed.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3};

use crate::energy::energy;
use crate::error::{Error, Result};
use crate::window::window;

/// `side * side` images `[c, h, w]`, row by row, as one `[c, side h, side w]`.
///
/// # Errors
/// [`Error::Setting`] where their number is another, [`Error::Size`] where they differ in size.
pub fn montage(images: &[ArrayView3<'_, f32>], side: usize) -> Result<Array3<f32>> {
    let Some(first) = images.first().filter(|_| images.len() == side * side) else {
        let why = format!("{} images for {side} x {side} cells: give one for each", images.len());
        return Err(Error::Setting { what: "grid", why });
    };
    let (channels, height, width) = first.dim();
    let mut grid = Array3::zeros((channels, side * height, side * width));
    for (cell, image) in images.iter().enumerate() {
        if image.dim() != first.dim() {
            let (expected, actual) = (first.shape().to_vec(), image.shape().to_vec());
            return Err(Error::Size { what: "image of a grid", expected, actual });
        }
        let (top, left) = (cell / side * height, cell % side * width);
        for (mut grid, image) in grid.outer_iter_mut().zip(image.outer_iter()) {
            grid.slice_each_axis_mut(window([top, left], [height, width])).assign(&image);
        }
    }
    Ok(grid)
}

/// The share of the map's positive part that lies in cell number `cell` of `side * side`; none where nothing is positive.
///
/// # Errors
/// [`Error::Setting`] where there is no such cell, or the map cannot be divided into cells; [`Error::NonFinite`].
pub fn grid_pointing_game(map: ArrayView2<'_, f32>, side: usize, cell: usize) -> Result<Option<f64>> {
    let (height, width) = map.dim();
    let divides = side > 0 && height.is_multiple_of(side) && width.is_multiple_of(side);
    if !divides || cell >= side * side {
        let why = format!("cell {cell} of {side} x {side} on a map of {height} x {width}");
        return Err(Error::Setting { what: "grid", why });
    }
    let (rows, columns) = (height / side, width / side);
    let mask = Array2::from_shape_fn((height, width), |(y, x)| y / rows * side + x / columns == cell);
    energy(map, mask.view())
}
