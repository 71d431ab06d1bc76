//! EfficientNet-Lite (TensorFlow TPU team, 2020): EfficientNet (M. Tan, Q. Le, ICML 2019) with ReLU6 and without
//! squeeze-and-excitation. Names are those of the PyTorch port `efficientnet_lite_pytorch`; its one rectifier module a
//! block gives the nodes `_swish`, `_swish_1`.

use gradex_engine::layers::{AdaptiveAvgPool2d, Add, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, Relu6};
use gradex_engine::{Graph, GraphBuilder, NodeId, Result};

/// A stage of inverted bottlenecks; the first of them strides and changes the width.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

const LITE0: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 1, channels: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, expand: 6, channels: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, expand: 6, channels: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, expand: 6, channels: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, expand: 6, channels: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, expand: 6, channels: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 6, channels: 320 },
];

pub(crate) fn lite0() -> Result<Graph> {
    let mut graph = GraphBuilder::new(3);
    let mut x = graph.add("_conv_stem", conv(3, 32, 3).stride(2), NodeId::INPUT);
    x = graph.add("_bn0", norm(32), x);
    x = graph.add("_swish", Relu6, x);

    let (mut channels, mut index) = (32, 0);
    for stage in &LITE0 {
        for repeat in 0..stage.repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            x = inverted_bottleneck(&mut graph, &format!("_blocks.{index}"), x, channels, stage, stride);
            (channels, index) = (stage.channels, index + 1);
        }
    }

    x = graph.add("_conv_head", conv(channels, 1280, 1), x);
    x = graph.add("_bn1", norm(1280), x);
    x = graph.add("_swish_1", Relu6, x);
    x = graph.add("_avg_pooling", AdaptiveAvgPool2d::new(1), x);
    x = graph.add("view", Flatten, x);
    x = graph.add("_dropout", Dropout, x);
    graph.add("_fc", Linear::new(1280, 1000), x);
    graph.finish()
}

/// 1x1 expansion, depthwise convolution, 1x1 projection; the sum with its input where the shapes agree.
fn inverted_bottleneck(
    graph: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    in_channels: usize,
    stage: &Stage,
    stride: usize,
) -> NodeId {
    let width = in_channels * stage.expand;
    let mut y = x;
    let mut rectifier = "_swish";
    if stage.expand != 1 {
        y = graph.add(format!("{name}._expand_conv"), conv(in_channels, width, 1), y);
        y = graph.add(format!("{name}._bn0"), norm(width), y);
        y = graph.add(format!("{name}.{rectifier}"), Relu6, y);
        rectifier = "_swish_1";
    }
    let depthwise = conv(width, width, stage.kernel).stride(stride).groups(width);
    y = graph.add(format!("{name}._depthwise_conv"), depthwise, y);
    y = graph.add(format!("{name}._bn1"), norm(width), y);
    y = graph.add(format!("{name}.{rectifier}"), Relu6, y);
    y = graph.add(format!("{name}._project_conv"), conv(width, stage.channels, 1), y);
    y = graph.add(format!("{name}._bn2"), norm(stage.channels), y);
    if stride == 1 && in_channels == stage.channels {
        y = graph.join(format!("{name}.add"), Add, &[y, x]);
    }
    y
}

fn conv(in_channels: usize, out_channels: usize, kernel: usize) -> Conv2d {
    Conv2d::new(in_channels, out_channels, kernel).same().no_bias()
}

fn norm(features: usize) -> BatchNorm2d {
    BatchNorm2d { features, epsilon: 1e-3 }
}
