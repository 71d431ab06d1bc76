//! Principal components of activations, as maps.
//!
//! `X [channels, pixels]` is a point's output less each channel's mean over pixels, `X = Σ_k s_k v_k u_kᵀ` with orthonormal
//! `v_k`, orthonormal `u_k` and `s_1 >= s_2 >= ...`. Component `k` is the map `s_k u_k = v_kᵀ X`: its mean is zero.
//!
//! Its sign, of which the decomposition says nothing, is such that it grows with the mean activation, `Σ_c v_kc > 0`; where
//! that sum is zero, such that its pixel of largest magnitude is positive. So the order of channels does not matter.

use gradex_engine::NodeId;
use ndarray::{Array1, Array2, Array3, ArrayView3, ArrayView4, Zip};

use crate::coarse_map::CoarseMap;
use crate::error::Result;
use crate::reason::Reason;

/// The first `count` components of every image's activations, `[count, h, w]`; zeros where there are fewer.
///
/// # Errors
/// As [`CoarseMap::components`].
pub(super) fn principal_components(
    what: &str,
    activations: ArrayView4<'_, f32>,
    point: NodeId,
    count: usize,
) -> Result<Vec<CoarseMap>> {
    let one_image = |x: ArrayView3<'_, f32>| {
        let why = if x.iter().all(|value| *value == 0.0) { Reason::SilentPoint } else { Reason::Constant };
        let maps = components(x, count).mapv(|value| value as f32);
        Ok(CoarseMap::components(what, point, maps)?.because(why))
    };
    activations.outer_iter().map(one_image).collect()
}

fn components(x: ArrayView3<'_, f32>, count: usize) -> Array3<f64> {
    let (channels, height, width) = x.dim();
    let mut maps = Array3::zeros((count, height, width));
    let mut centred: Array2<f64> = Array2::zeros((channels, height * width));
    for (mut row, plane) in centred.outer_iter_mut().zip(x.outer_iter()) {
        row.iter_mut().zip(plane).for_each(|(value, x)| *value = f64::from(*x));
        let mean = row.mean().unwrap_or(0.0);
        row -= mean;
    }
    let few_channels = channels <= height * width;
    let gram = if few_channels { centred.dot(&centred.t()) } else { centred.t().dot(&centred) };
    // Of constant channels rounding leaves something: 1e-12 of the whole energy is far below what float32 can tell.
    let total: f64 = x.iter().map(|value| f64::from(*value).powi(2)).sum();
    let vectors = eigenvectors(gram).into_iter().take_while(|(value, _)| *value > 1e-12 * total);
    for (mut map, (_, vector)) in maps.outer_iter_mut().zip(vectors) {
        let loadings = if few_channels { vector } else { unit(centred.dot(&vector)) };
        let component = loadings.dot(&centred);
        let component = &component * sign(&loadings, &component);
        map.iter_mut().zip(component).for_each(|(value, component)| *value = component);
    }
    maps
}

fn sign(loadings: &Array1<f64>, component: &Array1<f64>) -> f64 {
    let (sum, magnitude) = (loadings.sum(), loadings.mapv(f64::abs).sum());
    let larger = |largest: f64, value: &f64| if value.abs() > largest.abs() { *value } else { largest };
    let decides = if sum.abs() > 1e-9 * magnitude { sum } else { component.iter().fold(0.0, larger) };
    if decides < 0.0 { -1.0 } else { 1.0 }
}

fn unit(vector: Array1<f64>) -> Array1<f64> {
    let norm = vector.dot(&vector).sqrt();
    vector / norm
}

