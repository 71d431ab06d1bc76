//! A map in a receipt: the sha256 of all its bits, and the means of its values over a grid of at most 16 x 16 cells.
//!
//! Two maps of which no value differs by more than `d` have means that do not either, so maps that are the same but for
//! rounding are never told apart; up to 16 x 16 the means are the values themselves.

use std::ops::Range;

use ndarray::{Array3, ArrayView2};
use serde::{Deserialize, Serialize};

use super::hash;

/// Cells along a side.
const CELLS: usize = 16;

/// A map `[k, h, w]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Of the values as little-endian float32, in row-major order.
    pub sha256: String,
    /// The largest magnitude.
    pub largest: f32,
    /// The mean of each cell of each channel, in row-major order.
    pub means: Vec<f32>,
}

impl Map {
    /// What a receipt keeps of these values.
    pub fn of(values: &Array3<f32>) -> Self {
        let shape = values.dim().into();
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let means = values.outer_iter().flat_map(means).collect();
        Self { shape, sha256: hash::of_values(values), largest, means }
    }

    /// The largest difference of two means, as part of this map's largest value; infinite where the maps are of different
    /// shapes.
    pub fn apart(&self, other: &Self) -> f64 {
        if self.shape != other.shape || self.means.len() != other.means.len() {
            return f64::INFINITY;
        }
        let pairs = self.means.iter().zip(&other.means).chain([(&self.largest, &other.largest)]);
        let largest = f64::from(self.largest.abs()).max(f64::MIN_POSITIVE);
        let apart = pairs.map(|(one, other)| (f64::from(*one) - f64::from(*other)).abs() / largest);
        apart.fold(0.0, |most, apart| if apart.is_nan() { f64::INFINITY } else { f64::max(most, apart) })
    }
}

fn means(channel: ArrayView2<'_, f32>) -> Vec<f32> {
    let [rows, columns] = [channel.nrows(), channel.ncols()].map(cells);
    let mean = |rows: &Range<usize>, columns: &Range<usize>| {
        let places = rows.clone().flat_map(|row| columns.clone().map(move |column| [row, column]));
        let sum: f64 = places.map(|place| f64::from(channel[place])).sum();
        (sum / (rows.len() * columns.len()) as f64) as f32
    };
    rows.iter().flat_map(|row| columns.iter().map(|column| mean(row, column))).collect()
}

/// The rows or columns of each cell.
fn cells(side: usize) -> Vec<Range<usize>> {
    let count = side.min(CELLS);
    (0..count).map(|cell| cell * side / count..(cell + 1) * side / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_maps_are_kept_whole_and_large_ones_as_means() {
        let small = Array3::from_shape_fn((1, 7, 16), |(_, row, column)| (row * 16 + column) as f32);
        assert!(Map::of(&small).means.iter().eq(small.iter()));
        let large = Array3::from_shape_fn((2, 32, 17), |(channel, row, _)| (100 * channel + row) as f32);
        let map = Map::of(&large);
        assert_eq!((map.means.len(), map.largest), (2 * 16 * 16, 131.0));
        assert_eq!((map.means[0], map.means[16], map.means[256]), (0.5, 2.5, 100.5));
    }

    #[test]
    fn the_largest_difference_counts() {
        let map = |values: [f32; 2]| Map::of(&Array3::from_shape_fn((1, 1, 2), |(_, _, column)| values[column]));
        assert_eq!(map([4.0, -2.0]).apart(&map([4.0, -2.0])), 0.0);
        assert_eq!(map([4.0, -2.0]).apart(&map([4.0, -1.0])), 0.25);
        assert_eq!(map([0.0, 0.0]).apart(&map([0.0, 0.0])), 0.0);
        assert!(map([0.0, 0.0]).apart(&map([0.0, 1.0])) > 1e300);
        assert_eq!(map([4.0, -2.0]).apart(&Map::of(&Array3::zeros((1, 2, 1)))), f64::INFINITY);
        let overflowed = Map { largest: f32::INFINITY, ..map([1.0, 1.0]) };
        assert_eq!(overflowed.apart(&overflowed), f64::INFINITY);
    }
}
