//! A contact sheet: many pictures of one photograph, in a grid with captions.

use image::imageops::replace;
use image::{Rgb, RgbImage};

use crate::error::Result;
use crate::fit::Region;
use crate::font::{BOLD, REGULAR};
use crate::photograph::Photograph;

/// The width of a sheet in pixels.
pub const SHEET_WIDTH: u32 = 1200;

const PAPER: [u8; 3] = [255; 3];
const INK: [u8; 3] = [28, 30, 34];
const FAINT: [u8; 3] = [118, 122, 130];
/// Around everything, and between two cells.
const MARGIN: u32 = 24;
/// Between two tiles of a cell.
const SEAM: u32 = 4;
/// Between a tile and its caption.
const CLOSE: u32 = 5;
/// Between two rows.
const GAP: u32 = 20;
/// Tiles side by side in all.
const TILES: u32 = 6;
/// No tile is higher than this many times its place is wide.
const TALLEST: f64 = 1.25;
/// From line to line of the notes.
const LEADING: u32 = 22;

/// A contact sheet of one photograph: a head line, the photograph, then cells of one or more pictures side by side.
///
/// The pictures are drawn over [`Sheet::photograph`], the photograph at the size of a tile: all tiles are equal.
#[derive(Debug, Clone)]
pub struct Sheet {
    photograph: Photograph,
    region: Region,
    tiles: u32,
    place: u32,
    title: String,
    subtitle: String,
    notes: Vec<(String, String)>,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
struct Cell {
    caption: String,
    remark: String,
    pictures: Vec<RgbImage>,
}

impl Sheet {
    /// An empty sheet of a photograph of which the network saw `region`, with `tiles` pictures in a cell, 1 to 3.
    ///
    /// # Errors
    /// As [`Photograph::resized`].
    pub fn new(photograph: &Photograph, region: &Region, tiles: u32) -> Result<Self> {
        let tiles = tiles.clamp(1, 3);
        let columns = TILES / tiles;
        let cell = (SHEET_WIDTH - 2 * MARGIN - (columns - 1) * MARGIN) / columns;
        let place = (cell - (tiles - 1) * SEAM) / tiles;

        let [height, width] = photograph.size().map(|side| side as f64);
        let scale = (f64::from(place) / width).min(f64::from(place) * TALLEST / height);
        let size = [height, width].map(|side| ((side * scale).round() as usize).max(1));
        let (tile, region) = photograph.scaled(size, region)?;
        let (title, subtitle, notes, cells) = Default::default();
        Ok(Self { photograph: tile, region, tiles, place, title, subtitle, notes, cells })
    }

    /// With a head line and a smaller line below it.
    #[must_use]
    pub fn titled(self, title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), ..self }
    }

    /// With lines of text beside the photograph, where a cell has room for a second picture: a number, which stands right in
    /// its column, and what it is.
    #[must_use]
    pub fn noted(self, notes: Vec<(String, String)>) -> Self {
        Self { notes, ..self }
    }

    /// The photograph that a cell's pictures are drawn over.
    #[must_use]
    pub fn photograph(&self) -> &Photograph {
        &self.photograph
    }

    /// The part of [`Sheet::photograph`] that the network saw.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Adds a cell: pictures of the size of [`Sheet::photograph`], what they are, and a fainter remark behind it.
    pub fn add(&mut self, caption: impl Into<String>, remark: impl Into<String>, pictures: Vec<RgbImage>) {
        self.cells.push(Cell { caption: caption.into(), remark: remark.into(), pictures });
    }

    /// The sheet as a picture, [`SHEET_WIDTH`] wide.
    #[must_use]
    pub fn draw(&self) -> RgbImage {
        let columns = TILES / self.tiles;
        let tile = self.photograph.pixels().height();
        let cell = [self.tiles * self.place + (self.tiles - 1) * SEAM, tile + CLOSE + REGULAR.height];
        let top = MARGIN + BOLD.height + CLOSE + REGULAR.height + GAP;
        let rows = (self.cells.len() as u32 + 1).div_ceil(columns);
        let height = top + rows * cell[1] + (rows - 1) * GAP + MARGIN;

        let mut sheet = RgbImage::from_pixel(SHEET_WIDTH, height, Rgb(PAPER));
        let line = SHEET_WIDTH - 2 * MARGIN;
        BOLD.draw(&mut sheet, [MARGIN, MARGIN], &BOLD.fitted(&self.title, line), INK);
        let below = MARGIN + BOLD.height + CLOSE;
        REGULAR.draw(&mut sheet, [MARGIN, below], &REGULAR.fitted(&self.subtitle, line), FAINT);

        let photograph = Cell {
            caption: "photograph".to_owned(),
            remark: String::new(),
            pictures: vec![self.photograph.pixels().clone()],
        };
        for (at, content) in (0..).zip([&photograph].into_iter().chain(&self.cells)) {
            let x = MARGIN + at % columns * (cell[0] + MARGIN);
            let y = top + at / columns * (cell[1] + GAP);
            self.draw_cell(&mut sheet, [x, y], cell[0], content);
        }
        if self.tiles > 1 {
            self.draw_notes(&mut sheet, [MARGIN + self.place + SEAM + MARGIN / 2, top], cell[0]);
        }
        sheet
    }

    fn draw_notes(&self, sheet: &mut RgbImage, [x, y]: [u32; 2], right: u32) {
        let numbers = self.notes.iter().map(|(number, _)| REGULAR.width(number)).max().unwrap_or(0);
        let bottom = y + self.photograph.pixels().height();
        for (y, (number, note)) in (y..bottom).step_by(LEADING as usize).zip(&self.notes) {
            REGULAR.draw(sheet, [x + numbers - REGULAR.width(number), y], number, FAINT);
            let behind = x + numbers + MARGIN / 2;
            let room = (MARGIN + right).saturating_sub(behind);
            REGULAR.draw(sheet, [behind, y], &REGULAR.fitted(note, room), INK);
        }
    }

    fn draw_cell(&self, sheet: &mut RgbImage, [x, y]: [u32; 2], width: u32, cell: &Cell) {
        for (left, picture) in (x..).step_by((self.place + SEAM) as usize).zip(&cell.pictures) {
            replace(sheet, picture, i64::from(left), i64::from(y));
        }
        let y = y + self.photograph.pixels().height() + CLOSE;
        let caption = REGULAR.fitted(&cell.caption, width);
        REGULAR.draw(sheet, [x, y], &caption, INK);
        let behind = REGULAR.width(&caption) + REGULAR.width("  ");
        let remark = REGULAR.fitted(&cell.remark, width.saturating_sub(behind));
        REGULAR.draw(sheet, [x + behind, y], &remark, FAINT);
    }
}
