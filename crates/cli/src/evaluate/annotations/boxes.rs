//! Boxes of photographs, by the names that a file of them gives.

use std::collections::BTreeMap;
use std::path::Path;

use super::Malformed;
use crate::inputs::file_name;

/// Rounded numbers may put a box's side so many pixels outside.
const TOLERANCE: f64 = 1.0;

/// A box in a photograph's pixels: pixel `i` reaches from `i` to `i + 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// The upper side.
    pub top: f64,
    /// The left side.
    pub left: f64,
    /// The lower side.
    pub bottom: f64,
    /// The right side.
    pub right: f64,
}

/// The boxes of one photograph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Boxed {
    /// The photograph's size [height, width] where the file tells it.
    pub size: Option<[f64; 2]>,
    /// The boxes.
    pub rectangles: Vec<Rectangle>,
}

/// The boxes of each photograph, by the name that the file gives, with its folders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Boxes(BTreeMap<String, Boxed>);

impl Rectangle {
    /// Of its two corners, where they span an area.
    pub fn new([left, top]: [f64; 2], [right, bottom]: [f64; 2]) -> Option<Self> {
        let is_finite = [left, top, right, bottom].iter().all(|side| side.is_finite());
        (is_finite && left < right && top < bottom).then_some(Self { top, left, bottom, right })
    }

    /// Whether a place lies inside.
    pub fn contains(&self, y: f64, x: f64) -> bool {
        (self.top..self.bottom).contains(&y) && (self.left..self.right).contains(&x)
    }
}

impl Boxed {
    /// An error where the file tells of a photograph of another size.
    pub fn check_size(&self, file: &Path, path: &Path, [height, width]: [usize; 2]) -> Result<(), Malformed> {
        match self.size {
            Some([rows, columns]) if [rows, columns] != [height as f64, width as f64] => {
                let what = format!(
                    "the boxes of {} are for a photograph of {columns} x {rows} pixels, and it has {width} x {height}: \
                     give the photograph that they were drawn on",
                    file_name(path)
                );
                Err(Malformed::new(file, what))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether one of the boxes reaches outside of a photograph of this size.
    pub fn reaches_outside(&self, [height, width]: [usize; 2]) -> bool {
        let [height, width] = [height, width].map(|side| side as f64 + TOLERANCE);
        let outside = |one: &Rectangle| one.top.min(one.left) < -TOLERANCE || one.bottom > height || one.right > width;
        self.rectangles.iter().any(outside)
    }
}

impl Boxes {
    /// Adds a box.
    pub fn add(&mut self, name: &str, rectangle: Rectangle) {
        self.named(name).rectangles.push(rectangle);
    }

    /// The boxes under this name, none as yet where it is new. Folders are separated as anywhere.
    pub fn named(&mut self, name: &str) -> &mut Boxed {
        self.0.entry(name.replace('\\', "/")).or_default()
    }

    /// Whether there is not one box.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|boxed| boxed.rectangles.is_empty())
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Those of the photograph at `path`, with the name that the file gives it: named by the end of that path, the longest such name first, or by a file name in other
    /// folders, if it is the only one. `file` is named where several are.
    pub fn of(&self, file: &Path, path: &Path) -> Result<Option<(&str, &Boxed)>, Malformed> {
        let name = file_name(path);
        let same = self.0.iter().filter(|(known, _)| known.rsplit('/').next() == Some(name.as_str()));
        let same: Vec<(&String, &Boxed)> = same.filter(|(_, boxed)| !boxed.rectangles.is_empty()).collect();
        let ending = same.iter().filter(|(known, _)| path.ends_with(known.trim_start_matches("./")));
        if let Some((known, boxed)) = ending.max_by_key(|(known, _)| known.len()) {
            return Ok(Some((known, boxed)));
        }
        match same[..] {
            [] => Ok(None),
            [(known, boxed)] => Ok(Some((known, boxed))),
            [(one, _), (another, _), ..] => {
                let what = format!("it names {one} and {another}, and {} may be either", path.display());
                Err(Malformed::new(file, what))
            }
        }
    }
}

impl FromIterator<(String, Boxed)> for Boxes {
    fn from_iter<I: IntoIterator<Item = (String, Boxed)>>(boxes: I) -> Self {
        let mut all = Self::default();
        for (name, Boxed { size, rectangles }) in boxes {
            let boxed = all.named(&name);
            boxed.size = size.or(boxed.size);
            boxed.rectangles.extend(rectangles);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_of_one_name_in_two_folders_are_told_apart() {
        let mut boxes = Boxes::default();
        for (name, top) in [("a/x.png", 1.0), ("b\\x.png", 2.0), ("val/y.png", 3.0)] {
            boxes.add(name, Rectangle::new([0.0, top], [9.0, 9.0]).unwrap());
        }
        let top = |path: &str| {
            boxes.of(Path::new("f.csv"), Path::new(path)).map(|found| found.map(|(_, one)| one.rectangles[0].top))
        };
        assert_eq!([top("photos/a/x.png"), top("b/x.png")], [Ok(Some(1.0)), Ok(Some(2.0))]);
        assert_eq!([top("y.png"), top("photos/y.png"), top("Y.png")], [Ok(Some(3.0)), Ok(Some(3.0)), Ok(None)]);
        assert!(top("x.png").unwrap_err().to_string().contains("a/x.png and b/x.png"));
    }

    #[test]
    fn corners_must_span_an_area() {
        assert_eq!(Rectangle::new([1.0, 1.0], [1.0, 2.0]), None);
        assert_eq!(Rectangle::new([3.0, 1.0], [1.0, 2.0]), None);
        assert_eq!(Rectangle::new([0.0, f64::NAN], [1.0, 2.0]), None);
    }
}
