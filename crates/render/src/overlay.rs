//! The heat of a network's input, drawn over the photograph it came from.

use std::ops::Range;

use image::{Rgb, RgbImage};
use ndarray::ArrayView2;

use crate::colour_map::{COLOURS, ColourMap};
use crate::error::{Error, Result};
use crate::fit::Region;
use crate::photograph::Photograph;
use crate::resample::{Taps, resample_columns};

/// How far rounding may take a heat out of `[0, 1]`.
const HEAT_SLACK: f32 = 1e-5;
/// How far rounding may take a region out of its photograph, in pixels.
const REGION_SLACK: f64 = 1e-6;
/// The brightness of what the network did not see.
const UNSEEN: f32 = 0.4;
/// The parts of red, green and blue in a pixel's grey (Rec. 709 luma).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// How heat is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// The colour of a heat.
    pub map: ColourMap,
    /// The weight of the colour where the heat is 1, in `[0, 1]`; the rest is photograph.
    pub opacity: f32,
}

impl Default for Style {
    /// Enough of the photograph shows through the hottest places to tell what is there.
    fn default() -> Self {
        Self { map: ColourMap::default(), opacity: 0.7 }
    }
}

/// Draws `heat` `[h, w]`, values in `[0, 1]`, over the `region` of the photograph that it is about; the picture has
/// the photograph's size.
///
/// The photograph is drawn in grey, so that every colour is heat, and shows fully where there is none:
///
/// ```text
/// weight = opacity * heat;   pixel = (1 - weight) * grey + weight * map(heat)      in sRGB values
/// ```
///
/// The heat is interpolated bilinearly from its own size to the region's (averaged where the region is the smaller
/// one). Pixels with their centre outside the region, which the network did not see, are grey and dimmed.
///
/// # Errors
/// [`Error::Shape`] for a heat map without values, [`Error::Heat`] for a value that is not in `[0, 1]` (rounding
/// aside), [`Error::Region`] for a region that is empty or not inside the photograph, [`Error::Opacity`].
pub fn overlay(photograph: &Photograph, heat: ArrayView2<'_, f32>, region: &Region, style: &Style) -> Result<RgbImage> {
    check_heat(heat)?;
    check_region(region, photograph.size())?;
    if !(0.0..=1.0).contains(&style.opacity) {
        return Err(Error::Opacity(style.opacity));
    }
    let [height, width] = photograph.size();
    let rows = Span::new(region.top, region.height, height);
    let columns = Span::new(region.left, region.width, width);
    let row_taps = rows.taps(heat.nrows());
    let heat = resample_columns(heat, &columns.taps(heat.ncols()));

    let colours = style.map.table();
    let mut picture = photograph.pixels().clone();
    for (y, line) in picture.rows_mut().enumerate() {
        let heats = rows.index(y).map(|row| row_taps.mean_row(row, &heat)).unwrap_or_default();
        for (x, pixel) in line.enumerate() {
            let heat = columns.index(x).and_then(|column| heats.get(column));
            let grey = luma(*pixel);
            pixel.0 = match heat {
                Some(&heat) => blend(grey, &colours, heat.clamp(0.0, 1.0), style.opacity),
                None => [(grey * UNSEEN).round() as u8; 3],
            };
        }
    }
    Ok(picture)
}

fn blend(grey: f32, colours: &[[u8; 3]; COLOURS], heat: f32, opacity: f32) -> [u8; 3] {
    let colour = colours[(heat * (COLOURS - 1) as f32).round() as usize];
    let weight = opacity * heat;
    colour.map(|value| (grey + weight * (f32::from(value) - grey)).round() as u8)
}

fn luma(Rgb(values): Rgb<u8>) -> f32 {
    LUMA.iter().zip(values).map(|(part, value)| part * f32::from(value)).sum()
}

/// One side of a region, and the pixels of the photograph that have their centre in it.
struct Span {
    start: f64,
    length: f64,
    pixels: Range<usize>,
}

impl Span {
    fn new(start: f64, length: f64, side: usize) -> Self {
        // The casts truncate and saturate at 0.
        let first = (start - 0.5).ceil() as usize;
        let end = ((start + length - 0.5).ceil() as usize).min(side);
        // Thinner than a pixel and between two centres: the pixel it lies in.
        let middle = ((start + length / 2.0) as usize).min(side - 1);
        let pixels = if first < end { first..end } else { middle..middle + 1 };
        Self { start, length, pixels }
    }

    /// The position of a pixel of the photograph among the pixels of this span.
    fn index(&self, pixel: usize) -> Option<usize> {
        self.pixels.contains(&pixel).then(|| pixel - self.pixels.start)
    }

    /// The taps of this span's pixels over `cells` of heat.
    fn taps(&self, cells: usize) -> Taps {
        let scale = cells as f64 / self.length;
        Taps::new(cells, scale, -self.start * scale, self.pixels.clone())
    }
}

fn check_heat(heat: ArrayView2<'_, f32>) -> Result<()> {
    if heat.is_empty() {
        return Err(Error::Shape { what: "heat", expected: "[height, width]", actual: heat.shape().to_vec() });
    }
    let wrong = heat.indexed_iter().find(|(_, value)| !(-HEAT_SLACK..=1.0 + HEAT_SLACK).contains(*value));
    match wrong {
        Some(((row, column), &value)) => Err(Error::Heat { row, column, value }),
        None => Ok(()),
    }
}

fn check_region(region: &Region, size: [usize; 2]) -> Result<()> {
    let inside = |start: f64, length: f64, side: usize| {
        start >= -REGION_SLACK && length > 0.0 && start + length <= side as f64 + REGION_SLACK
    };
    if inside(region.top, region.height, size[0]) && inside(region.left, region.width, size[1]) {
        Ok(())
    } else {
        Err(Error::Region { region: *region, size })
    }
}
