//! Where the objects are: boxes or masks, by the inputs' file names.

mod boxes;
mod coco;
mod csv;
mod malformed;
mod masks;
mod voc;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use gradex::Region;
use ndarray::Array2;

use boxes::{Boxed, Boxes, Rectangle};
use malformed::Malformed;

use super::args::Evaluate;
use crate::inputs::{Picture, file_name};
use crate::receipt::{of_bytes, of_folder};

/// What is known of the objects.
pub enum Annotations {
    /// Boxes of a file; several of one photograph count together.
    Boxes(PathBuf, Boxes),
    /// A folder of masks.
    Masks(PathBuf),
}

/// What annotations say of a photograph.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Where the object is, as far as the network saw it.
    pub mask: Option<Array2<bool>>,
    /// What its reader should know.
    pub notice: Option<String>,
}

impl Annotations {
    /// Reads what the command line names.
    pub fn open(args: &Evaluate) -> Result<Option<Self>> {
        Ok(match (&args.boxes, &args.masks) {
            (Some(path), _) => Some(Self::Boxes(path.clone(), boxes(path)?)),
            (None, Some(folder)) => {
                fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
                Some(Self::Masks(folder.clone()))
            }
            (None, None) => None,
        })
    }

    /// Of everything that a measurement depends on.
    pub fn sha256(&self) -> Result<String> {
        match self {
            Self::Boxes(_, boxes) => Ok(of_bytes(format!("{boxes:?}").as_bytes())),
            Self::Masks(folder) => of_folder(folder, "png"),
        }
    }

    /// Whether they speak of one of these inputs at all, else nobody would learn from the table that names differ; and of no two
    /// by one name.
    pub fn check<'a>(&self, inputs: impl Iterator<Item = &'a Path> + Clone) -> Result<()> {
        let mut meant: BTreeMap<String, &Path> = BTreeMap::new();
        for path in inputs.clone() {
            let Some(name) = self.name_of(path)? else { continue };
            if let Some(other) = meant.get(&name).filter(|other| **other != path) {
                bail!(
                    "{name} may be of {} and of {}: {}",
                    other.display(),
                    path.display(),
                    match self {
                        Self::Boxes(file, _) => format!("name their folders in {}", file.display()),
                        Self::Masks(_) => "give photographs of different names".to_owned(),
                    }
                );
            }
            meant.insert(name, path);
        }
        if !meant.is_empty() {
            return Ok(());
        }
        let input = inputs.map(file_name).next().unwrap_or_default();
        match self {
            Self::Boxes(file, boxes) => {
                let named = boxes.names().next().unwrap_or_default();
                bail!("{}: no box is of any input: it names {named}, an input is {input}", file.display())
            }
            Self::Masks(folder) => {
                let wanted = masks::file(folder, Path::new(&input));
                bail!("{}: no mask is of any input: that of {input} would be {}", folder.display(), wanted.display())
            }
        }
    }

    /// An error that says that not one object lies where the network looks.
    pub fn all_miss(&self) -> anyhow::Error {
        match self {
            Self::Boxes(file, _) => anyhow!(
                "{}: every box of an input lies outside of what the network sees of it; boxes are in pixels of the photograph \
                 as it is given",
                file.display()
            ),
            Self::Masks(folder) => anyhow!(
                "{}: every mask of an input is black wherever the network looks; whatever is not black is the object",
                folder.display()
            ),
        }
    }

    /// What they call the photograph at `path`, if they speak of it.
    fn name_of(&self, path: &Path) -> Result<Option<String>> {
        Ok(match self {
            Self::Boxes(file, boxes) => boxes.of(file, path)?.map(|(name, _)| name.to_owned()),
            Self::Masks(folder) => {
                let mask = masks::file(folder, path);
                mask.exists().then(|| mask.display().to_string())
            }
        })
    }

    /// What they say of a picture whose file is at `path`.
    ///
    /// # Errors
    /// Where they were made for a photograph of another size.
    pub fn of_picture(&self, path: &Path, picture: &Picture) -> Result<Found> {
        let size = [picture.input.shape()[2], picture.input.shape()[3]];
        self.of(path, picture.photograph.size(), &picture.region, size)
    }

    /// What they say of the photograph at `path`, which is of `photograph` pixels [height, width]; the mask is over `size`
    /// pixels that show `region` of it.
    fn of(&self, path: &Path, photograph: [usize; 2], region: &Region, size: [usize; 2]) -> Result<Found> {
        let mut notice = None;
        let mask = match self {
            Self::Boxes(file, boxes) => {
                let Some((_, boxed)) = boxes.of(file, path)? else { return Ok(Found::nothing()) };
                boxed.check_size(file, path, photograph)?;
                if boxed.reaches_outside(photograph) {
                    notice = Some("a box reaches outside of the photograph: what lies inside counts".to_owned());
                }
                sampled(region, size, |y, x| boxed.rectangles.iter().any(|rectangle| rectangle.contains(y, x)))
            }
            Self::Masks(folder) => {
                let Some(mask) = masks::read(folder, path, photograph)? else { return Ok(Found::nothing()) };
                sampled(region, size, |y, x| {
                    mask.get((y.max(0.0) as usize, x.max(0.0) as usize)).copied().unwrap_or(false)
                })
            }
        };
        if mask.iter().any(|inside| *inside) {
            return Ok(Found { mask: Some(mask), notice });
        }
        let nowhere = match self {
            Self::Boxes(..) => "its boxes lie outside of what the network sees",
            Self::Masks(_) => "its mask is black wherever the network looks",
        };
        Ok(Found { mask: None, notice: Some(format!("{nowhere}, so it counts neither for pointing, energy nor iou")) })
    }
}

