//! A few lines of text on a picture: letters drawn beforehand, Inter (SIL Open Font License 1.1).

mod bold;
mod regular;

use image::{Rgb, RgbImage};

pub(crate) const BOLD: Font = bold::FONT;
pub(crate) const REGULAR: Font = regular::FONT;

/// A font of one size. Letters are sorted by code; one that is missing is drawn as `?`.
pub(crate) struct Font {
    /// Pixels from line to line.
    pub height: u32,
    coverage: &'static [u8],
    glyphs: &'static [Glyph],
}

/// A letter: a box of coverage, from 0 for paper to 255 for ink.
#[derive(Clone, Copy)]
struct Glyph {
    code: u32,
    advance: f32,
    left: i32,
    top: u32,
    width: u32,
    height: u32,
    start: usize,
}

const fn glyph(code: u32, advance: f32, left: i32, top: u32, width: u32, height: u32, start: usize) -> Glyph {
    Glyph { code, advance, left, top, width, height, start }
}

impl Font {
    /// The text's width in pixels.
    pub fn width(&self, text: &str) -> u32 {
        text.chars().map(|letter| self.glyph(letter).advance).sum::<f32>().ceil() as u32
    }

    /// As much of the text as fits into `width` pixels; where that is not all, an ellipsis ends it.
    pub fn fitted(&self, text: &str, width: u32) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shortened = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width(&shortened) <= width {
                return shortened;
            }
        }
        String::new()
    }

    /// Draws one line of text with its upper left corner at `(x, y)`, as far as it is on the picture.
    pub fn draw(&self, picture: &mut RgbImage, [x, y]: [u32; 2], text: &str, ink: [u8; 3]) {
        let mut pen = x as f32;
        for letter in text.chars() {
            let glyph = self.glyph(letter);
            let left = pen.round() as i64 + i64::from(glyph.left);
            for (row, line) in self.rows(&glyph).enumerate() {
                for (column, coverage) in line.iter().enumerate() {
                    let at = (u32::try_from(left + column as i64), y + glyph.top + row as u32);
                    if let Some(pixel) = at.0.ok().and_then(|x| picture.get_pixel_mut_checked(x, at.1)) {
                        *pixel = mixed(*pixel, ink, *coverage);
                    }
                }
            }
            pen += glyph.advance;
        }
    }

    fn glyph(&self, letter: char) -> Glyph {
        let find = |letter: char| self.glyphs.binary_search_by_key(&u32::from(letter), |glyph| glyph.code).ok();
        let missing = || find('?').unwrap_or(0);
        self.glyphs[find(letter).unwrap_or_else(missing)]
    }

    fn rows(&self, glyph: &Glyph) -> impl Iterator<Item = &'static [u8]> + use<> {
        let end = glyph.start + (glyph.width * glyph.height) as usize;
        self.coverage[glyph.start..end].chunks_exact(glyph.width.max(1) as usize)
    }
}

fn mixed(Rgb(paper): Rgb<u8>, ink: [u8; 3], coverage: u8) -> Rgb<u8> {
    let weight = f32::from(coverage) / 255.0;
    let mix = |channel: usize| {
        let paper = f32::from(paper[channel]);
        (paper + weight * (f32::from(ink[channel]) - paper)).round() as u8
    };
    Rgb([0, 1, 2].map(mix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_its_coverage_and_the_table_is_sorted() {
        for font in [REGULAR, BOLD] {
            assert!(font.glyphs.windows(2).all(|pair| pair[0].code < pair[1].code));
            let total: u32 = font.glyphs.iter().map(|glyph| glyph.width * glyph.height).sum();
            assert_eq!(total as usize, font.coverage.len());
            for glyph in font.glyphs {
                let rows: Vec<_> = font.rows(glyph).collect();
                assert_eq!(rows.len(), if glyph.width == 0 { 0 } else { glyph.height as usize });
                let visible = rows.concat().iter().any(|coverage| *coverage > 128);
                let blank = [0x20, 0xa0].contains(&glyph.code);
                assert_eq!(visible, !blank, "{:x}", glyph.code);
            }
        }
    }

    #[test]
    fn text_is_drawn_in_its_ink_and_within_its_width() {
        let text = "Wäqg! 79.1 %";
        for font in [REGULAR, BOLD] {
            let mut picture = RgbImage::from_pixel(200, font.height + 10, Rgb([255; 3]));
            font.draw(&mut picture, [4, 5], text, [255, 0, 0]);
            let drawn: Vec<_> = picture.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 != [255; 3]).collect();
            assert!(drawn.iter().all(|(_, _, pixel)| pixel.0[0] == 255), "only red");
            let right = 4 + font.width(text);
            assert!(drawn.iter().all(|(x, y, _)| (4..=right).contains(x) && (5..5 + font.height).contains(y)));
            assert!(drawn.iter().any(|(_, _, pixel)| pixel.0 == [255, 0, 0]));
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let all = REGULAR.width("contrastive");
        assert_eq!(REGULAR.fitted("contrastive", all), "contrastive");
        let short = REGULAR.fitted("contrastive", all - 1);
        assert!(short.ends_with('…') && short.len() > 6 && REGULAR.width(&short) < all, "{short}");
        assert_eq!(REGULAR.fitted("contrastive", 0), "");
    }

    #[test]
    fn letters_that_there_are_not_are_question_marks_and_edges_are_no_trouble() {
        assert_eq!(REGULAR.width("漢"), REGULAR.width("?"));
        let mut picture = RgbImage::new(3, 3);
        REGULAR.draw(&mut picture, [0, 0], "jjj", [255; 3]);
        REGULAR.draw(&mut picture, [9, 9], "jjj", [255; 3]);
    }
}
