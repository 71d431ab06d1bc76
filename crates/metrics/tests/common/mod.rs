//! Hand-made models whose answers are known.
#![allow(dead_code, reason = "each test uses a part")]

use gradex_engine::Tensor;
use gradex_metrics::{Result, Scorer};
use gradex_saliency::Random;
use ndarray::{Array2, Array3, ArrayView3, Axis, Ix4, Zip};

/// Reproducible values in `[-1, 1)`.
pub fn noise(seed: u64, shape: [usize; 3]) -> Array3<f32> {
    let (random, mut place) = (Random::stream(seed, 0), 0);
    Array3::from_shape_simple_fn(shape, || {
        place += 1;
        (2.0 * random.uniform(place) - 1.0) as f32
    })
}

/// What the score of each image of a batch is, in `f64`.
pub fn each(score: impl Fn(ArrayView3<'_, f32>) -> f64) -> impl Scorer {
    move |images: &Tensor| -> Result<Vec<f64>> {
        let images = images.view().into_dimensionality::<Ix4>().unwrap();
        Ok(images.outer_iter().map(&score).collect())
    }
}

/// `Σ weight x`.
pub fn dot(weight: &Array3<f32>, image: ArrayView3<'_, f32>) -> f64 {
    Zip::from(weight).and(image).fold(0.0, |sum, w, x| sum + f64::from(*w) * f64::from(*x))
}

/// The linear model of these weights.
pub fn linear(weight: Array3<f32>) -> impl Scorer {
    each(move |image| dot(&weight, image))
}

/// What each pixel adds to the linear model's score: the right answer.
pub fn contributions(weight: &Array3<f32>, image: &Array3<f32>) -> Array2<f32> {
    (weight * image).sum_axis(Axis(0))
}
