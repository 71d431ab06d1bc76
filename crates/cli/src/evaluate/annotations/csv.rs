//! Boxes of a plain CSV: a header that names the columns file, xmin, ymin, xmax, ymax in any order, then a box a line, in
//! pixels from 0; the right and the lower side are where the box ends. Nothing is quoted.

use std::path::Path;

use super::{Boxes, Malformed, Rectangle};

const COLUMNS: [&str; 5] = ["file", "xmin", "ymin", "xmax", "ymax"];

/// The boxes in this text; `path` is named in errors.
pub fn boxes(path: &Path, text: &str) -> Result<Boxes, Malformed> {
    let fields = |line: &str| line.split(',').map(|field| field.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = fields(lines.next().map_or("", |(_, line)| line.trim_start_matches('\u{feff}')));
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|name| name == column).ok_or_else(|| {
            Malformed::new(path, format!("its first line names no column `{column}`: begin with {}", COLUMNS.join(",")))
        })?;
    }
    let mut boxes = Boxes::new();
    for (index, line) in lines {
        let fields = fields(line);
        let field = |column: usize| fields.get(places[column]).map(String::as_str).unwrap_or_default();
        let side = |column: usize| {
            let wrong = || format!("{} is `{}`: give a number of pixels", COLUMNS[column], field(column));
            field(column).parse::<f64>().map_err(|_| Malformed::in_line(path, index + 1, wrong()))
        };
        let (corner, other) = ([side(1)?, side(2)?], [side(3)?, side(4)?]);
        let no_area = || Malformed::in_line(path, index + 1, "the box has no area: xmin < xmax and ymin < ymax");
        let rectangle = Rectangle::new(corner, other).ok_or_else(no_area)?;
        let name = field(0).rsplit(['/', '\\']).next().unwrap_or_default();
        boxes.entry(name.to_owned()).or_default().push(rectangle);
    }
    Ok(boxes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Boxes, Malformed> {
        boxes(Path::new("boxes.csv"), text)
    }

    #[test]
    fn columns_in_any_order() {
        let found = read("\u{feff}xmin,ymin,xmax,ymax,label,file\r\n1,2,4,6.5, cat ,val/cat.jpg\n\n0,0,1,1,,cat.jpg\n")
            .unwrap();
        let rectangles = vec![
            Rectangle { top: 2.0, left: 1.0, bottom: 6.5, right: 4.0 },
            Rectangle { top: 0.0, left: 0.0, bottom: 1.0, right: 1.0 },
        ];
        assert_eq!(found, [("cat.jpg".to_owned(), rectangles)].into());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, said) in [
            ("", "`file`"),
            ("file,xmin,ymin,xmax\n", "`ymax`"),
            ("file,xmin,ymin,xmax,ymax\na.png,0,0,1,1\na.png,0,zero,1,1\n", "line 3: ymin is `zero`"),
            ("file,xmin,ymin,xmax,ymax\na.png,0,0\n", "line 2: xmax is ``"),
            ("file,xmin,ymin,xmax,ymax\na.png,5,0,1,1\n", "line 2: the box has no area"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with("boxes.csv: ") && error.contains(said), "{error}");
        }
    }
}
