//! The layers: every kind, over its attributes, with inputs and parameters of both signs, after a rectifier, and where
//! nothing can be lost.

use gradex_engine::layers::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, ConvPadding, Dropout, Flatten, Linear, MaxPool2d,
    Relu, Relu6, Softmax,
};
use gradex_engine::{Layer, Op, Padding, Params, Result, Tensor, Weight};

use crate::case::{Case, noise};

/// An odd and an even size, and two images.
const IMAGE: [usize; 4] = [2, 4, 5, 4];
const PIXEL: [usize; 4] = [2, 4, 1, 1];

/// All cases.
///
/// # Errors
/// None in practice: the inputs fit the layers.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let geometries = convolutions().into_iter().chain(dense()).chain(averages()).chain(shufflings());
    for (name, op, inputs) in geometries {
        cases.extend(signs(name, &op, &inputs)?);
    }
    cases.extend(by_hand()?);
    for (name, op, shape) in nonlinear() {
        let inputs = vec![spread(&format!("{} {name}", op.kind()), &shape)];
        cases.push(Case::new(name, op, Params::default(), inputs)?);
    }
    cases.extend(kinks()?);
    Ok(cases)
}

type Geometry = (&'static str, Op, Vec<Vec<usize>>);

fn convolutions() -> Vec<Geometry> {
    let padded = Conv2d::new(4, 6, 3).padding(1);
    let one_sided = ConvPadding::Fixed(Padding { top: 0, bottom: 2, left: 2, right: 0 });
    let convs = [
        ("3x3, padding 1", padded.clone()),
        ("1x1", Conv2d::new(4, 3, 1)),
        ("no padding", Conv2d::new(4, 3, 3)),
        ("window 3x2", Conv2d { kernel: [3, 2], ..Conv2d::new(4, 3, 3) }),
        ("window of the whole image", Conv2d { kernel: [5, 4], ..Conv2d::new(4, 3, 3) }),
        ("stride 2", padded.clone().stride(2)),
        ("stride 2x1", Conv2d { stride: [2, 1], ..padded.clone() }),
        ("stride beyond the window", Conv2d::new(4, 3, 2).stride(3)),
        ("padding 2", Conv2d::new(4, 3, 3).padding(2)),
        ("padding on two sides only", Conv2d { padding: one_sided, ..Conv2d::new(4, 4, 3) }),
        ("same padding, stride 2", Conv2d::new(4, 3, 3).same().stride(2)),
        ("dilation 2x1", Conv2d { dilation: [2, 1], ..padded.clone() }),
        ("2 groups", padded.clone().groups(2)),
        ("depthwise", Conv2d::new(4, 4, 3).padding(1).groups(4)),
        ("depthwise, twice", Conv2d::new(4, 8, 3).padding(1).groups(4).stride(2)),
        ("no bias", padded.clone().no_bias()),
    ];
    let mut all: Vec<Geometry> = convs.map(|(name, conv)| (name, conv.into(), vec![IMAGE.to_vec()])).into();
    all.push(("one pixel", padded.into(), vec![PIXEL.to_vec()]));
    all
}

fn dense() -> Vec<Geometry> {
    let linear = |name, layer: Linear| {
        let features = layer.in_features;
        (name, layer.into(), vec![vec![3, features]])
    };
    vec![
        linear("7 to 5", Linear::new(7, 5)),
        linear("one input", Linear::new(1, 4)),
        linear("one output", Linear::new(6, 1)),
        linear("no bias", Linear { bias: false, ..Linear::new(6, 6) }),
        ("image", BatchNorm2d::new(4).into(), vec![IMAGE.to_vec()]),
        ("one pixel", BatchNorm2d::new(4).into(), vec![PIXEL.to_vec()]),
    ]
}

fn averages() -> Vec<Geometry> {
    let plain =
        AvgPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0], ceil_mode: false, count_include_pad: true };
    let padded = AvgPool2d { kernel: [3, 3], padding: [1, 1], ..plain };
    let uncounted = AvgPool2d { count_include_pad: false, ..padded };
    let sliding = [
        ("2x2", plain.clone(), IMAGE),
        ("3x2 windows that overlap", AvgPool2d { kernel: [3, 2], stride: [1, 1], ..plain.clone() }, IMAGE),
        ("padding counted", padded.clone(), IMAGE),
        ("padding not counted", uncounted.clone(), IMAGE),
        ("ceil mode", AvgPool2d { ceil_mode: true, ..plain.clone() }, IMAGE),
        ("ceil mode, padding counted", AvgPool2d { ceil_mode: true, ..padded.clone() }, IMAGE),
        ("ceil mode, padding not counted", AvgPool2d { ceil_mode: true, ..uncounted }, IMAGE),
        ("one pixel", padded, PIXEL),
    ];
    let adaptive = [
        ("to one pixel", [1, 1], IMAGE),
        ("windows that overlap", [3, 2], IMAGE),
        ("larger than the input", [7, 7], IMAGE),
        ("one pixel", [1, 1], PIXEL),
    ];
    let sliding = sliding.into_iter().map(|(name, op, shape)| (name, Op::from(op), vec![shape.to_vec()]));
    let adaptive =
        adaptive.map(|(name, output, shape)| (name, Op::from(AdaptiveAvgPool2d { output }), vec![shape.to_vec()]));
    sliding.chain(adaptive).collect()
}

