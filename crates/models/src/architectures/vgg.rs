//! VGG (K. Simonyan, A. Zisserman, ICLR 2015), as torchvision builds and names it.

use gradex_engine::layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Graph, GraphBuilder, NodeId, Result};

/// How many 3x3 convolutions each of the five stages has. A stage ends in a max-pool.
type Depths = [usize; 5];

pub(crate) const VGG11: Depths = [1, 1, 2, 2, 2];
pub(crate) const VGG13: Depths = [2, 2, 2, 2, 2];
pub(crate) const VGG16: Depths = [2, 2, 3, 3, 3];
pub(crate) const VGG19: Depths = [2, 2, 4, 4, 4];

const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

pub(crate) fn plain(depths: &Depths) -> Result<Graph> {
    vgg(depths, false)
}

pub(crate) fn batch_normed(depths: &Depths) -> Result<Graph> {
    vgg(depths, true)
}

fn vgg(depths: &Depths, batch_norm: bool) -> Result<Graph> {
    let mut graph = GraphBuilder::new(3);
    let (mut x, mut channels) = (NodeId::INPUT, 3);
    let mut places = (0..).map(|place| format!("features.{place}"));
    let mut place = || places.next().unwrap_or_default();
    for (depth, width) in depths.iter().zip(WIDTHS) {
        for _ in 0..*depth {
            x = graph.add(place(), Conv2d::new(channels, width, 3).padding(1), x);
            if batch_norm {
                x = graph.add(place(), BatchNorm2d::new(width), x);
            }
            x = graph.add(place(), Relu, x);
            channels = width;
        }
        x = graph.add(place(), MaxPool2d::new(2, 2), x);
    }
    x = graph.add("avgpool", AdaptiveAvgPool2d::new(7), x);
    x = graph.add("flatten", Flatten, x);
    x = graph.add("classifier.0", Linear::new(512 * 7 * 7, 4096), x);
    x = graph.add("classifier.1", Relu, x);
    x = graph.add("classifier.2", Dropout, x);
    x = graph.add("classifier.3", Linear::new(4096, 4096), x);
    x = graph.add("classifier.4", Relu, x);
    x = graph.add("classifier.5", Dropout, x);
    graph.add("classifier.6", Linear::new(4096, 1000), x);
    graph.finish()
}
