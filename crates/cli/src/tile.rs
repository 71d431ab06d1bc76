//! A photograph at the size of a page's pictures, for maps to be drawn over.

use anyhow::Result;
use gradex::{Photograph, Region};

/// The longer side of a picture in pixels: sharp at half of it.
const LONGER: f64 = 480.0;

/// A smaller photograph, and the part of it that the network saw.
pub struct Tile {
    /// The photograph, never larger than the original.
    pub photograph: Photograph,
    /// The part of it that the network saw.
    pub region: Region,
}

impl Tile {
    /// Of this photograph, of which the network saw this region.
    pub fn new(photograph: &Photograph, region: &Region) -> Result<Self> {
        let [height, width] = photograph.size().map(|side| side as f64);
        let scale = (LONGER / height.max(width)).min(1.0);
        let size = [height, width].map(|side| ((side * scale).round() as usize).max(1));
        let (photograph, region) = photograph.scaled(size, region)?;
        Ok(Self { photograph, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn large_photographs_shrink_and_small_ones_stay() {
        let tile = |height, width| {
            let photograph = Photograph::from_pixels(Array3::zeros((height, width, 3))).unwrap();
            let middle = Region { top: 0.0, left: 0.0, height: height as f64, width: width as f64 / 2.0 };
            let tile = Tile::new(&photograph, &middle).unwrap();
            (tile.photograph.size(), [tile.region.height, tile.region.width])
        };
        assert_eq!(tile(1000, 500), ([480, 240], [480.0, 120.0]));
        assert_eq!(tile(30, 40), ([30, 40], [30.0, 20.0]));
        assert_eq!(tile(9000, 1).0, [480, 1]);
    }
}
