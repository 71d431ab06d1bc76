//! Passes over many numbers, in partial results side by side: so they are compiled to vectors.

use std::ops::Add;

use ndarray::{ArrayView, Dimension};

/// Partial results.
const PARTS: usize = 16;

/// Joins all values, in any order.
pub(crate) fn fold<T: Copy, A: Copy, D: Dimension>(
    values: ArrayView<'_, T, D>,
    start: A,
    with: impl Fn(A, T) -> A,
    join: impl Fn(A, A) -> A,
) -> A {
    let Some(slice) = values.as_slice_memory_order() else {
        return values.iter().fold(start, |joined, value| with(joined, *value));
    };
    let mut parts = [start; PARTS];
    for chunk in slice.chunks(PARTS) {
        parts.iter_mut().zip(chunk).for_each(|(part, value)| *part = with(*part, *value));
    }
    parts.into_iter().fold(start, join)
}

/// The larger, in one instruction where `f32::max` takes several: `a` where `b` is NaN.
pub(crate) fn larger<T: PartialOrd>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// The smaller, in the same way.
fn smaller<T: PartialOrd>(a: T, b: T) -> T {
    if b < a { b } else { a }
}

/// The smallest and the largest value; +∞ and -∞ of no values. NaN counts as none.
pub(crate) fn extremes<D: Dimension>(values: ArrayView<'_, f32, D>) -> [f32; 2] {
    [fold(values.view(), f32::INFINITY, smaller, smaller), fold(values, f32::NEG_INFINITY, larger, larger)]
}

/// The largest magnitude; 0 of no values.
pub(crate) fn largest_magnitude<D: Dimension>(values: ArrayView<'_, f32, D>) -> f32 {
    fold(values, 0.0, |largest, value| larger(largest, value.abs()), larger)
}

/// The sum.
pub(crate) fn sum<D: Dimension>(values: ArrayView<'_, f32, D>) -> f64 {
    fold(values, 0.0, |sum, value| sum + f64::from(value), f64::add)
}

/// The sum of all magnitudes.
pub(crate) fn sum_of_magnitudes<D: Dimension>(values: ArrayView<'_, f32, D>) -> f64 {
    fold(values, 0.0, |sum, value| sum + f64::from(value.abs()), f64::add)
}

/// `Σ a b` of two arrays of one shape.
pub(crate) fn sum_of_products<D: Dimension>(a: ArrayView<'_, f32, D>, b: ArrayView<'_, f64, D>) -> f64 {
    let (Some(left), Some(right)) = (a.as_slice(), b.as_slice()) else {
        return a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum();
    };
    let mut parts = [0.0; PARTS];
    for (left, right) in left.chunks(PARTS).zip(right.chunks(PARTS)) {
        parts.iter_mut().zip(left.iter().zip(right)).for_each(|(part, (a, b))| *part += f64::from(*a) * b);
    }
    parts.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use super::*;

    #[test]
    fn whole_arrays_and_parts_of_them_by_hand() {
        for (rows, columns) in [(0, 3), (1, 1), (3, 5), (4, 4), (7, 9)] {
            let values = Array2::from_shape_fn((rows, columns), |(row, column)| (row * columns + column) as f32);
            let count = rows * columns;
            assert_eq!(sum(values.view()), (count * count.saturating_sub(1) / 2) as f64);
            if count > 0 {
                assert_eq!(extremes(values.view()), [0.0, (count - 1) as f32]);
            }
            assert_eq!(largest_magnitude(values.mapv(|value| -value).view()), count.saturating_sub(1) as f32);
            assert_eq!(sum_of_magnitudes(values.mapv(|value| -value).view()), sum(values.view()));
            let doubled = values.mapv(|value| 2.0 * f64::from(value));
            let squares: f64 = doubled.iter().map(|value| value * value / 2.0).sum();
            assert_eq!(sum_of_products(values.view(), doubled.view()), squares);
            assert_eq!(sum_of_products(values.t(), doubled.t()), squares);
            let column = values.index_axis(Axis(1), 0);
            assert_eq!(sum(column), column.iter().map(|value| f64::from(*value)).sum::<f64>());
        }
    }
}
