//! Where the objects are: boxes or masks, by the inputs' file names.

mod coco;
mod csv;
mod malformed;
mod masks;
mod voc;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradex::Region;
use ndarray::Array2;

use malformed::Malformed;

use super::args::Evaluate;
use crate::inputs::file_name;
use crate::receipt::{of_bytes, of_folder};

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

/// The boxes of each photograph, by its file name without folders.
pub type Boxes = BTreeMap<String, Vec<Rectangle>>;

/// What is known of the objects.
pub enum Annotations {
    /// Boxes; several of one photograph count together.
    Boxes(Boxes),
    /// A folder of masks.
    Masks(PathBuf),
}

impl Annotations {
    /// Reads what the command line names.
    pub fn open(args: &Evaluate) -> Result<Option<Self>> {
        Ok(match (&args.boxes, &args.masks) {
            (Some(path), _) => Some(Self::Boxes(boxes(path)?)),
            (None, Some(folder)) => Some(Self::Masks(folder.clone())),
            (None, None) => None,
        })
    }

    /// Of everything that a measurement depends on.
    pub fn sha256(&self) -> Result<String> {
        match self {
            Self::Boxes(boxes) => Ok(of_bytes(format!("{boxes:?}").as_bytes())),
            Self::Masks(folder) => of_folder(folder, "png"),
        }
    }

    /// The object's mask over `size` pixels that show `region` of the photograph at `path`, which is of `photograph` pixels
    /// [height, width]. None where nothing is known of the object, or it lies outside of the region.
    pub fn mask(
        &self,
        path: &Path,
        photograph: [usize; 2],
        region: &Region,
        size: [usize; 2],
    ) -> Result<Option<Array2<bool>>> {
        let mask = match self {
            Self::Boxes(boxes) => {
                let Some(boxes) = boxes.get(&file_name(path)) else { return Ok(None) };
                sampled(region, size, |y, x| boxes.iter().any(|rectangle| rectangle.contains(y, x)))
            }
            Self::Masks(folder) => {
                let Some(mask) = masks::read(folder, path, photograph)? else { return Ok(None) };
                sampled(region, size, |y, x| {
                    mask.get((y.max(0.0) as usize, x.max(0.0) as usize)).copied().unwrap_or(false)
                })
            }
        };
        Ok(mask.iter().any(|inside| *inside).then_some(mask))
    }
}

impl Rectangle {
    fn contains(&self, y: f64, x: f64) -> bool {
        (self.top..self.bottom).contains(&y) && (self.left..self.right).contains(&x)
    }

    /// Of its two corners, where they span an area.
    fn new([left, top]: [f64; 2], [right, bottom]: [f64; 2]) -> Option<Self> {
        let is_finite = [left, top, right, bottom].iter().all(|side| side.is_finite());
        (is_finite && left < right && top < bottom).then_some(Self { top, left, bottom, right })
    }
}

/// Whether the centre of each pixel lies inside, asked in the photograph's coordinates.
fn sampled(region: &Region, size: [usize; 2], inside: impl Fn(f64, f64) -> bool) -> Array2<bool> {
    let centre =
        |place: usize, count: usize, begin: f64, length: f64| begin + (place as f64 + 0.5) * length / count as f64;
    Array2::from_shape_fn((size[0], size[1]), |(y, x)| {
        inside(centre(y, size[0], region.top, region.height), centre(x, size[1], region.left, region.width))
    })
}

fn boxes(path: &Path) -> Result<Boxes> {
    let cannot = || format!("cannot read {}", path.display());
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let text = || fs::read_to_string(path).with_context(cannot);
    let boxes = match ending.as_str() {
        _ if path.is_dir() => voc::folder(path)?,
        "json" => coco::boxes(path, &text()?)?,
        "xml" => voc::file(path, &text()?)?.into_iter().collect(),
        "csv" => csv::boxes(path, &text()?)?,
        _ => {
            let what = "boxes come as COCO's .json, Pascal VOC's .xml or a folder of such, or .csv";
            return Err(Malformed::new(path, what).into());
        }
    };
    if boxes.is_empty() { Err(Malformed::new(path, "there is not one box in it").into()) } else { Ok(boxes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_belongs_to_the_box_that_holds_its_centre() {
        let boxes =
            Annotations::Boxes([("a.png".to_owned(), vec![Rectangle::new([2.0, 4.0], [6.0, 8.0]).unwrap()])].into());
        let region = Region { top: 0.0, left: 0.0, height: 16.0, width: 8.0 };
        let mask = boxes.mask(Path::new("x/a.png"), [16, 8], &region, [4, 4]).unwrap().unwrap();
        // Rows are 4 pixels high, columns 2 wide.
        let expected = Array2::from_shape_fn((4, 4), |(y, x)| y == 1 && (1..3).contains(&x));
        assert_eq!(mask, expected);
        assert_eq!(boxes.mask(Path::new("b.png"), [16, 8], &region, [4, 4]).unwrap(), None);
        let elsewhere = Region { top: 8.0, ..region };
        assert_eq!(boxes.mask(Path::new("a.png"), [16, 8], &elsewhere, [4, 4]).unwrap(), None);
    }

    #[test]
    fn corners_must_span_an_area() {
        assert_eq!(Rectangle::new([1.0, 1.0], [1.0, 2.0]), None);
        assert_eq!(Rectangle::new([3.0, 1.0], [1.0, 2.0]), None);
        assert_eq!(Rectangle::new([0.0, f64::NAN], [1.0, 2.0]), None);
    }
}
