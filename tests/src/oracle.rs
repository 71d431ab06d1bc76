//! Every layer's forward pass from its definition, in float64: slow, obvious, and independent of the kernels.

use gradex_engine::layers::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Concat, Conv2d, ConvPadding, Linear, MaxPool2d,
};
use gradex_engine::{Op, Params, Tensor};
use ndarray::{Array2, Array4, ArrayD, Axis, Ix1, Ix2, Ix4, concatenate};

/// An array of the oracle.
pub type Exact = ArrayD<f64>;

/// `op`'s output for `inputs`.
///
/// # Panics
/// Where the inputs or parameters do not fit the layer.
#[must_use]
pub fn forward(op: &Op, params: &Params, inputs: &[Exact]) -> Exact {
    let input = &inputs[0];
    match op {
        Op::Input(_) | Op::Dropout(_) => input.clone(),
        Op::Conv2d(layer) => conv2d(layer, params, &image(input)).into_dyn(),
        Op::Linear(layer) => linear(layer, params, input),
        Op::BatchNorm2d(layer) => batch_norm2d(layer, params, &image(input)).into_dyn(),
        Op::Relu(_) => input.mapv(|x| x.max(0.0)),
        Op::Relu6(_) => input.mapv(|x| x.clamp(0.0, 6.0)),
        Op::MaxPool2d(layer) => max_pool2d(layer, &image(input)).into_dyn(),
        Op::AvgPool2d(layer) => avg_pool2d(layer, &image(input)).into_dyn(),
        Op::AdaptiveAvgPool2d(layer) => adaptive_avg_pool2d(layer, &image(input)).into_dyn(),
        Op::Add(_) => inputs[1..].iter().fold(input.clone(), |sum, other| sum + other),
        Op::Concat(Concat { axis }) => {
            let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
            concatenate(Axis(*axis), &views).unwrap()
        }
        Op::Flatten(_) => {
            let batch = input.shape()[0];
            input.to_shape((batch, input.len() / batch)).unwrap().into_owned().into_dyn()
        }
        Op::Softmax(_) => {
            let mut output = input.clone();
            for mut lane in output.lanes_mut(Axis(input.ndim() - 1)) {
                let max = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                lane.mapv_inplace(|x| (x - max).exp());
                let sum = lane.sum();
                lane /= sum;
            }
            output
        }
    }
}

/// The same values in float64.
#[must_use]
pub fn exact(tensor: &Tensor) -> Exact {
    tensor.mapv(f64::from)
}

fn image(array: &Exact) -> Array4<f64> {
    array.clone().into_dimensionality::<Ix4>().unwrap()
}

fn vector(params: Option<&Tensor>, length: usize) -> Vec<f64> {
    params.map_or(vec![0.0; length], |tensor| exact(tensor).into_dimensionality::<Ix1>().unwrap().to_vec())
}

fn conv2d(layer: &Conv2d, params: &Params, x: &Array4<f64>) -> Array4<f64> {
    let (batch, _, height, width) = x.dim();
    let weight = image(&exact(&params.weight.as_ref().unwrap().tensor()));
    let bias = vector(params.bias.as_ref(), layer.out_channels);
    let size = [height, width];
    let reach = |axis: usize| (layer.kernel[axis] - 1) * layer.dilation[axis] + 1;
    let (before, count) = match layer.padding {
        ConvPadding::Fixed(padding) => {
            let before = [padding.top, padding.left];
            let total = [padding.top + padding.bottom, padding.left + padding.right];
            (before, [0, 1].map(|axis| (size[axis] + total[axis] - reach(axis)) / layer.stride[axis] + 1))
        }
        ConvPadding::Same => {
            let count = [0, 1].map(|axis| size[axis].div_ceil(layer.stride[axis]));
            let needed = |axis: usize| (count[axis] - 1) * layer.stride[axis] + reach(axis);
            ([0, 1].map(|axis| needed(axis).saturating_sub(size[axis]) / 2), count)
        }
    };
    let (group_in, group_out) = (layer.in_channels / layer.groups, layer.out_channels / layer.groups);
    Array4::from_shape_fn((batch, layer.out_channels, count[0], count[1]), |(n, o, y, x_out)| {
        let mut sum = bias[o];
        for ((c, v, u), w) in weight.index_axis(Axis(0), o).indexed_iter() {
            let row = (y * layer.stride[0] + v * layer.dilation[0]).checked_sub(before[0]);
            let column = (x_out * layer.stride[1] + u * layer.dilation[1]).checked_sub(before[1]);
            if let (Some(row), Some(column)) = (row, column) {
                sum += w * x.get((n, o / group_out * group_in + c, row, column)).unwrap_or(&0.0);
            }
        }
        sum
    })
}

