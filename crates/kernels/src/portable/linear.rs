use super::Scalar;

/// [`linear`](crate::linear), value by value.
pub fn linear<T: Scalar>(
    [batch, inputs, outputs]: [usize; 3],
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    output: &mut [T],
) {
    for n in 0..batch {
        for o in 0..outputs {
            let mut sum = bias.map_or(T::default(), |bias| bias[o]);
            for i in 0..inputs {
                sum += weight[o * inputs + i] * input[n * inputs + i];
            }
            output[n * outputs + o] = sum;
        }
    }
}

/// [`linear_transpose`](crate::linear_transpose), value by value.
pub fn linear_transpose<T: Scalar>(
    [batch, inputs, outputs]: [usize; 3],
    upstream: &[T],
    weight: &[T],
    input: &mut [T],
) {
    for n in 0..batch {
        for i in 0..inputs {
            let mut sum = T::default();
            for o in 0..outputs {
                sum += weight[o * inputs + i] * upstream[n * outputs + o];
            }
            input[n * inputs + i] = sum;
        }
    }
}
