//! Decoding and resizing against Pillow and torchvision.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use gradex_render::{Fit, Photograph};
use ndarray::Array3;
use ndarray_npy::read_npy;

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    crate_folder().join("../../fixtures")
}

fn entries(folder: &Path, made_by: &str) -> Vec<PathBuf> {
    let list = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}; run {made_by}", folder.display()));
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn pixels(photograph: &Photograph) -> Array3<u8> {
    let [height, width] = photograph.size();
    Array3::from_shape_vec((height, width, 3), photograph.pixels().as_raw().clone()).unwrap()
}

fn largest_difference(actual: &Array3<u8>, expected: &Array3<u8>, what: &str) -> u8 {
    assert_eq!(actual.shape(), expected.shape(), "{what}");
    actual.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// The decoders of JPEG round differently; everything else is exact.
#[test]
fn every_form_of_a_picture_is_decoded_as_by_pillow() {
    let made_by = "crates/render/tests/decode/make.py";
    let mut count = 0;
    for path in entries(&crate_folder().join("tests/decode"), made_by) {
        if path.extension().is_some_and(|extension| extension == "npy" || extension == "py") {
            continue;
        }
        let name = path.display().to_string();
        let expected: Array3<u8> = read_npy(format!("{name}.npy")).unwrap();
        let actual = pixels(&Photograph::open(&path).unwrap());
        let tolerance = if name.ends_with(".jpg") { 3 } else { 0 };
        let difference = largest_difference(&actual, &expected, &name);
        assert!(difference <= tolerance, "{name}: {difference} levels off\n{actual}\nexpected\n{expected}");
        count += 1;
    }
    assert!(count > 0, "no pictures; run {made_by}");
}

#[test]
fn the_eight_orientations_show_one_picture() {
    let open = |n: u8| Photograph::open(crate_folder().join(format!("tests/decode/orientation_{n}.jpg"))).unwrap();
    let stored = pixels(&open(1));
    let [height, width] = [stored.shape()[0], stored.shape()[1]];
    for orientation in 1..=8 {
        let upright = pixels(&open(orientation));
        // Where the first stored pixel, and the last of the first stored row, are to be seen.
        let (size, first, last) = match orientation {
            1 => ([height, width], [0, 0], [0, width - 1]),
            2 => ([height, width], [0, width - 1], [0, 0]),
            3 => ([height, width], [height - 1, width - 1], [height - 1, 0]),
            4 => ([height, width], [height - 1, 0], [height - 1, width - 1]),
            5 => ([width, height], [0, 0], [width - 1, 0]),
            6 => ([width, height], [0, height - 1], [width - 1, height - 1]),
            7 => ([width, height], [width - 1, height - 1], [0, height - 1]),
            _ => ([width, height], [width - 1, 0], [0, 0]),
        };
        assert_eq!(upright.shape()[..2], size, "orientation {orientation}");
        for channel in 0..3 {
            let at = |[y, x]: [usize; 2]| upright[[y, x, channel]];
            let corners = [stored[[0, 0, channel]], stored[[0, width - 1, channel]]];
            assert_eq!([at(first), at(last)], corners, "orientation {orientation}, channel {channel}");
        }
    }
}

#[test]
fn a_resized_photograph_is_that_of_pillow_and_torchvision_to_the_bit() {
    let made_by = "fixtures/scripts/resize.py";
    let mut count = 0;
    for case in entries(&fixtures().join("resize"), made_by) {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let photograph = match case.join("input.npy") {
            input if input.exists() => Photograph::from_pixels(read_npy(input).unwrap()).unwrap(),
            _ => {
                let (photograph, _) = name.split_once('_').unwrap();
                Photograph::open(fixtures().join(format!("images/{photograph}.png"))).unwrap()
            }
        };
        for fit in Fit::ALL {
            let path = case.join(format!("expected_{fit}.npy"));
            if !path.exists() {
                continue;
            }
            let expected: Array3<u8> = read_npy(path).unwrap();
            let size = [expected.shape()[0], expected.shape()[1]];
            let actual = photograph.resized(size, fit).unwrap().pixels;
            let difference = largest_difference(&actual, &expected, &name);
            assert_eq!(difference, 0, "{name}, {fit}: {difference} levels off; {made_by} makes what is expected");
            count += 1;
        }
    }
    assert!(count > 0, "no cases; run {made_by}");
}