fn shufflings() -> Vec<Geometry> {
    let (image, pixel, vector) = (IMAGE.to_vec(), PIXEL.to_vec(), vec![3, 7]);
    let thin = vec![2, 1, 5, 4];
    vec![
        ("two images", Add.into(), vec![image.clone(); 2]),
        ("three images", Add.into(), vec![image.clone(); 3]),
        ("two vectors", Add.into(), vec![vector.clone(); 2]),
        ("one pixel", Add.into(), vec![pixel.clone(); 2]),
        ("channels", Concat { axis: 1 }.into(), vec![image.clone(), thin.clone(), image.clone()]),
        ("rows", Concat { axis: 2 }.into(), vec![thin, vec![2, 1, 2, 4]]),
        ("vectors", Concat { axis: 1 }.into(), vec![vector.clone(), vec![3, 2]]),
        ("image", Flatten.into(), vec![image.clone()]),
        ("one pixel", Flatten.into(), vec![pixel]),
        ("image", Dropout.into(), vec![image]),
        ("vector", Dropout.into(), vec![vector]),
    ]
}

fn nonlinear() -> Vec<(&'static str, Op, Vec<usize>)> {
    let padded = MaxPool2d::new(3, 2).padding(1);
    let image = IMAGE.to_vec();
    vec![
        ("image", Relu.into(), image.clone()),
        ("vector", Relu.into(), vec![3, 7]),
        ("image", Relu6.into(), image.clone()),
        ("2x2", MaxPool2d::new(2, 2).into(), image.clone()),
        ("padding 1", padded.clone().into(), image.clone()),
        ("ceil mode", MaxPool2d { ceil_mode: true, ..padded.clone() }.into(), image.clone()),
        ("3x2 windows that overlap", MaxPool2d { kernel: [3, 2], ..MaxPool2d::new(3, 1) }.into(), image),
        ("one pixel", padded.into(), PIXEL.to_vec()),
        ("vector", Softmax.into(), vec![3, 5]),
    ]
}

/// The values that a layer without kinks is tried on, as the cases' names end.
pub(crate) const VALUES: [&str; 3] = [", signed", ", rectified", ", lossless"];

/// The same layer with values of three kinds.
fn signs(name: &str, op: &Op, shapes: &[Vec<usize>]) -> Result<[Case; 3]> {
    let stream = |what: &str, index: usize| format!("{} {name} {what} {index}", op.kind());
    let inputs = |f: fn(f32) -> f32| -> Vec<Tensor> {
        shapes.iter().enumerate().map(|(index, shape)| noise(&stream("input", index), shape).mapv(f)).collect()
    };
    // A batch norm's last two tensors go into its first.
    let mut tensors = op.parameters().into_iter().take(2).map(|(what, shape)| noise(&stream(what, 0), &shape));
    let params = Params { weight: tensors.next().map(Weight::from), bias: tensors.next() };
    let positive =
        Params { weight: params.weight.as_ref().map(|weight| weight.tensor().mapv(above).into()), bias: None };
    let [signed, rectified, lossless] = VALUES.map(|values| format!("{name}{values}"));
    Ok([
        Case::new(signed, op.clone(), params.clone(), inputs(|x| x))?,
        Case::new(rectified, op.clone(), params, inputs(|x| x.max(0.0)))?,
        Case::new(lossless, op.clone(), positive, inputs(above))?,
    ])
}

/// Well above zero.
fn above(x: f32) -> f32 {
    0.1 + 0.9 * x.abs()
}

/// Multiples of 1/8 and 1/16 more, each once: far from each other and from the kinks of every layer.
fn spread(name: &str, shape: &[usize]) -> Tensor {
    let order = noise(name, shape);
    let mut ranks: Vec<(usize, f32)> = order.iter().copied().enumerate().collect();
    ranks.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut values = vec![0.0; ranks.len()];
    let half = ranks.len() as f32 / 2.0;
    for (rank, (place, _)) in ranks.into_iter().enumerate() {
        values[place] = (rank as f32 - half.floor()) / 8.0 + 1.0 / 16.0;
    }
    Tensor::from_shape_vec(shape, values).unwrap_or_default()
}

/// Outputs of exactly zero out of inputs that are not.
fn by_hand() -> Result<Vec<Case>> {
    let tensor =
        |shape: [usize; 2], values: &[f32]| Tensor::from_shape_vec(&shape[..], values.to_vec()).unwrap_or_default();
    let weight = tensor([3, 2], &[1.0, -1.0, 2.0, 0.5, -4.0, 4.0]);
    let params = Params { weight: Some(weight.into()), bias: None };
    let ones = tensor([1, 2], &[1.0, 1.0]);
    let halves = vec![tensor([1, 3], &[0.5, -0.5, 1.0]), tensor([1, 3], &[-0.5, 0.5, 1.0])];
    Ok(vec![
        Case::new("outputs that cancel", Linear { bias: false, ..Linear::new(2, 3) }, params, vec![ones])?,
        Case::new("outputs that cancel", Add, Params::default(), halves)?,
    ])
}

/// Inputs where layers have no derivative.
fn kinks() -> Result<Vec<Case>> {
    let values = [0.0, -0.0, 6.0, -1.0, 3.0, 7.0, f32::MIN_POSITIVE, 5.0];
    let kinked = Tensor::from_shape_fn(vec![2, 1, 2, 2], |place| values[place[0] * 4 + place[2] * 2 + place[3]]);
    let ties = Tensor::zeros(vec![2, 1, 4, 4]);
    Ok(vec![
        Case::new("at the kinks", Relu, Params::default(), vec![kinked.clone()])?,
        Case::new("at the kinks", Relu6, Params::default(), vec![kinked])?,
        Case::new("ties", MaxPool2d::new(3, 2).padding(1), Params::default(), vec![ties])?,
    ])
}
