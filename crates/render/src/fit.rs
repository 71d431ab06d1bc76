use std::fmt;
use std::str::FromStr;

use ndarray::Array3;

use crate::error::{Error, Result};
use crate::photograph::Photograph;
use crate::resample::{Order, Taps, resample_rgb};

/// The longest side of a network's input in pixels.
pub const MAX_NETWORK_SIDE: usize = 8192;

/// How a photograph becomes the size of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// The whole photograph, stretched to the size whatever its proportions.
    #[default]
    Squash,
    /// torchvision's `Resize` and `CenterCrop`: the photograph is resized, keeping its proportions, so that it just
    /// covers 256/224 of the size, and the middle of it is cut out.
    Crop,
}

impl Fit {
    /// Every fit there is.
    pub const ALL: [Self; 2] = [Self::Squash, Self::Crop];
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Squash => "squash",
            Self::Crop => "crop",
        })
    }
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        crate::name::find("fit", &Self::ALL, name)
    }
}

/// A rectangle of a photograph, in its pixels: pixel `i` reaches from `i` to `i + 1`.
///
/// A network's input shows such a rectangle; its sides need not fall between two pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// The distance of its upper side from the photograph's.
    pub top: f64,
    /// The distance of its left side from the photograph's.
    pub left: f64,
    /// Its height.
    pub height: f64,
    /// Its width.
    pub width: f64,
}

impl Region {
    /// All of a photograph of this height and width.
    pub fn whole(size: [usize; 2]) -> Self {
        Self { top: 0.0, left: 0.0, height: size[0] as f64, width: size[1] as f64 }
    }
}

/// What a network is shown of a photograph.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// RGB, `[height, width, 3]`.
    pub pixels: Array3<u8>,
    /// The part of the photograph that these pixels show.
    pub region: Region,
}

impl Photograph {
    /// The photograph at `size`, a network's input height and width, by an antialiased triangle filter: bit for bit
    /// what Pillow 13's `BILINEAR` makes of the same pixels (older releases differ by one level in places where the
    /// photograph loses more than twice as many rows as columns).
    ///
    /// # Errors
    /// [`Error::NetworkSize`] where a side of `size` is zero or above [`MAX_NETWORK_SIDE`].
    pub fn resized(&self, size: [usize; 2], fit: Fit) -> Result<Fitted> {
        if size.iter().any(|side| !(1..=MAX_NETWORK_SIDE).contains(side)) {
            return Err(Error::NetworkSize { size });
        }
        let [rows, columns] = axes(self.size(), size, fit);
        let order = Order::of(self.size(), [rows.resized, columns.resized]);
        Ok(Fitted {
            pixels: resample_rgb(self.pixels().as_raw(), columns.photograph, &rows.taps(), &columns.taps(), order),
            region: Region {
                top: rows.in_photograph(rows.first),
                left: columns.in_photograph(columns.first),
                height: rows.in_photograph(rows.network),
                width: columns.in_photograph(columns.network),
            },
        })
    }

    /// The photograph at another size, to be shown, and where a region of it then is.
    ///
    /// # Errors
    /// As [`Photograph::resized`].
    pub fn scaled(&self, size: [usize; 2], region: &Region) -> Result<(Self, Region)> {
        let [down, across] = [0, 1].map(|side| size[side] as f64 / self.size()[side] as f64);
        let region = Region {
            top: region.top * down,
            left: region.left * across,
            height: region.height * down,
            width: region.width * across,
        };
        Ok((Self::from_pixels(self.resized(size, Fit::Squash)?.pixels)?, region))
    }
}

/// One side of the way from a photograph to a network: resized, and cut out from `first` on.
#[derive(Debug, PartialEq)]
struct Axis {
    photograph: usize,
    resized: usize,
    first: usize,
    network: usize,
}

impl Axis {
    fn taps(&self) -> Taps {
        Taps::resize(self.photograph, self.resized, self.first..self.first + self.network)
    }

    /// A length of the resized photograph in the pixels of the photograph.
    fn in_photograph(&self, length: usize) -> f64 {
        length as f64 * self.photograph as f64 / self.resized as f64
    }
}

