//! Where heat lies, in words: what a picture of it tells somebody who does not see it.

use ndarray::{ArrayView3, Axis};

const PLACES: [[&str; 3]; 3] = [
    ["the upper left", "the top", "the upper right"],
    ["the left", "the middle", "the right"],
    ["the lower left", "the bottom", "the lower right"],
];

/// The ninth of the picture with most of the heat `[k, h, w]`, how little of the picture holds half of it, and its hottest
/// place.
pub fn place(heat: ArrayView3<'_, f32>) -> String {
    let heat = heat.sum_axis(Axis(0));
    let (height, width) = heat.dim();
    let mut ninths = [[0.0; 3]; 3];
    for ((row, column), value) in heat.indexed_iter() {
        ninths[row * 3 / height][column * 3 / width] += f64::from(*value);
    }
    let hottest_pixel = heat.indexed_iter().fold(
        ((0, 0), 0.0),
        |best: (_, f32), (place, value)| {
            if *value > best.1 { (place, *value) } else { best }
        },
    );
    let ((row, column), _) = hottest_pixel;
    let total: f64 = ninths.iter().flatten().sum();
    if total <= 0.0 {
        return "there is no heat".to_owned();
    }
    let cells = ninths.iter().zip(PLACES).flat_map(|(sums, names)| sums.iter().zip(names));
    let hottest = cells.max_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(PLACES[1][1], |(_, name)| name);
    let mut values: Vec<f32> = heat.iter().copied().collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let pixels = values.iter().take_while(|value| {
        let before = sum;
        sum += f64::from(**value);
        before < total / 2.0
    });
    let part = 100.0 * pixels.count() as f64 / values.len() as f64;
    let along = |place: usize, length: usize| 100.0 * (place as f64 + 0.5) / length as f64;
    format!(
        "most of the heat is at {hottest}; half of it lies on {part:.0} % of the picture; it is hottest {:.0} % from the left \
         and {:.0} % from the top",
        along(column, width),
        along(row, height)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn by_hand() {
        let mut heat = Array3::zeros((1, 10, 10));
        assert_eq!(place(heat.view()), "there is no heat");
        heat[[0, 9, 0]] = 1.0;
        assert_eq!(
            place(heat.view()),
            "most of the heat is at the lower left; half of it lies on 1 % of the picture; it is hottest 5 % from the left and 95 % \
             from the top"
        );
        let even = Array3::from_elem((2, 10, 10), 0.5);
        assert!(place(even.view()).contains("half of it lies on 50 % of the picture"));
    }
}
