use super::Scalar;
use crate::shape::ConvShape;

/// [`conv2d`](crate::conv2d), value by value.
pub fn conv2d<T: Scalar>(shape: &ConvShape, input: &[T], weight: &[T], bias: Option<&[T]>, output: &mut [T]) {
    if let Some(bias) = bias {
        let planes = output.chunks_mut(shape.output_pixels()).zip(bias.iter().cycle());
        planes.for_each(|(plane, bias)| plane.fill(*bias));
    } else {
        output.fill(T::default());
    }
    for_each_term(shape, |o, w, i| output[o] += weight[w] * input[i]);
}

/// [`conv2d_transpose`](crate::conv2d_transpose), value by value.
pub fn conv2d_transpose<T: Scalar>(shape: &ConvShape, upstream: &[T], weight: &[T], input: &mut [T]) {
    input.fill(T::default());
    for_each_term(shape, |o, w, i| input[i] += weight[w] * upstream[o]);
}

/// Calls `term(output, weight, input)` with the indices of every product of the convolution.
fn for_each_term(shape: &ConvShape, mut term: impl FnMut(usize, usize, usize)) {
    let ConvShape { batch, in_channels, out_channels, input: [height, width], output: [rows, columns], window, .. } =
        *shape;
    let [taps_down, taps_across] = window.kernel;
    let [group_in, group_out] = [shape.group_in(), shape.group_out()];
    for n in 0..batch {
        for o in 0..out_channels {
            let first = n * in_channels + o / group_out * group_in;
            for y in 0..rows {
                for x in 0..columns {
                    let written = ((n * out_channels + o) * rows + y) * columns + x;
                    let column = x * window.stride[1];
                    for c in 0..group_in {
                        for v in 0..taps_down {
                            let row = y * window.stride[0] + v * window.dilation[0];
                            if row < window.padding.top || row - window.padding.top >= height {
                                continue;
                            }
                            let weights = ((o * group_in + c) * taps_down + v) * taps_across;
                            let line = ((first + c) * height + row - window.padding.top) * width;
                            for u in 0..taps_across {
                                let column = column + u * window.dilation[1];
                                if column >= window.padding.left && column - window.padding.left < width {
                                    term(written, weights + u, line + column - window.padding.left);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