fn axes(photograph: [usize; 2], network: [usize; 2], fit: Fit) -> [Axis; 2] {
    let resized = match fit {
        Fit::Squash => network,
        Fit::Crop => cover(photograph, network.map(with_margin)),
    };
    [0, 1].map(|side| Axis {
        photograph: photograph[side],
        resized: resized[side],
        first: centred(resized[side], network[side]),
        network: network[side],
    })
}

/// 256/224 of a side, to the nearest pixel.
fn with_margin(side: usize) -> usize {
    (side * 8 + 3) / 7
}

/// The smallest size of a photograph's proportions (the longer side rounded down) that covers `target`.
fn cover([height, width]: [usize; 2], target: [usize; 2]) -> [usize; 2] {
    if target[0] * width >= target[1] * height {
        [target[0], target[0] * width / height]
    } else {
        [target[1] * height / width, target[1]]
    }
}

/// Where `inner` pixels begin in the middle of `outer`; between two pixels, the even one.
fn centred(outer: usize, inner: usize) -> usize {
    let margin = outer - inner;
    let half = margin / 2;
    if margin % 2 == 1 { half + half % 2 } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized_and_first(photograph: [usize; 2], network: [usize; 2]) -> ([usize; 2], [usize; 2]) {
        let axes = axes(photograph, network, Fit::Crop);
        (axes.each_ref().map(|axis| axis.resized), axes.each_ref().map(|axis| axis.first))
    }

    /// By hand: torchvision's `Resize(256)` gives the longer side `int(256 * long / short)`, and `CenterCrop(224)`
    /// begins at Python's `round((side - 224) / 2)`, which rounds 80.5 to 80 and 65.5 to 66.
    #[test]
    fn crop_rounds_as_torchvision_does() {
        assert_eq!(resized_and_first([300, 451], [224, 224]), ([256, 384], [16, 80]));
        assert_eq!(resized_and_first([400, 600], [224, 224]), ([256, 384], [16, 80]));
        assert_eq!(resized_and_first([427, 640], [224, 224]), ([256, 383], [16, 80]));
        assert_eq!(resized_and_first([385, 256], [224, 224]), ([385, 256], [80, 16]));
        assert_eq!(resized_and_first([355, 256], [224, 224]), ([355, 256], [66, 16]));
        assert_eq!(resized_and_first([500, 500], [299, 299]), ([342, 342], [22, 22]));
    }

    #[test]
    fn crop_covers_a_size_that_is_not_square() {
        assert_eq!(resized_and_first([300, 300], [112, 224]), ([256, 256], [72, 16]));
        assert_eq!(resized_and_first([100, 1000], [224, 112]), ([256, 2560], [16, 1224]));
    }

    #[test]
    fn a_region_is_where_the_pixels_come_from() {
        let grey = |size: [usize; 2]| Photograph::from_pixels(Array3::zeros((size[0], size[1], 3))).unwrap();
        let region = grey([512, 1024]).resized([224, 224], Fit::Crop).unwrap().region;
        assert_eq!(region, Region { top: 32.0, left: 288.0, height: 448.0, width: 448.0 });
        for size in [[512, 1024], [1, 1], [7, 300]] {
            assert_eq!(grey(size).resized([33, 20], Fit::Squash).unwrap().region, Region::whole(size));
        }
    }

    #[test]
    fn impossible_network_sizes_are_refused() {
        let photograph = Photograph::from_pixels(Array3::zeros((4, 4, 3))).unwrap();
        for size in [[0, 224], [224, 0], [MAX_NETWORK_SIDE + 1, 1], [1, usize::MAX]] {
            for fit in Fit::ALL {
                assert!(
                    matches!(photograph.resized(size, fit), Err(Error::NetworkSize { size: named }) if named == size)
                );
            }
        }
        assert!(photograph.resized([MAX_NETWORK_SIDE, 1], Fit::Crop).is_ok());
    }

    #[test]
    fn names_are_found_again() {
        for fit in Fit::ALL {
            assert_eq!(fit.to_string().parse::<Fit>().unwrap(), fit);
        }
        let message = "stretch".parse::<Fit>().unwrap_err().to_string();
        assert_eq!(message, "there is no fit called `stretch`; there is squash, crop");
    }
}
