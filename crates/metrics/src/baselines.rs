//! Maps that know nothing of the network: what a method must be better than.

use gradex_saliency::Random;
use ndarray::{Array2, ArrayView3, Axis};

/// Uniform noise.
#[must_use]
pub fn random([height, width]: [usize; 2], seed: u64) -> Array2<f32> {
    let random = Random::stream(seed, 0);
    Array2::from_shape_fn((height, width), |(y, x)| random.uniform((y * width + x) as u64) as f32)
}

/// A Gaussian at the centre, of a quarter of each side as its deviation: photographers centre what they show.
#[must_use]
pub fn centre([height, width]: [usize; 2]) -> Array2<f32> {
    let distance = |place: usize, side: usize| (place as f64 - (side as f64 - 1.0) / 2.0) / (side as f64 / 4.0);
    Array2::from_shape_fn((height, width), |(y, x)| {
        let squared = distance(y, height).powi(2) + distance(x, width).powi(2);
        (-0.5 * squared).exp() as f32
    })
}

/// The magnitude of Sobel's gradient of the mean over channels; at the border the nearest pixel is repeated.
#[must_use]
pub fn edges(image: ArrayView3<'_, f32>) -> Array2<f32> {
    let (channels, height, width) = image.dim();
    let grey = image.map_axis(Axis(0), |pixel| pixel.iter().map(|x| f64::from(*x)).sum::<f64>() / channels as f64);
    let at =
        |y: isize, x: isize| grey[[y.clamp(0, height as isize - 1) as usize, x.clamp(0, width as isize - 1) as usize]];
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (y, x) = (y as isize, x as isize);
        let right = |y| at(y, x + 1) - at(y, x - 1);
        let down = |x| at(y + 1, x) - at(y - 1, x);
        let gradient = [right(y - 1) + 2.0 * right(y) + right(y + 1), down(x - 1) + 2.0 * down(x) + down(x + 1)];
        gradient[0].hypot(gradient[1]) as f32
    })
}
