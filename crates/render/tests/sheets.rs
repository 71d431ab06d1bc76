//! Components as colours, stretched heat, and the grid of a contact sheet.
#![allow(clippy::unwrap_used)]

use gradex_render::{
    ColourMap, Error, Photograph, Region, RgbImage, SHEET_WIDTH, Sheet, Style, overlay, overlay_components,
};
use image::Rgb;
use ndarray::{Array2, Array3, Axis, array};

const OPAQUE: Style = Style { map: ColourMap::Viridis, opacity: 1.0, stretch: 1.0 };

fn flat(size: [usize; 2], level: u8) -> Photograph {
    Photograph::from_pixels(Array3::from_elem((size[0], size[1], 3), level)).unwrap()
}

#[test]
fn components_are_red_green_and_blue() {
    let photograph = flat([2, 2], 100);
    let region = Region::whole([2, 2]);
    let pixel = |components: Array3<f32>, opacity: f32| {
        let style = Style { opacity, ..OPAQUE };
        overlay_components(&photograph, components.view(), &region, &style).unwrap().get_pixel(1, 1).0
    };
    let components = array![[[1.0]], [[0.2]], [[0.0]]];
    assert_eq!(pixel(components.clone(), 1.0), [255, 51, 0]);
    assert_eq!(pixel(components.clone(), 0.5), [178, 76, 50], "half of it is grey");
    assert_eq!(pixel(array![[[1.0]], [[0.2]]], 1.0), [255, 51, 0], "a missing one is black");
    let four = ndarray::concatenate![Axis(0), components, array![[[1.0]]]];
    assert_eq!(pixel(four, 1.0), [255, 51, 0], "a fourth is not shown");

    let refused = |components: Array3<f32>| overlay_components(&photograph, components.view(), &region, &OPAQUE);
    assert!(matches!(refused(Array3::zeros((0, 2, 2))), Err(Error::Shape { .. })));
    assert!(matches!(refused(array![[[0.0]], [[1.5]]]), Err(Error::Heat { .. })));
}

#[test]
fn a_stretch_shows_what_a_few_hot_pixels_hide() {
    let photograph = flat([10, 10], 0);
    let region = Region::whole([10, 10]);
    let mut heat = Array2::from_shape_fn((10, 10), |(y, x)| (y * 10 + x) as f32 / 1000.0);
    heat[[9, 9]] = 1.0;
    let draw = |stretch: f32| overlay(&photograph, heat.view(), &region, &Style { stretch, ..OPAQUE });
    let bright =
        |picture: &RgbImage| picture.pixels().filter(|pixel| pixel.0 == ColourMap::Viridis.colour(1.0)).count();
    assert_eq!(bright(&draw(1.0).unwrap()), 1);
    // The place of 0.9 among 100 values is 89: it and the ten above are full.
    assert_eq!(bright(&draw(0.9).unwrap()), 11);
    for wrong in [0.0, -1.0, 1.1, f32::NAN] {
        assert!(matches!(draw(wrong), Err(Error::Part { what: "stretch", .. })), "{wrong}");
    }
    let blank = Array2::zeros((10, 10));
    let picture = overlay(&photograph, blank.view(), &region, &Style { stretch: 0.5, ..OPAQUE }).unwrap();
    assert!(picture.pixels().all(|pixel| pixel.0 == [0; 3]), "nothing is stretched to something");
}

/// The places of solid tiles of one colour: left, top, width, height.
fn tiles(sheet: &RgbImage, colour: [u8; 3]) -> Vec<[u32; 4]> {
    let is = |x: u32, y: u32| sheet.get_pixel_checked(x, y).is_some_and(|pixel| pixel.0 == colour);
    let corners = sheet.enumerate_pixels().filter(|(x, y, _)| {
        is(*x, *y) && (*x == 0 || !is(x - 1, *y)) && (*y == 0 || !is(*x, y - 1)) && is(x + 1, y + 1)
    });
    let sides = |(x, y, _): (u32, u32, _)| {
        let width = (x..).take_while(|right| is(*right, y)).count() as u32;
        let height = (y..).take_while(|below| is(x, *below)).count() as u32;
        [x, y, width, height]
    };
    corners.map(sides).collect()
}

#[test]
fn tiles_are_equal_and_stand_in_a_grid() {
    const COLOUR: [u8; 3] = [0, 90, 200];
    for (size, side_by_side, columns) in
        [([300, 451], 2, 3), ([300, 451], 1, 6), ([640, 427], 2, 3), ([9, 9], 3, 2), ([20_000, 300], 2, 3)]
    {
        let photograph = flat(size, 40);
        let mut sheet = Sheet::new(&photograph, &Region::whole(size), side_by_side)
            .unwrap()
            .titled("Egyptian cat 79.1 %", "chelsea.png, efficientnet-lite0")
            .noted(vec![("79.1 %".to_owned(), "Egyptian cat".to_owned()); 30]);
        let [height, width] = sheet.photograph().size().map(|side| side as u32);
        assert_eq!(*sheet.region(), Region::whole(sheet.photograph().size()));
        for method in 0..7 {
            let picture = RgbImage::from_pixel(width, height, Rgb(COLOUR));
            sheet.add(format!("method-{method}"), "blank", vec![picture; side_by_side as usize]);
        }
        let picture = sheet.draw();
        assert_eq!(picture.width(), SHEET_WIDTH);
        let found = tiles(&picture, COLOUR);
        assert_eq!(found.len(), 7 * side_by_side as usize, "{size:?}");
        assert!(found.iter().all(|tile| tile[2..] == [width, height]), "equal: {found:?}");
        let mut lefts: Vec<u32> = found.iter().map(|tile| tile[0]).collect();
        lefts.sort_unstable();
        lefts.dedup();
        assert_eq!(lefts.len(), columns * side_by_side as usize);
        let right = lefts[lefts.len() - 1] + width;
        assert!(lefts[0] >= 20 && right + 20 <= SHEET_WIDTH, "margins: {lefts:?}");
        let bottom = found.iter().map(|tile| tile[1] + tile[3]).max().unwrap();
        assert!(bottom + 40 <= picture.height(), "room for the captions");
    }
}

#[test]
fn a_crop_stays_where_it_is_on_the_tile() {
    let region = Region { top: 0.0, left: 75.5, height: 300.0, width: 300.0 };
    let sheet = Sheet::new(&flat([300, 451], 40), &region, 2).unwrap();
    let [height, width] = sheet.photograph().size().map(|side| side as f64);
    let tile = sheet.region();
    assert!((tile.left / width - 75.5 / 451.0).abs() < 1e-12 && (tile.width / width - 300.0 / 451.0).abs() < 1e-12);
    assert!((tile.height - height).abs() < 1e-9 && tile.top == 0.0);
}
