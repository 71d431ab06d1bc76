//! A golden case of one layer, as the engine's types.

use gradex_engine::layers::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, ConvPadding, Dropout, Flatten, Linear, MaxPool2d,
    Relu, Relu6, Softmax,
};
use gradex_engine::{Kept, Layer, Op, Padding, Params, Site, Tensor};
use serde_json::Value;

use crate::case::Case;
use crate::compare::Tolerance;

/// A layer with its parameters, inputs and upstream.
#[derive(Debug)]
pub struct LayerCase {
    /// The layer.
    pub op: Op,
    /// Its parameters.
    pub params: Params,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
    /// What comes back to its output.
    pub upstream: Tensor,
    /// What the names of files end in that are about one input each.
    pub suffixes: Vec<String>,
    /// The files that hold the expected gradients, one an input.
    pub gradients: Vec<String>,
    /// How far output and gradients may lie from the expected ones.
    pub tolerances: [Tolerance; 2],
}

impl LayerCase {
    /// Reads a case.
    ///
    /// # Panics
    /// Where the manifest names a layer or an attribute that there is not.
    #[must_use]
    pub fn read(case: &Case) -> Self {
        let op = op(&case.manifest);
        let parameters = op.parameters().iter().map(|(name, _)| case.tensor(name).into()).collect();
        let numbers: Vec<String> =
            (0..).map(|i| format!("_{i}")).take_while(|i| case.has(&format!("input{i}"))).collect();
        let suffixes = if numbers.is_empty() { vec![String::new()] } else { numbers };
        let tolerances = match case.text("tolerance") {
            "exact" => [Tolerance::Exact; 2],
            "rounding" => terms(&op).map(|terms| Tolerance::Rounding { terms }),
            "stabilised" => [Tolerance::Relative(1e-5); 2],
            other => panic!("{}: a layer has no tolerance class `{other}`", case.name()),
        };
        Self {
            params: op.bind(parameters),
            inputs: suffixes.iter().map(|suffix| case.tensor(&format!("input{suffix}"))).collect(),
            upstream: case.tensor("upstream"),
            gradients: suffixes.iter().map(|suffix| format!("expected_gradient{suffix}")).collect(),
            tolerances,
            suffixes,
            op,
        }
    }

    /// Runs the layer on inputs like its own, and gives what `with` finds at its site and output.
    ///
    /// # Panics
    /// Where the layer refuses the inputs.
    pub fn at_site<R>(&self, inputs: &[Tensor], with: impl FnOnce(&Site<'_>, &Tensor) -> R) -> R {
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let (output, cache) = self.op.forward(&self.params, &inputs).expect("forward");
        let site = Site {
            op: &self.op,
            params: &self.params,
            inputs: inputs.into_iter().map(Kept::whole).collect(),
            output: Kept::whole(&output),
            cache: &cache,
        };
        with(&site, &output)
    }
}

/// The most terms in the sum behind one value, forward and backward.
fn terms(op: &Op) -> [usize; 2] {
    match op {
        Op::Conv2d(conv) => {
            let taps = conv.kernel[0] * conv.kernel[1];
            [conv.in_channels, conv.out_channels].map(|channels| channels / conv.groups * taps + 1)
        }
        Op::Linear(linear) => [linear.in_features + 1, linear.out_features],
        Op::AvgPool2d(pool) => [pool.kernel[0] * pool.kernel[1]; 2],
        Op::AdaptiveAvgPool2d(_) => [64, 64],
        Op::Softmax(_) => [16, 16],
        Op::Add(_) | Op::BatchNorm2d(_) => [4, 4],
        Op::Input(_)
        | Op::Relu(_)
        | Op::Relu6(_)
        | Op::MaxPool2d(_)
        | Op::Concat(_)
        | Op::Flatten(_)
        | Op::Dropout(_) => [1, 1],
    }
}

/// The layer of a manifest's `op` and `attributes`.
pub(crate) fn op(manifest: &Value) -> Op {
    let attributes = Attributes(&manifest["attributes"]);
    match manifest["op"].as_str().expect("an op") {
        "conv2d" => Conv2d {
            in_channels: attributes.number("in_channels"),
            out_channels: attributes.number("out_channels"),
            kernel: attributes.pair("kernel"),
            stride: attributes.pair("stride"),
            padding: attributes.conv_padding(),
            dilation: attributes.pair("dilation"),
            groups: attributes.number("groups"),
            bias: attributes.flag("bias"),
        }
        .into(),
        "linear" => Linear {
            in_features: attributes.number("in_features"),
            out_features: attributes.number("out_features"),
            bias: attributes.flag("bias"),
        }
        .into(),
        "batch_norm2d" => BatchNorm2d {
            features: attributes.number("features"),
            epsilon: attributes.0["eps"].as_f64().expect("a number"),
        }
        .into(),
        "relu" => Relu.into(),
        "relu6" => Relu6.into(),
        "max_pool2d" => MaxPool2d {
            kernel: attributes.pair("kernel"),
            stride: attributes.pair("stride"),
            padding: attributes.pair("padding"),
            ceil_mode: attributes.flag("ceil_mode"),
        }
        .into(),
        "avg_pool2d" => AvgPool2d {
            kernel: attributes.pair("kernel"),
            stride: attributes.pair("stride"),
            padding: attributes.pair("padding"),
            ceil_mode: attributes.flag("ceil_mode"),
            count_include_pad: attributes.flag("count_include_pad"),
        }
        .into(),
        "adaptive_avg_pool2d" => AdaptiveAvgPool2d { output: attributes.pair("output") }.into(),
        "add" => Add.into(),
        "concat" => Concat { axis: attributes.number("axis") }.into(),
        "flatten" => Flatten.into(),
        "dropout" => Dropout.into(),
        "softmax" => Softmax.into(),
        other => panic!("a fixture has an op `{other}` that the engine has not"),
    }
}

struct Attributes<'a>(&'a Value);

impl Attributes<'_> {
    fn number(&self, key: &str) -> usize {
        number(&self.0[key]).unwrap_or_else(|| panic!("no number `{key}`"))
    }

    fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or_else(|| panic!("no flag `{key}`"))
    }

    fn pair(&self, key: &str) -> [usize; 2] {
        let pair = [number(&self.0[key][0]), number(&self.0[key][1])];
        pair.map(|value| value.unwrap_or_else(|| panic!("no pair `{key}`")))
    }

    fn conv_padding(&self) -> ConvPadding {
        let padding = Attributes(&self.0["padding"]);
        if padding.0.get("same").is_some() {
            return ConvPadding::Same;
        }
        ConvPadding::Fixed(Padding {
            top: padding.number("top"),
            bottom: padding.number("bottom"),
            left: padding.number("left"),
            right: padding.number("right"),
        })
    }
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64()?.try_into().ok()
}
