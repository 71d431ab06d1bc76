use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The number of colours in a table.
pub(crate) const COLOURS: usize = 256;

/// How a heat from 0 to 1 is coloured.
///
/// All but [`Jet`](Self::Jet) are perceptually uniform, grow lighter from 0 to 1, and are told apart by the
/// colour-blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ColourMap {
    /// Purple, green, yellow.
    #[default]
    Viridis,
    /// Black, purple, red, yellow.
    Inferno,
    /// Black, purple, pink, cream.
    Magma,
    /// Blue, pink, yellow.
    Plasma,
    /// Blue, grey, yellow: the same to those who do not tell red from green.
    Cividis,
    /// The rainbow of older software, blue to red over cyan and yellow: neither uniform nor safe, for comparison
    /// with published pictures. Each channel is `clamp(1.5 - |4 t - k|, 0, 1)` with k = 3, 2, 1.
    Jet,
}

impl ColourMap {
    /// Every map there is.
    pub const ALL: [Self; 6] = [Self::Viridis, Self::Inferno, Self::Magma, Self::Plasma, Self::Cividis, Self::Jet];

    /// The 8-bit sRGB colour of `heat`, which is clamped to `[0, 1]`.
    pub fn colour(self, heat: f32) -> [u8; 3] {
        let heat = f64::from(heat);
        let gradient = match self {
            Self::Viridis => colorous::VIRIDIS,
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Plasma => colorous::PLASMA,
            Self::Cividis => colorous::CIVIDIS,
            Self::Jet => return jet(heat),
        };
        gradient.eval_continuous(heat).as_array()
    }

    /// [`COLOURS`] colours from heat 0 to heat 1.
    pub(crate) fn table(self) -> [[u8; 3]; COLOURS] {
        std::array::from_fn(|i| self.colour(i as f32 / (COLOURS - 1) as f32))
    }
}

fn jet(heat: f64) -> [u8; 3] {
    let heat = heat.clamp(0.0, 1.0);
    [3.0, 2.0, 1.0].map(|k| (255.0 * (1.5 - (4.0 * heat - k).abs()).clamp(0.0, 1.0)).round() as u8)
}

impl fmt::Display for ColourMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Viridis => "viridis",
            Self::Inferno => "inferno",
            Self::Magma => "magma",
            Self::Plasma => "plasma",
            Self::Cividis => "cividis",
            Self::Jet => "jet",
        })
    }
}

impl FromStr for ColourMap {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        crate::name::find("colour map", &Self::ALL, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness L*, 0 to 100, of an sRGB colour.
    fn lightness(colour: [u8; 3]) -> f64 {
        let linear = colour.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        if y <= 216.0 / 24_389.0 { y * 24_389.0 / 27.0 } else { 116.0 * y.cbrt() - 16.0 }
    }

    #[test]
    fn the_ends_are_those_of_the_published_maps() {
        let ends = [
            (ColourMap::Viridis, [68, 1, 84], [253, 231, 37]),
            (ColourMap::Inferno, [0, 0, 4], [252, 255, 164]),
            (ColourMap::Magma, [0, 0, 4], [252, 253, 191]),
            (ColourMap::Plasma, [13, 8, 135], [240, 249, 33]),
            (ColourMap::Jet, [0, 0, 128], [128, 0, 0]),
        ];
        for (map, first, last) in ends {
            assert_eq!([map.colour(0.0), map.colour(1.0)], [first, last], "{map}");
        }
        // A polynomial stands for this map: near its ends, not at them.
        for (heat, end) in [(0.0, [0, 34, 78]), (1.0, [254, 232, 56])] {
            let colour = ColourMap::Cividis.colour(heat);
            assert!(colour.iter().zip(end).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 16), "{colour:?}, not {end:?}");
        }
    }

    #[test]
    fn jet_is_its_formula() {
        let jet = |heat| ColourMap::Jet.colour(heat);
        assert_eq!(jet(0.125), [0, 0, 255]);
        assert_eq!(jet(0.375), [0, 255, 255]);
        assert_eq!(jet(0.5), [128, 255, 128]);
        assert_eq!(jet(0.625), [255, 255, 0]);
        assert_eq!(jet(0.875), [255, 0, 0]);
    }

    #[test]
    fn all_but_jet_grow_evenly_lighter() {
        for map in ColourMap::ALL {
            let table = map.table().map(lightness);
            let rising = table.windows(2).all(|pair| pair[1] > pair[0] - 0.5);
            let (first, last) = (table[0], table[COLOURS - 1]);
            let line = |i: usize| first + (last - first) * i as f64 / (COLOURS - 1) as f64;
            let off = table.iter().enumerate().map(|(i, value)| (value - line(i)).abs()).fold(0.0, f64::max);
            assert_eq!(rising && off < 7.0, map != ColourMap::Jet, "{map}: rising {rising}, {off} off a line");
        }
    }

    #[test]
    fn heat_outside_its_range_takes_the_nearer_end() {
        for map in ColourMap::ALL {
            assert_eq!([map.colour(-3.0), map.colour(7.0)], [map.colour(0.0), map.colour(1.0)], "{map}");
        }
    }

    #[test]
    fn names_are_found_again_in_any_case() {
        for map in ColourMap::ALL {
            assert_eq!(map.to_string().parse::<ColourMap>().unwrap(), map);
            assert_eq!(map.to_string().to_uppercase().parse::<ColourMap>().unwrap(), map);
        }
        let message = "hot".parse::<ColourMap>().unwrap_err().to_string();
        assert!(message.contains("`hot`") && message.contains("viridis, inferno"), "{message}");
    }
}
