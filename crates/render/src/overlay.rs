//! The heat of a network's input, drawn over the photograph it came from.

use std::ops::Range;

use image::{Rgb, RgbImage};
use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

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
    /// The part of the heat's values, in `(0, 1]`, that is told apart: the hottest of them is drawn as 1, and what is
    /// hotter still as 1 too. 1 draws the heat as it is. A map of single pixels shows a few bright ones without this.
    pub stretch: f32,
}

impl Default for Style {
    /// Enough of the photograph shows through the hottest places to tell what is there.
    fn default() -> Self {
        Self { map: ColourMap::default(), opacity: 0.7, stretch: 1.0 }
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
/// aside), [`Error::Region`] for a region that is empty or not inside the photograph, [`Error::Part`] for a style.
pub fn overlay(photograph: &Photograph, heat: ArrayView2<'_, f32>, region: &Region, style: &Style) -> Result<RgbImage> {
    check_heat(heat)?;
    check_style(style)?;
    let heat = stretched(heat, style.stretch);
    let colours = style.map.table();
    draw(photograph, &[heat.view()], region, |grey, heats| {
        let heat = heats[0];
        let colour = colours[(heat * (COLOURS - 1) as f32).round() as usize];
        blend(grey, colour.map(f32::from), style.opacity * heat)
    })
}

/// Draws several components `[k, h, w]`, values in `[0, 1]`, of which the first three are red, green and blue, as
/// [`overlay`] draws heat, with the opacity everywhere.
///
/// # Errors
/// As [`overlay`].
pub fn overlay_components(
    photograph: &Photograph,
    components: ArrayView3<'_, f32>,
    region: &Region,
    style: &Style,
) -> Result<RgbImage> {
    check_style(style)?;
    let channels: Vec<ArrayView2<'_, f32>> = components.axis_iter(Axis(0)).take(3).collect();
    if channels.is_empty() {
        return Err(Error::Shape {
            what: "components",
            expected: "[k, height, width]",
            actual: components.shape().to_vec(),
        });
    }
    channels.iter().try_for_each(|channel| check_heat(*channel))?;
    draw(photograph, &channels, region, |grey, values| {
        blend(grey, [0, 1, 2].map(|i| 255.0 * values.get(i).copied().unwrap_or(0.0)), style.opacity)
    })
}

/// Paints every pixel of the region by its grey and the channels' values there, from 0 to 1.
fn draw(
    photograph: &Photograph,
    channels: &[ArrayView2<'_, f32>],
    region: &Region,
    paint: impl Fn(f32, &[f32]) -> [u8; 3],
) -> Result<RgbImage> {
    check_region(region, photograph.size())?;
    let [height, width] = photograph.size();
    let rows = Span::new(region.top, region.height, height);
    let columns = Span::new(region.left, region.width, width);
    let scaled: Vec<(Taps, Array2<f32>)> = channels
        .iter()
        .map(|channel| (rows.taps(channel.nrows()), resample_columns(*channel, &columns.taps(channel.ncols()))))
        .collect();

    let mut picture = photograph.pixels().clone();
    let mut values = vec![0.0; channels.len()];
    for (y, line) in picture.rows_mut().enumerate() {
        let means = |row| scaled.iter().map(|(taps, channel)| taps.mean_row(row, channel)).collect();
        let lines: Vec<Vec<f32>> = rows.index(y).map(means).unwrap_or_default();
        for (x, pixel) in line.enumerate() {
            let grey = luma(*pixel);
            pixel.0 = match columns.index(x).filter(|_| !lines.is_empty()) {
                Some(column) => {
                    values.iter_mut().zip(&lines).for_each(|(value, line)| *value = line[column].clamp(0.0, 1.0));
                    paint(grey, &values)
                }
                None => [(grey * UNSEEN).round() as u8; 3],
            };
        }
    }
    Ok(picture)
}

/// The heat divided by the hottest of the lowest `part` of its values, at most 1.
fn stretched(heat: ArrayView2<'_, f32>, part: f32) -> Array2<f32> {
    let mut values: Vec<f32> = heat.iter().copied().collect();
    let place = (f64::from(part) * (values.len() - 1) as f64).round() as usize;
    let (_, full, _) = values.select_nth_unstable_by(place, f32::total_cmp);
    let full = if part < 1.0 && *full > 0.0 { *full } else { 1.0 };
    heat.mapv(|value| (value / full).min(1.0))
}

fn blend(grey: f32, colour: [f32; 3], weight: f32) -> [u8; 3] {
    colour.map(|value| (grey + weight * (value - grey)).round() as u8)
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

fn check_style(style: &Style) -> Result<()> {
    if !(0.0..=1.0).contains(&style.opacity) {
        return Err(Error::Part { what: "opacity", value: style.opacity });
    }
    if !(style.stretch > 0.0 && style.stretch <= 1.0) {
        return Err(Error::Part { what: "stretch", value: style.stretch });
    }
    Ok(())
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
