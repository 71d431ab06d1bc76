//! ResNet (K. He et al., CVPR 2016), ResNeXt (S. Xie et al., CVPR 2017) and Wide ResNet (S. Zagoruyko, N. Komodakis,
//! BMVC 2016), as torchvision builds and names them. Its bottlenecks stride at their 3x3 convolution.

use gradex_engine::layers::{AdaptiveAvgPool2d, Add, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Graph, GraphBuilder, NodeId, Result};

/// Residual blocks in each of the four stages.
type Depths = [usize; 4];

/// The widths of the four stages before expansion.
const PLANES: [usize; 4] = [64, 128, 256, 512];

/// A ResNet of blocks of two 3x3 convolutions.
pub(crate) fn basic(depths: Depths) -> Result<Graph> {
    resnet(depths, 1, |graph, name, x, block| {
        let Block { in_channels, planes, stride, .. } = block;
        let y = graph.add(format!("{name}.conv1"), conv(in_channels, planes, 3, stride), x);
        let y = graph.add(format!("{name}.bn1"), BatchNorm2d::new(planes), y);
        let y = graph.add(format!("{name}.relu"), Relu, y);
        let y = graph.add(format!("{name}.conv2"), conv(planes, planes, 3, 1), y);
        let y = graph.add(format!("{name}.bn2"), BatchNorm2d::new(planes), y);
        shortcut(graph, name, x, y, block, "relu_1")
    })
}

/// A ResNet of blocks 1x1, 3x3, 1x1. The 3x3 convolution has `groups` groups and `planes * base_width / 64` channels a group.
pub(crate) fn bottleneck(depths: Depths, groups: usize, base_width: usize) -> Result<Graph> {
    resnet(depths, 4, |graph, name, x, block| {
        let Block { in_channels, planes, out_channels, stride } = block;
        let width = planes * base_width / 64 * groups;
        let y = graph.add(format!("{name}.conv1"), conv(in_channels, width, 1, 1), x);
        let y = graph.add(format!("{name}.bn1"), BatchNorm2d::new(width), y);
        let y = graph.add(format!("{name}.relu"), Relu, y);
        let y = graph.add(format!("{name}.conv2"), conv(width, width, 3, stride).groups(groups), y);
        let y = graph.add(format!("{name}.bn2"), BatchNorm2d::new(width), y);
        let y = graph.add(format!("{name}.relu_1"), Relu, y);
        let y = graph.add(format!("{name}.conv3"), conv(width, out_channels, 1, 1), y);
        let y = graph.add(format!("{name}.bn3"), BatchNorm2d::new(out_channels), y);
        shortcut(graph, name, x, y, block, "relu_2")
    })
}

/// What the builder of a residual block needs to know.
#[derive(Clone, Copy)]
struct Block {
    in_channels: usize,
    planes: usize,
    out_channels: usize,
    stride: usize,
}

fn resnet(
    depths: Depths,
    expansion: usize,
    add_block: impl Fn(&mut GraphBuilder, &str, NodeId, Block) -> NodeId,
) -> Result<Graph> {
    let mut graph = GraphBuilder::new(3);
    let mut x = graph.add("conv1", Conv2d::new(3, 64, 7).stride(2).padding(3).no_bias(), NodeId::INPUT);
    x = graph.add("bn1", BatchNorm2d::new(64), x);
    x = graph.add("relu", Relu, x);
    x = graph.add("maxpool", MaxPool2d::new(3, 2).padding(1), x);
    let mut in_channels = 64;
    for (stage, (depth, planes)) in depths.into_iter().zip(PLANES).enumerate() {
        let out_channels = planes * expansion;
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let block = Block { in_channels, planes, out_channels, stride };
            x = add_block(&mut graph, &format!("layer{}.{index}", stage + 1), x, block);
            in_channels = out_channels;
        }
    }
    x = graph.add("avgpool", AdaptiveAvgPool2d::new(1), x);
    x = graph.add("flatten", Flatten, x);
    graph.add("fc", Linear::new(in_channels, 1000), x);
    graph.finish()
}

/// Adds the block's input `x`, projected where its shape differs, to its output `y`, and rectifies the sum.
fn shortcut(graph: &mut GraphBuilder, name: &str, x: NodeId, y: NodeId, block: Block, relu: &str) -> NodeId {
    let Block { in_channels, out_channels, stride, .. } = block;
    let x = if stride == 1 && in_channels == out_channels {
        x
    } else {
        let x = graph.add(format!("{name}.downsample.0"), conv(in_channels, out_channels, 1, stride), x);
        graph.add(format!("{name}.downsample.1"), BatchNorm2d::new(out_channels), x)
    };
    let sum = graph.join(format!("{name}.add"), Add, &[y, x]);
    graph.add(format!("{name}.{relu}"), Relu, sum)
}

fn conv(in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> Conv2d {
    Conv2d::new(in_channels, out_channels, kernel).stride(stride).padding(kernel / 2).no_bias()
}
