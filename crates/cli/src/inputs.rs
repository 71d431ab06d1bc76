//! What the command line's paths mean, and how each becomes tensors.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use gradex::formats::{measure_npy, parse_npy, read_file};
use gradex::models::Preprocessing;
use gradex::render::{MAX_NETWORK_SIDE, photograph_size, read_photograph};
use gradex::{Model, Photograph, Region, Tensor, see_at};
use ndarray::{ArrayView3, Axis};

use crate::args::PictureArgs;
use crate::receipt::of_bytes;

/// Endings of the files of a folder that are taken for inputs.
const ENDINGS: [&str; 11] = ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff", "npy"];

/// One picture as the network sees it.
pub struct Picture {
    /// Which image of a batch it is, where its file holds several.
    pub index: Option<usize>,
    /// sha256 of the file.
    pub sha256: String,
    /// The photograph, or what a tensor depicts.
    pub photograph: Photograph,
    /// The network's input, `[1, 3, h, w]`.
    pub input: Tensor,
    /// The part of the photograph that the input shows.
    pub region: Region,
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The files that the paths name: folders become the images and tensors in them, by name. A folder that cannot be read or
/// holds none becomes an error in its place.
pub fn expand(paths: &[PathBuf]) -> Vec<(PathBuf, Result<()>)> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" && !path.exists() {
            files.push((path.clone(), Err(anyhow!("no file is called so; standard input is /dev/stdin"))));
            continue;
        }
        if path.try_exists().is_ok_and(|exists| !exists) {
            files.push((path.clone(), Err(anyhow!("there is no such file or folder"))));
            continue;
        }
        if !path.is_dir() {
            files.push((path.clone(), Ok(())));
            continue;
        }
        match images_in(path) {
            Ok(found) => files.extend(found.into_iter().map(|file| (file, Ok(())))),
            Err(error) => files.push((path.clone(), Err(error))),
        }
    }
    files
}

fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_input = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) && !is_hidden && !path.is_dir()
    };
    let entries = fs::read_dir(folder).context("cannot read the folder")?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut found: Vec<PathBuf> = paths.context("cannot read the folder")?.into_iter().filter(is_input).collect();
    found.sort();
    if found.is_empty() {
        bail!("the folder holds no image or .npy file ({}); folders in it are not searched", ENDINGS.join(", "));
    }
    Ok(found)
}

/// What the header of an input's file tells.
#[derive(Debug, Clone, Copy)]
pub enum Holds {
    /// A photograph of this height and width.
    Photograph([usize; 2]),
    /// A tensor of images of this height and width, of so many numbers, that take so many bytes.
    Tensor { size: [usize; 2], numbers: usize, bytes: usize },
}

/// Whether a file that holds this may be read.
pub type Admit<'a> = dyn Fn(Holds) -> Result<()> + 'a;

/// Pixels of the largest photograph, by the headers of those that have one.
pub fn largest(args: &PictureArgs) -> usize {
    let pixels = |path: &Path| {
        let [height, width] = if path.is_file() { photograph_size(path).ok()? } else { return None };
        height.checked_mul(width)
    };
    expand(&args.inputs).iter().filter_map(|(path, _)| pixels(path)).max().unwrap_or(0)
}

/// Reads a file that is admitted: a photograph, or a `.npy` file of one tensor or a batch of them.
pub fn read(path: &Path, model: &Model, args: &PictureArgs, admit: &Admit<'_>) -> Result<Vec<Picture>> {
    let preprocessing = &model.architecture.preprocessing;
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        admit(tensor(path)?)?;
        let bytes = read_file(path)?;
        return pictures_of(&parse_npy(&bytes)?, &of_bytes(&bytes), preprocessing);
    }
    let bytes = read_photograph(path)?;
    admit(Holds::Photograph(Photograph::measure(&bytes)?))?;
    let photograph = Photograph::decode(&bytes)?;
    let seen = see_at(model, &photograph, args.resize, args.size.unwrap_or(preprocessing.size))?;
    Ok(vec![Picture { index: None, sha256: of_bytes(&bytes), photograph, input: seen.input, region: seen.region }])
}

/// What a `.npy` file holds, if a network can take that.
fn tensor(path: &Path) -> Result<Holds> {
    let (dtype, shape) = measure_npy(path)?;
    if dtype.is_integer() {
        bail!(
            "an array of {dtype}, and the network takes normalised numbers: save the pixels as a PNG, or normalise them \
             as the model's training did and save float32"
        );
    }
    let size = size_of_images(&shape)?;
    if size.iter().any(|side| *side > MAX_NETWORK_SIDE) {
        bail!("a tensor of shape {shape:?}: sides are of at most {MAX_NETWORK_SIDE}");
    }
    let numbers = shape.iter().product::<usize>();
    Ok(Holds::Tensor { size, numbers, bytes: numbers.saturating_mul(dtype.size()) })
}

/// Height and width of the images in a tensor of this shape.
fn size_of_images(shape: &[usize]) -> Result<[usize; 2]> {
    match *shape {
        [3, height, width] | [_, 3, height, width] if !shape.contains(&0) => Ok([height, width]),
        [3, _, _] | [_, 3, _, _] => bail!("a tensor of shape {shape:?} holds no image"),
        _ => bail!("a tensor of shape {shape:?}, expected [3, H, W] or [N, 3, H, W], already normalised"),
    }
}

fn pictures_of(tensor: &Tensor, sha256: &str, preprocessing: &Preprocessing) -> Result<Vec<Picture>> {
    size_of_images(tensor.shape())?;
    let batch = if tensor.ndim() == 3 { tensor.view().insert_axis(Axis(0)) } else { tensor.view() };
    let several = batch.shape()[0] > 1;
    let picture = |(index, image): (usize, ndarray::ArrayViewD<'_, f32>)| {
        let pixels: ArrayView3<'_, f32> = image.view().into_dimensionality()?;
        let photograph = Photograph::from_pixels(preprocessing.pixels(pixels)?)?;
        let region = Region::whole(photograph.size());
        let input = image.insert_axis(Axis(0)).as_standard_layout().into_owned();
        let (index, sha256) = (several.then_some(index), sha256.to_owned());
        Ok(Picture { index, sha256, photograph, input, region })
    };
    batch.outer_iter().enumerate().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_one_image_and_of_several() {
        let preprocessing = Preprocessing::TORCHVISION;
        let count =
            |shape: &[usize]| pictures_of(&Tensor::zeros(shape), "", &preprocessing).map(|pictures| pictures.len());
        assert_eq!(count(&[3, 4, 5]).unwrap(), 1);
        assert_eq!(count(&[1, 3, 4, 5]).unwrap(), 1);
        assert_eq!(count(&[2, 3, 4, 5]).unwrap(), 2);
        for wrong in [&[4, 5][..], &[1, 4, 5], &[2, 4, 5, 3], &[0, 3, 4, 5], &[3, 0, 5]] {
            assert!(count(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_square_tensor_depicts_what_its_pixels_were() {
        let preprocessing = Preprocessing::EFFICIENTNET_LITE;
        let tensor = Tensor::from_elem(vec![3, 2, 2], (200.0 - 127.0) / 128.0);
        let picture = pictures_of(&tensor, "", &preprocessing).unwrap().remove(0);
        assert!(picture.photograph.pixels().pixels().all(|pixel| pixel.0 == [200; 3]));
        assert_eq!(picture.input.shape(), [1, 3, 2, 2]);
    }
}
