//! Boxes of a CSV (RFC 4180, or with semicolons, as spreadsheets of some countries write it): a header that names the columns
//! file, xmin, ymin, xmax, ymax in any order, then a box a line, in pixels from 0; the right and the lower side are where the
//! box ends.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Boxes, Malformed, Rectangle};

const COLUMNS: [&str; 5] = ["file", "xmin", "ymin", "xmax", "ymax"];

/// The boxes in this text; `path` is named in errors.
pub fn boxes(path: &Path, text: &str) -> Result<Boxes, Malformed> {
    let text = text.trim_start_matches('\u{feff}');
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| Malformed::new(path, error.to_string()))?.clone();
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|name| name == column).ok_or_else(|| {
            Malformed::new(path, format!("its first line names no column `{column}`: begin with {}", COLUMNS.join(",")))
        })?;
    }
    let mut boxes = Boxes::default();
    for record in reader.records() {
        let record: StringRecord = record.map_err(|error| Malformed::new(path, error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line) as usize;
        let field = |column: usize| record.get(places[column]).unwrap_or_default();
        let side = |column: usize| {
            let wrong = || format!("{} is `{}`: give a number of pixels", COLUMNS[column], field(column));
            let number = field(column).parse::<f64>().ok().filter(|side| side.is_finite());
            number.ok_or_else(|| Malformed::in_line(path, line, wrong()))
        };
        let (corner, other) = ([side(1)?, side(2)?], [side(3)?, side(4)?]);
        let no_area = || Malformed::in_line(path, line, "the box has no area: xmin < xmax and ymin < ymax");
        boxes.add(field(0), Rectangle::new(corner, other).ok_or_else(no_area)?);
    }
    Ok(boxes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Boxes, Malformed> {
        boxes(Path::new("boxes.csv"), text)
    }

    fn expected(name: &str, boxed: &[[f64; 4]]) -> Boxes {
        let mut boxes = Boxes::default();
        for [left, top, right, bottom] in boxed {
            boxes.add(name, Rectangle::new([*left, *top], [*right, *bottom]).unwrap());
        }
        boxes
    }

    #[test]
    fn columns_in_any_order() {
        let text = "\u{feff}xmin,ymin,xmax,ymax,label,file\r\n1,2,4,6.5, cat ,val/cat.jpg\n\n0,0,1,1,,val/cat.jpg\n";
        assert_eq!(read(text).unwrap(), expected("val/cat.jpg", &[[1.0, 2.0, 4.0, 6.5], [0.0, 0.0, 1.0, 1.0]]));
    }

    #[test]
    fn as_spreadsheets_write_it() {
        for text in [
            "\"label\",\"file\",\"xmin\",\"ymin\",\"xmax\",\"ymax\"\n\"cat, tabby\",\"a \"\"b\"\".png\",\"1\",\"2\",\"3\",\"4\"\n",
            "label;file;xmin;ymin;xmax;ymax\ncat;\"a \"\"b\"\".png\";1;2;3;4\n",
        ] {
            assert_eq!(read(text).unwrap(), expected("a \"b\".png", &[[1.0, 2.0, 3.0, 4.0]]), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, said) in [
            ("", "`file`"),
            ("file,xmin,ymin,xmax\n", "`ymax`"),
            ("file,xmin,ymin,xmax,ymax\na.png,0,0,1,1\na.png,0,zero,1,1\n", "line 3: ymin is `zero`"),
            ("file,xmin,ymin,xmax,ymax\na.png,0,nan,1,1\n", "line 2: ymin is `nan`: give a number"),
            ("file,xmin,ymin,xmax,ymax\na.png,0,0\n", "line 2: xmax is ``"),
            ("file,xmin,ymin,xmax,ymax\na.png,5,0,1,1\n", "line 2: the box has no area"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with("boxes.csv: ") && error.contains(said), "{error}");
        }
    }
}
