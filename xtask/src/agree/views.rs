//! Many views of one photograph, always the same ones: windows of four sizes over all of it, each also mirrored and
//! each fitted to the network in both ways.

use std::fmt;

use anyhow::Result;
use gradex::{Fit, Photograph};
use ndarray::{Array3, ArrayView3};

/// The share of each side that a window shows, and how many windows lie along a side.
const WINDOWS: [(f64, usize); 4] = [(1.0, 1), (0.8, 3), (0.6, 4), (0.4, 5)];

/// A part of a photograph and a way to fit it.
pub struct View {
    /// The part, mirrored or not.
    pub photograph: Photograph,
    /// How it becomes the network's input.
    pub fit: Fit,
    window: Window,
    is_mirrored: bool,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window { top, left, height, width } = self.window;
        let mirrored = if self.is_mirrored { " mirrored" } else { "" };
        write!(f, "{width}x{height}+{left}+{top}{mirrored} {}", self.fit)
    }
}

/// The views of a photograph.
pub fn of(photograph: &Photograph) -> Result<Vec<View>> {
    let [height, width] = photograph.size();
    let pixels = ArrayView3::from_shape((height, width, 3), photograph.pixels().as_raw())?;
    let mut views = Vec::new();
    for window in windows([height, width]) {
        for is_mirrored in [false, true] {
            let photograph = Photograph::from_pixels(cut_out(pixels, window, is_mirrored))?;
            for fit in Fit::ALL {
                views.push(View { photograph: photograph.clone(), fit, window, is_mirrored });
            }
        }
    }
    Ok(views)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

fn windows([height, width]: [usize; 2]) -> Vec<Window> {
    let mut windows = Vec::new();
    for (share, count) in WINDOWS {
        let side = |all: usize| ((all as f64 * share).round() as usize).max(1);
        let size = [side(height), side(width)];
        // From the first pixel to the last, at equal distances.
        let offset = |room: usize, index: usize| room * index / count.saturating_sub(1).max(1);
        for (row, column) in (0..count).flat_map(|row| (0..count).map(move |column| (row, column))) {
            let [top, left] = [offset(height - size[0], row), offset(width - size[1], column)];
            windows.push(Window { top, left, height: size[0], width: size[1] });
        }
    }
    windows
}

fn cut_out(pixels: ArrayView3<'_, u8>, window: Window, is_mirrored: bool) -> Array3<u8> {
    let Window { top, left, height, width } = window;
    let pixel = |(y, x, channel): (usize, usize, usize)| {
        let x = if is_mirrored { width - 1 - x } else { x };
        pixels[[top + y, left + x, channel]]
    };
    Array3::from_shape_fn((height, width, 3), pixel)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn windows_reach_all_four_edges_and_stay_inside() {
        for size in [[300, 451], [5, 1000], [1, 1]] {
            let windows = windows(size);
            assert_eq!(windows.len(), 1 + 9 + 16 + 25);
            assert_eq!(windows[0], Window { top: 0, left: 0, height: size[0], width: size[1] });
            assert!(windows.iter().all(|w| w.top + w.height <= size[0] && w.left + w.width <= size[1]));
            let last = windows[windows.len() - 1];
            assert_eq!([last.top + last.height, last.left + last.width], size);
        }
    }

    #[test]
    fn no_two_views_of_a_photograph_are_the_same() {
        let pixels = Array3::from_shape_fn((40, 60, 3), |(y, x, c)| (y * 5 + x * 3 + c) as u8);
        let views = of(&Photograph::from_pixels(pixels).unwrap()).unwrap();
        assert_eq!(views.len(), 204);
        let names: HashSet<String> = views.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), views.len());
    }

    #[test]
    fn a_part_by_hand() {
        let pixels = Array3::from_shape_fn((2, 3, 3), |(y, x, c)| (100 * y + 10 * x + c) as u8);
        let window = Window { top: 1, left: 1, height: 1, width: 2 };
        let values = |is_mirrored| cut_out(pixels.view(), window, is_mirrored).into_iter().collect::<Vec<u8>>();
        assert_eq!(values(false), [110, 111, 112, 120, 121, 122]);
        assert_eq!(values(true), [120, 121, 122, 110, 111, 112]);
    }
}