fn linear(layer: &Linear, params: &Params, x: &Exact) -> Exact {
    let x = x.clone().into_dimensionality::<Ix2>().unwrap();
    let weight = exact(&params.weight.as_ref().unwrap().tensor()).into_dimensionality::<Ix2>().unwrap();
    let bias = vector(params.bias.as_ref(), layer.out_features);
    let output = Array2::from_shape_fn((x.nrows(), layer.out_features), |(n, o)| {
        bias[o] + (0..layer.in_features).map(|i| weight[[o, i]] * x[[n, i]]).sum::<f64>()
    });
    output.into_dyn()
}

fn batch_norm2d(layer: &BatchNorm2d, params: &Params, x: &Array4<f64>) -> Array4<f64> {
    let scale = vector(params.weight.as_ref().map(|weight| weight.tensor()).as_deref(), layer.features);
    let shift = vector(params.bias.as_ref(), layer.features);
    Array4::from_shape_fn(x.dim(), |(n, c, h, w)| x[[n, c, h, w]] * scale[c] + shift[c])
}

/// The windows of a pooling along one axis as positions from `-padding`, before any cut to the input.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize, ceil: bool) -> Vec<std::ops::Range<isize>> {
    let room = size + 2 * padding - kernel;
    let mut count = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
    // With ceil_mode the last window must start inside the input or its left padding.
    if ceil && (count - 1) * stride >= size + padding {
        count -= 1;
    }
    let start = |index: usize| (index * stride) as isize - padding as isize;
    (0..count).map(|index| start(index)..start(index) + kernel as isize).collect()
}

fn inside(window: &std::ops::Range<isize>, size: usize) -> Vec<usize> {
    window.clone().filter_map(|position| usize::try_from(position).ok()).filter(|position| *position < size).collect()
}

fn max_pool2d(layer: &MaxPool2d, x: &Array4<f64>) -> Array4<f64> {
    let (batch, channels, height, width) = x.dim();
    let MaxPool2d { kernel, stride, padding, ceil_mode } = *layer;
    let rows = windows(height, kernel[0], stride[0], padding[0], ceil_mode);
    let columns = windows(width, kernel[1], stride[1], padding[1], ceil_mode);
    Array4::from_shape_fn((batch, channels, rows.len(), columns.len()), |(n, c, y, x_out)| {
        let mut max = f64::NEG_INFINITY;
        for row in inside(&rows[y], height) {
            for column in inside(&columns[x_out], width) {
                max = max.max(x[[n, c, row, column]]);
            }
        }
        max
    })
}

fn avg_pool2d(layer: &AvgPool2d, x: &Array4<f64>) -> Array4<f64> {
    let (batch, channels, height, width) = x.dim();
    let AvgPool2d { kernel, stride, padding, ceil_mode, count_include_pad } = *layer;
    let rows = windows(height, kernel[0], stride[0], padding[0], ceil_mode);
    let columns = windows(width, kernel[1], stride[1], padding[1], ceil_mode);
    // Padding counts, but not what lies beyond it.
    let counted = |window: &std::ops::Range<isize>, size: usize, padding: usize| {
        let end = window.end.min((size + padding) as isize);
        if count_include_pad { (end - window.start) as usize } else { inside(window, size).len() }
    };
    Array4::from_shape_fn((batch, channels, rows.len(), columns.len()), |(n, c, y, x_out)| {
        let mut sum = 0.0;
        for row in inside(&rows[y], height) {
            for column in inside(&columns[x_out], width) {
                sum += x[[n, c, row, column]];
            }
        }
        sum / (counted(&rows[y], height, padding[0]) * counted(&columns[x_out], width, padding[1])) as f64
    })
}

fn adaptive_avg_pool2d(layer: &AdaptiveAvgPool2d, x: &Array4<f64>) -> Array4<f64> {
    let (batch, channels, height, width) = x.dim();
    let [rows, columns] = layer.output;
    let window = |index: usize, count: usize, size: usize| {
        let start = (index as f64 * size as f64 / count as f64).floor() as usize;
        start..((index + 1) as f64 * size as f64 / count as f64).ceil() as usize
    };
    Array4::from_shape_fn((batch, channels, rows, columns), |(n, c, y, x_out)| {
        let (rows, columns) = (window(y, rows, height), window(x_out, columns, width));
        let count = (rows.len() * columns.len()) as f64;
        let pixels = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
        pixels.map(|(row, column)| x[[n, c, row, column]]).sum::<f64>() / count
    })
}