impl Found {
    fn nothing() -> Self {
        let notice = "no annotation, so it counts neither for pointing, energy nor iou";
        Self { mask: None, notice: Some(notice.to_owned()) }
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
    let (boxes, nothing) = match ending.as_str() {
        _ if path.is_dir() => (voc::folder(path)?, "there is not one box in its .xml files, and others are not read"),
        "json" => (coco::boxes(path, &text()?)?, NOTHING),
        "xml" => (voc::file(path, &text()?)?.into_iter().collect(), NOTHING),
        "csv" => (csv::boxes(path, &text()?)?, NOTHING),
        _ => {
            let what = "boxes come as COCO's .json, Pascal VOC's .xml or a folder of such .xml, or .csv";
            return Err(Malformed::new(path, what).into());
        }
    };
    if boxes.is_empty() { Err(Malformed::new(path, nothing).into()) } else { Ok(boxes) }
}

const NOTHING: &str = "there is not one box in it";

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Region = Region { top: 0.0, left: 0.0, height: 16.0, width: 8.0 };

    fn one(name: &str, size: Option<[f64; 2]>, corner: [f64; 2], other: [f64; 2]) -> Annotations {
        let rectangles = vec![Rectangle::new(corner, other).unwrap()];
        Annotations::Boxes("boxes.csv".into(), [(name.to_owned(), Boxed { size, rectangles })].into_iter().collect())
    }

    fn of(annotations: &Annotations, path: &str, region: &Region) -> Result<Found> {
        annotations.of(Path::new(path), [16, 8], region, [4, 4])
    }

    #[test]
    fn a_pixel_belongs_to_the_box_that_holds_its_centre() {
        let boxes = one("a.png", Some([16.0, 8.0]), [2.0, 4.0], [6.0, 8.0]);
        // Rows are 4 pixels high, columns 2 wide.
        let mask = Array2::from_shape_fn((4, 4), |(y, x)| y == 1 && (1..3).contains(&x));
        assert_eq!(of(&boxes, "x/a.png", &REGION).unwrap(), Found { mask: Some(mask), notice: None });
        let said = |path, region: &Region| {
            let found = of(&boxes, path, region).unwrap();
            assert_eq!(found.mask, None);
            found.notice.unwrap()
        };
        assert!(said("b.png", &REGION).starts_with("no annotation"));
        assert!(said("a.png", &Region { top: 8.0, ..REGION }).contains("outside of what the network sees"));
    }

    #[test]
    fn boxes_made_for_another_size_are_refused_and_those_that_reach_outside_are_named() {
        let error = of(&one("a.png", Some([32.0, 16.0]), [0.0, 0.0], [1.0, 1.0]), "a.png", &REGION).unwrap_err();
        assert!(error.to_string().contains("16 x 32") && error.to_string().contains("8 x 16"), "{error}");
        let found = of(&one("a.png", None, [0.0, 0.0], [9000.0, 9000.0]), "a.png", &REGION).unwrap();
        assert!(found.mask.is_some() && found.notice.unwrap().contains("reaches outside"));
    }

    #[test]
    fn annotations_of_nothing_that_is_given_are_an_error_with_a_name_of_each() {
        let boxes = one("other.png", None, [0.0, 0.0], [1.0, 1.0]);
        let check = |input: &str| boxes.check([Path::new(input)].into_iter());
        assert!(check("x/other.png").is_ok());
        let error = check("CHELSEA.PNG").unwrap_err().to_string();
        assert!(error.contains("names other.png") && error.contains("CHELSEA.PNG"), "{error}");
    }

    #[test]
    fn one_name_for_two_inputs_is_an_error_that_names_both() {
        let boxes = one("x.png", None, [0.0, 0.0], [1.0, 1.0]);
        let check = |boxes: &Annotations, inputs: [&str; 2]| boxes.check(inputs.iter().map(Path::new));
        let error = check(&boxes, ["a/x.png", "b/x.png"]).unwrap_err().to_string();
        assert!(error.starts_with("x.png may be of a/x.png and of b/x.png") && error.contains("boxes.csv"), "{error}");
        // The images of one batch share its name.
        assert!(check(&boxes, ["a/x.png", "a/x.png"]).is_ok());
        assert!(check(&one("val/x.png", None, [0.0, 0.0], [1.0, 1.0]), ["a/x.png", "b/x.png"]).is_err());
        let told_apart = [("a/x.png", 0.0), ("b/x.png", 1.0)].into_iter().map(|(name, top)| {
            let rectangles = vec![Rectangle::new([0.0, top], [9.0, 9.0]).unwrap()];
            (name.to_owned(), Boxed { size: None, rectangles })
        });
        let boxes = Annotations::Boxes("boxes.csv".into(), told_apart.collect());
        assert!(check(&boxes, ["a/x.png", "b/x.png"]).is_ok());
    }
}