/// Eigenvalues, largest first, and unit eigenvectors of a symmetric matrix without negative eigenvalues.
///
/// One-sided Jacobi: two rows at a time are turned until they are orthogonal, again and again until all are. Turned rows
/// of `G = V Λ Vᵀ` that are orthogonal are the rows of `Λ Vᵀ`.
fn eigenvectors(matrix: Array2<f64>) -> Vec<(f64, Array1<f64>)> {
    let mut rows: Vec<Array1<f64>> = matrix.outer_iter().map(|row| row.to_owned()).collect();
    let orthogonal = f64::EPSILON * rows.iter().map(|row| row.dot(row)).sum::<f64>();
    for _sweep in 0..100 {
        let mut turned = false;
        for second in 1..rows.len() {
            let (before, from) = rows.split_at_mut(second);
            let b = &mut from[0];
            for a in before {
                let product = a.dot(b);
                if product.abs() > orthogonal {
                    turned = true;
                    let slope = (b.dot(b) - a.dot(a)) / (2.0 * product);
                    let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
                    let cosine = 1.0 / tangent.hypot(1.0);
                    let sine = cosine * tangent;
                    Zip::from(a).and(&mut *b).for_each(|a, b| {
                        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
                    });
                }
            }
        }
        if !turned {
            break;
        }
    }
    let norm = |row: &Array1<f64>| row.dot(row).sqrt();
    let mut found: Vec<(f64, Array1<f64>)> = rows.into_iter().map(|row| (norm(&row), row)).collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(value, row)| (value, if value > 0.0 { row / value } else { row })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible values in `[-1, 1)`.
    fn noise(seed: u64, shape: [usize; 2]) -> Array2<f64> {
        let mut state = seed;
        Array2::from_shape_simple_fn(shape, || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / 2f64.powi(30) - 1.0
        })
    }

    /// The slow way: powers of the matrix on a vector, what was found already taken away.
    fn by_powers(gram: &Array2<f64>, count: usize) -> Vec<(f64, Array1<f64>)> {
        let mut found: Vec<(f64, Array1<f64>)> = Vec::new();
        for _ in 0..count {
            let mut vector = Array1::from_shape_fn(gram.nrows(), |index| 1.0 / (1.0 + index as f64));
            for _ in 0..20_000 {
                for (_, known) in &found {
                    vector = &vector - &(known * known.dot(&vector));
                }
                vector = unit(gram.dot(&vector));
            }
            found.push((vector.dot(&gram.dot(&vector)), vector));
        }
        found
    }

    #[test]
    fn eigenvectors_are_those_that_powers_converge_to() {
        for (seed, shape) in [(1, [1, 4]), (2, [5, 9]), (3, [24, 30]), (4, [40, 7])] {
            let rows = noise(seed, shape);
            let gram = rows.dot(&rows.t());
            let count = 3.min(shape[0]);
            let (actual, expected) = (eigenvectors(gram.clone()), by_powers(&gram, count));
            assert_eq!(actual.len(), shape[0]);
            assert!(actual.iter().all(|(value, vector)| *value >= 0.0 && vector.iter().all(|x| x.is_finite())));
            for ((value, vector), (by_powers, direction)) in actual.iter().zip(&expected) {
                assert!((value - by_powers).abs() < 1e-10 * expected[0].0, "{shape:?}: {value} {by_powers}");
                assert!((vector.dot(direction).abs() - 1.0).abs() < 1e-10, "{shape:?}");
            }
        }
    }

    #[test]
    fn values_that_coincide_and_matrices_without_rank_are_solved_too() {
        let found = eigenvectors(Array2::from_diag(&Array1::from(vec![2.0, 5.0, 5.0, 0.0])));
        assert_eq!(found.iter().map(|(value, _)| *value).collect::<Vec<_>>(), [5.0, 5.0, 2.0, 0.0]);
        assert!(eigenvectors(Array2::zeros((3, 3))).iter().all(|(value, _)| *value == 0.0));
        let column = noise(5, [6, 1]);
        let found = eigenvectors(column.dot(&column.t()));
        let energy: f64 = column.iter().map(|x| x * x).sum();
        assert!((found[0].0 - energy).abs() < 1e-12 && found[1..].iter().all(|(value, _)| *value < 1e-12), "{found:?}");
    }
}
