//! Where the heat appears on the photograph, and what the files are like.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use gradex_render::{ColourMap, Error, Fit, Photograph, Region, RgbImage, Style, overlay, write_png};
use ndarray::{Array2, Array3, Axis, array};

/// The colour alone where the heat is 1.
const OPAQUE: Style = Style { map: ColourMap::Viridis, opacity: 1.0, stretch: 1.0 };

/// The side of a bright spot, odd: its middle is a pixel.
const SPOT: usize = 9;

fn flat(size: [usize; 2], level: u8) -> Photograph {
    Photograph::from_pixels(Array3::from_elem((size[0], size[1], 3), level)).unwrap()
}

fn green(picture: &RgbImage) -> Array2<f64> {
    let size = (picture.height() as usize, picture.width() as usize);
    Array2::from_shape_fn(size, |(y, x)| f64::from(picture.get_pixel(x as u32, y as u32)[1]))
}

/// The centre of mass of `values`, row and column, pixel `i` being at `i + 0.5`.
fn centroid(values: &Array2<f64>) -> [f64; 2] {
    let total: f64 = values.sum();
    let mean = |axis: usize| {
        let moment = |((y, x), value): ((usize, usize), &f64)| value * ([y, x][axis] as f64 + 0.5);
        values.indexed_iter().map(moment).sum::<f64>() / total
    };
    [mean(0), mean(1)]
}

#[test]
fn heat_returns_to_where_the_network_saw_it() {
    // The photograph, where the spot begins, the fit; all of the spot is inside the crop.
    let cases = [
        ([300, 451], [150, 211], Fit::Crop),
        ([300, 451], [61, 300], Fit::Crop),
        ([640, 427], [400, 70], Fit::Crop),
        ([300, 451], [12, 440], Fit::Squash),
        ([100, 90], [70, 31], Fit::Squash),
        ([100, 90], [60, 31], Fit::Crop),
    ];
    for (size, spot, fit) in cases {
        for network in [[224, 224], [97, 131]] {
            let inside = |at: usize, axis: usize| (spot[axis]..spot[axis] + SPOT).contains(&at);
            let level = |(y, x, _)| if inside(y, 0) && inside(x, 1) { 255 } else { 0 };
            let photograph = Photograph::from_pixels(Array3::from_shape_fn((size[0], size[1], 3), level)).unwrap();
            let shown = photograph.resized(network, fit).unwrap();
            // The heat is the bright spot itself, as the network is shown it.
            let heat = shown.pixels.index_axis(Axis(2), 0).mapv(|level| f32::from(level) / 255.0);

            let picture = overlay(&flat(size, 0), heat.view(), &shown.region, &OPAQUE).unwrap();
            let [y, x] = centroid(&green(&picture));
            let expected = spot.map(|start| (start + SPOT / 2) as f64 + 0.5);
            assert!(
                (y - expected[0]).abs() < 0.3 && (x - expected[1]).abs() < 0.3,
                "{size:?} by {fit} to {network:?}: heat at [{y}, {x}], expected {expected:?}"
            );
        }
    }
}

#[test]
fn where_there_is_no_heat_the_photograph_is_grey_and_elsewhere_it_gives_way() {
    let mut pixels = Array3::zeros((1, 3, 3));
    for (x, colour) in [[200, 100, 50], [0, 0, 0], [255, 255, 255]].iter().enumerate() {
        for (channel, value) in colour.iter().enumerate() {
            pixels[[0, x, channel]] = *value;
        }
    }
    let photograph = Photograph::from_pixels(pixels).unwrap();
    let region = Region::whole(photograph.size());
    let draw = |heat: f32, style: &Style| {
        let picture = overlay(&photograph, array![[heat]].view(), &region, style).unwrap();
        picture.pixels().map(|pixel| pixel.0).collect::<Vec<_>>()
    };
    // 0.2126 * 200 + 0.7152 * 100 + 0.0722 * 50 = 117.65
    let greys = [[118; 3], [0; 3], [255; 3]];
    assert_eq!(draw(0.0, &OPAQUE), greys);
    assert_eq!(draw(1.0, &Style { opacity: 0.0, ..OPAQUE }), greys);
    for map in ColourMap::ALL {
        assert_eq!(draw(1.0, &Style { map, ..OPAQUE }), [map.colour(1.0); 3]);
    }
    // Weight 0.8 * 0.5 of the middle colour (heats are coloured in 256 steps), the rest grey.
    let middle = ColourMap::Viridis.colour(128.0 / 255.0);
    let expected =
        [117.65, 0.0, 255.0].map(|grey: f32| middle.map(|c| (0.6 * grey + 0.4 * f32::from(c)).round() as u8));
    assert_eq!(draw(0.5, &Style { opacity: 0.8, ..OPAQUE }), expected);
}

