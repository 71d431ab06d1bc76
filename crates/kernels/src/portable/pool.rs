use super::Scalar;
use crate::shape::{PoolShape, Span};

/// [`max_pool`](crate::max_pool) of one plane.
#[allow(clippy::eq_op)] // x != x asks for NaN, which the bound `Scalar` cannot
pub fn max_pool_plane<T: Scalar>(shape: &PoolShape, input: &[T], output: &mut [T], positions: &mut [u32]) {
    for ((rows, columns), (output, position)) in windows(shape).zip(output.iter_mut().zip(positions)) {
        let mut best = rows.start * shape.input[1] + columns.start;
        for row in rows.start..rows.end {
            for column in columns.start..columns.end {
                let candidate = row * shape.input[1] + column;
                if input[candidate] > input[best]
                    || (input[candidate] != input[candidate] && input[best] == input[best])
                {
                    best = candidate;
                }
            }
        }
        *output = input[best];
        *position = best as u32;
    }
}

/// [`average_pool`](crate::average_pool) of one plane.
pub fn average_pool_plane<T: Scalar>(shape: &PoolShape, input: &[T], output: &mut [T]) {
    for ((rows, columns), output) in windows(shape).zip(output) {
        let mut sum = T::default();
        for row in rows.start..rows.end {
            for column in columns.start..columns.end {
                sum += input[row * shape.input[1] + column];
            }
        }
        *output = sum / divisor::<T>(rows, columns);
    }
}

/// [`average_pool_transpose`](crate::average_pool_transpose) of one plane.
pub fn average_pool_transpose_plane<T: Scalar>(shape: &PoolShape, upstream: &[T], input: &mut [T]) {
    input.fill(T::default());
    for ((rows, columns), upstream) in windows(shape).zip(upstream) {
        let share = *upstream / divisor::<T>(rows, columns);
        for row in rows.start..rows.end {
            let row = &mut input[row * shape.input[1]..][columns.start..columns.end];
            row.iter_mut().for_each(|value| *value += share);
        }
    }
}

/// The row and column span of every output pixel, row-major.
fn windows(shape: &PoolShape) -> impl Iterator<Item = (Span, Span)> {
    shape.rows.iter().flat_map(|rows| shape.columns.iter().map(move |columns| (*rows, *columns)))
}

fn divisor<T: Scalar>(rows: Span, columns: Span) -> T {
    T::from((rows.divisor * columns.divisor) as f32)
}
