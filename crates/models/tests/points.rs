//! Named points of real networks, spot-checked by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gradex_engine::{Activation, Graph};
use gradex_models::{ARCHITECTURES, Architecture};

use Activation::{After, Before, Neither};

fn graph(name: &str) -> Graph {
    Architecture::find(name).unwrap().graph().unwrap()
}

/// Architecture, node, shape and stride at 224x224, and where it lies relative to the rectifiers.
type Row = (&'static str, &'static str, &'static [usize], Option<usize>, Activation);

const ROWS: [Row; 36] = [
    ("vgg16", "input", &[1, 3, 224, 224], Some(1), Neither),
    ("vgg16", "features.0", &[1, 64, 224, 224], Some(1), Before),
    ("vgg16", "features.3", &[1, 64, 224, 224], Some(1), After),
    ("vgg16", "features.4", &[1, 64, 112, 112], Some(2), After),
    ("vgg16", "features.28", &[1, 512, 14, 14], Some(16), Before),
    ("vgg16", "features.29", &[1, 512, 14, 14], Some(16), After),
    ("vgg16", "features", &[1, 512, 7, 7], Some(32), After),
    ("vgg16", "avgpool", &[1, 512, 7, 7], None, After),
    ("vgg16", "flatten", &[1, 25_088], None, After),
    ("vgg16", "classifier.0", &[1, 4096], None, Before),
    ("vgg16", "classifier.5", &[1, 4096], None, After),
    ("vgg16", "classifier", &[1, 1000], None, Neither),
    ("resnet50", "input", &[1, 3, 224, 224], Some(1), Neither),
    ("resnet50", "conv1", &[1, 64, 112, 112], Some(2), Before),
    ("resnet50", "bn1", &[1, 64, 112, 112], Some(2), Before),
    ("resnet50", "maxpool", &[1, 64, 56, 56], Some(4), After),
    ("resnet50", "layer1", &[1, 256, 56, 56], Some(4), After),
    ("resnet50", "layer2.0.conv1", &[1, 128, 56, 56], Some(4), Before),
    ("resnet50", "layer2.0.conv2", &[1, 128, 28, 28], Some(8), Before),
    ("resnet50", "layer2.0.downsample", &[1, 512, 28, 28], Some(8), Before),
    ("resnet50", "layer2.0.add", &[1, 512, 28, 28], Some(8), Before),
    ("resnet50", "layer3.5", &[1, 1024, 14, 14], Some(16), After),
    ("resnet50", "layer4", &[1, 2048, 7, 7], Some(32), After),
    ("resnet50", "avgpool", &[1, 2048, 1, 1], None, After),
    ("resnet50", "fc", &[1, 1000], None, Neither),
    ("efficientnet-lite0", "_conv_stem", &[1, 32, 112, 112], Some(2), Before),
    ("efficientnet-lite0", "_swish", &[1, 32, 112, 112], Some(2), After),
    ("efficientnet-lite0", "_blocks.0._swish", &[1, 32, 112, 112], Some(2), After),
    // A linear bottleneck: what it gives meets weights before any rectifier.
    ("efficientnet-lite0", "_blocks.0", &[1, 16, 112, 112], Some(2), Neither),
    ("efficientnet-lite0", "_blocks.1._swish_1", &[1, 96, 56, 56], Some(4), After),
    ("efficientnet-lite0", "_blocks.2.add", &[1, 24, 56, 56], Some(4), Neither),
    ("efficientnet-lite0", "_blocks.10.add", &[1, 112, 14, 14], Some(16), Neither),
    ("efficientnet-lite0", "_blocks.15", &[1, 320, 7, 7], Some(32), Neither),
    ("efficientnet-lite0", "_conv_head", &[1, 1280, 7, 7], Some(32), Before),
    ("efficientnet-lite0", "_swish_1", &[1, 1280, 7, 7], Some(32), After),
    ("efficientnet-lite0", "view", &[1, 1280], None, After),
];

#[test]
fn points_by_hand() {
    for (architecture, name, shape, stride, activation) in ROWS {
        let graph = graph(architecture);
        let point = &graph.points(&[1, 3, 224, 224]).unwrap()[graph.find(name).unwrap().index()];
        let what = format!("{architecture} {name}");
        assert_eq!(point.shape, shape, "{what}");
        assert_eq!(point.stride, stride.map(|stride| [stride; 2]), "{what}");
        assert_eq!(point.activation, activation, "{what}");
    }
}

#[test]
fn the_default_point_is_the_end_of_the_last_convolutional_stage() {
    let last_rectifier = |name: &str| match name {
        "vgg11" => "features.19",
        "vgg13" => "features.23",
        "vgg16" => "features.29",
        "vgg19" => "features.35",
        "vgg11_bn" => "features.27",
        "vgg13_bn" => "features.33",
        "vgg16_bn" => "features.42",
        "vgg19_bn" => "features.51",
        "efficientnet-lite0" => "_swish_1",
        _ => "layer4",
    };
    for architecture in &ARCHITECTURES {
        let graph = architecture.graph().unwrap();
        let expected = graph.find(last_rectifier(architecture.name)).unwrap();
        assert_eq!(graph.default_point(), expected, "{}", architecture.name);
        assert!(graph.non_negative()[expected.index()]);
    }
}