#[test]
fn what_the_network_did_not_see_is_dimmed() {
    let photograph = flat([40, 80], 100);
    let region = Region { top: 0.0, left: 20.0, height: 40.0, width: 40.0 };
    for heat in [0.0, 1.0] {
        let picture = overlay(&photograph, array![[heat]].view(), &region, &OPAQUE).unwrap();
        let inside = if heat == 0.0 { [100; 3] } else { ColourMap::Viridis.colour(1.0) };
        for (x, _, pixel) in picture.enumerate_pixels() {
            let expected = if (20..60).contains(&x) { inside } else { [40; 3] };
            assert_eq!(pixel.0, expected, "column {x}, heat {heat}");
        }
    }
}

#[test]
fn the_smallest_photographs_are_shown_and_drawn() {
    for size in [[1, 1], [1, 500], [500, 1], [2, 3], [1, 20_000], [20_000, 1]] {
        let photograph = flat(size, 90);
        for fit in Fit::ALL {
            let shown = photograph.resized([224, 224], fit).unwrap();
            assert!(shown.pixels.iter().all(|level| *level == 90), "{size:?}, {fit}");
            let heat = Array2::ones((224, 224));
            let picture = overlay(&photograph, heat.view(), &shown.region, &OPAQUE).unwrap();
            assert_eq!([picture.height() as usize, picture.width() as usize], size);
            let hot = picture.pixels().filter(|pixel| pixel.0 == ColourMap::Viridis.colour(1.0)).count();
            let seen = (shown.region.height * shown.region.width).round().max(1.0) as usize;
            assert!(hot.abs_diff(seen) <= 1, "{size:?}, {fit}: {hot} hot pixels, {seen} seen");
        }
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let photograph = flat([30, 40], 7);
    let whole = Region::whole([30, 40]);
    let draw = |heat: Array2<f32>, region: Region, opacity: f32| {
        overlay(&photograph, heat.view(), &region, &Style { opacity, ..Style::default() })
    };
    assert!(draw(array![[-1e-6, 1.000_001]], whole, 1.0).is_ok(), "rounding");
    for value in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
        let error = draw(array![[0.0, 1.0], [0.5, value]], whole, 0.5).unwrap_err();
        assert!(matches!(error, Error::Heat { row: 1, column: 1, .. }), "{error}");
    }
    assert!(matches!(draw(Array2::zeros((0, 5)), whole, 0.5), Err(Error::Shape { what: "heat", .. })));
    for opacity in [f32::NAN, -0.1, 1.5] {
        assert!(matches!(draw(array![[0.0]], whole, opacity), Err(Error::Part { what: "opacity", .. })), "{opacity}");
    }
    let regions = [
        Region { height: 0.0, ..whole },
        Region { width: -1.0, ..whole },
        Region { left: -1.0, ..whole },
        Region { top: 1.0, ..whole },
        Region { width: f64::NAN, ..whole },
        Region { height: f64::INFINITY, ..whole },
        Region::whole([40, 30]),
    ];
    for region in regions {
        assert!(matches!(draw(array![[0.0]], region, 0.5), Err(Error::Region { .. })), "{region:?}");
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("gradex-render-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn gradient() -> RgbImage {
    RgbImage::from_fn(31, 17, |x, y| image::Rgb([x as u8 * 8, y as u8 * 15, (x * y) as u8]))
}

#[test]
fn a_written_picture_is_read_back_and_replaces_an_older_one() {
    let folder = folder("written");
    let path = folder.join("overlay.png");
    fs::write(&path, "an older file").unwrap();
    write_png(&path, &gradient()).unwrap();
    assert_eq!(Photograph::open(&path).unwrap().pixels(), &gradient());
    assert_eq!(names(&folder), ["overlay.png"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_failed_write_leaves_everything_as_it_was() {
    let folder = folder("failed");
    fs::create_dir(folder.join("taken.png")).unwrap();
    fs::write(folder.join("file"), "content").unwrap();
    let before = names(&folder);

    let refused = |path: &Path, picture: &RgbImage| {
        let error = write_png(path, picture).unwrap_err();
        assert!(
            matches!(&error, Error::File { path: named, cause } if named == path && matches!(**cause, Error::Write(_)))
        );
        assert_eq!(names(&folder), before, "{error}");
    };
    refused(&folder.join("taken.png"), &gradient());
    refused(&folder.join("absent/overlay.png"), &gradient());
    refused(&folder.join("file/overlay.png"), &gradient());
    refused(&folder.join(".."), &gradient());
    // Nothing to encode: fails when the file is already open beside its target.
    refused(&folder.join("file"), &RgbImage::new(0, 0));
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "content");
    fs::remove_dir_all(folder).unwrap();
}

/// A superuser may write there all the same; then the picture is there, and nothing else.
#[cfg(unix)]
#[test]
fn a_read_only_folder_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("read-only");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let expected: &[&str] = if write_png(folder.join("a.png"), &gradient()).is_ok() { &["a.png"] } else { &[] };
    assert_eq!(names(&folder), expected);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(folder).unwrap();
}
