//! Architectures against torchvision's: parameters, nodes, what each reads, and the shapes they give.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gradex_engine::{Graph, Tensor};
use gradex_models::{ARCHITECTURES, Architecture, Error, Model, generated_parameters};

/// Trained parameters (running statistics are not), as torchvision publishes them and `efficientnet_lite_pytorch` has them.
const PARAMETERS: [(&str, usize); 18] = [
    ("efficientnet-lite0", 4_652_008),
    ("vgg11", 132_863_336),
    ("vgg13", 133_047_848),
    ("vgg16", 138_357_544),
    ("vgg19", 143_667_240),
    ("vgg11_bn", 132_868_840),
    ("vgg13_bn", 133_053_736),
    ("vgg16_bn", 138_365_992),
    ("vgg19_bn", 143_678_248),
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("resnet101", 44_549_160),
    ("resnet152", 60_192_808),
    ("resnext50_32x4d", 25_028_904),
    ("resnext101_32x8d", 88_791_336),
    ("wide_resnet50_2", 68_883_240),
    ("wide_resnet101_2", 126_886_696),
];

/// Of `fixtures/scripts/architectures.py`: a batch, and sizes that no stride divides.
const INPUT: [usize; 4] = [2, 3, 97, 65];
const HASHES: &str = include_str!("../../../fixtures/architectures/hashes.txt");

fn graph(name: &str) -> Graph {
    Architecture::find(name).unwrap().graph().unwrap()
}

fn times(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// `name shape` of every parameter, sorted.
fn parameters(graph: &Graph) -> Vec<String> {
    let line = |parameter: &gradex_engine::Parameter| format!("{} {}", parameter.name, times(&parameter.shape));
    let mut lines: Vec<String> = graph.parameters().iter().map(line).collect();
    lines.sort();
    lines
}

/// `name inputs... shape` of every node in execution order.
fn nodes(graph: &Graph) -> Vec<String> {
    let line = |(node, shape): (&gradex_engine::Node, &Vec<usize>)| {
        let inputs = node.inputs.iter().map(|id| format!("{} ", graph.node(*id).name));
        format!("{} {}{}", node.name, inputs.collect::<String>(), times(shape))
    };
    graph.nodes().iter().zip(&graph.shapes(&INPUT).unwrap()).map(line).collect()
}

/// FNV-1a of the lines, each ended by a newline.
fn hash(lines: &[String]) -> String {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    let fold = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, fold))
}

#[test]
fn every_architecture_is_known_by_its_name() {
    let known: Vec<&str> = ARCHITECTURES.iter().map(|architecture| architecture.name).collect();
    assert_eq!(known, PARAMETERS.map(|(name, _)| name));
    for name in known {
        assert_eq!(Architecture::find(name).unwrap().name, name);
    }
    let error = Architecture::find("ResNet-50").unwrap_err().to_string();
    assert!(error.starts_with("there is no model `ResNet-50`; nearest: `resnet50`"), "{error}");
}

#[test]
fn as_many_parameters_as_published() {
    for (name, expected) in PARAMETERS {
        let trained = graph(name).parameters().into_iter().filter(|parameter| !parameter.name.contains(".running_"));
        assert_eq!(
            trained.map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn parameters_and_nodes_are_torchvisions() {
    let goldens: Vec<Vec<&str>> =
        HASHES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect()).collect();
    let names: Vec<&str> = goldens.iter().map(|golden| golden[0]).collect();
    assert_eq!(names, PARAMETERS.map(|(name, _)| name), "regenerate by `fixtures/scripts/architectures.py`");
    for golden in goldens {
        let graph = graph(golden[0]);
        let listings = [parameters(&graph), nodes(&graph)];
        let actual: Vec<String> = listings.iter().flat_map(|lines| [lines.len().to_string(), hash(lines)]).collect();
        assert_eq!(
            actual,
            golden[1..],
            "compare with what `fixtures/scripts/architectures.py {}` prints:\n{}",
            golden[0],
            listings.concat().join("\n")
        );
    }
}

/// The last shape is `[n, 1000]` for the smallest sizes, odd ones, strips, and large ones.
#[test]
fn every_size_that_the_network_can_take() {
    for (name, _) in PARAMETERS {
        let graph = graph(name);
        let smallest = if name.starts_with("vgg") { 32 } else { 1 };
        for size in [[smallest, smallest], [smallest, 47], [33, smallest], [33, 47], [224, 224], [3000, 4001]] {
            let shapes = graph.shapes(&[3, 3, size[0], size[1]]).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(shapes.last().unwrap(), &[3, 1000], "{name} {size:?}");
            assert!(shapes.iter().all(|shape| !shape.contains(&0)), "{name} {size:?}");
        }
    }
}

#[test]
fn an_image_too_small_for_vggs_pools_is_refused_at_the_pool() {
    for (name, size, pool) in [
        ("vgg16", [31, 224], "features.30"),
        ("vgg16", [224, 15], "features.23"),
        ("vgg16", [1, 1], "features.4"),
        ("vgg11", [31, 31], "features.20"),
        ("vgg19_bn", [31, 31], "features.52"),
    ] {
        let error = graph(name).shapes(&[1, 3, size[0], size[1]]).unwrap_err().to_string();
        let expected = format!("node `{pool}`: max_pool2d takes an image that its [2, 2] window");
        assert!(error.starts_with(&expected), "{name} {size:?}: {error}");
    }
}

#[test]
fn inputs_of_other_shapes_are_refused_at_the_input() {
    for (name, _) in PARAMETERS {
        for shape in [&[3, 224, 224][..], &[1, 1, 224, 224], &[1, 224, 224, 3], &[0, 3, 224, 224], &[1, 3, 224, 0]] {
            let error = graph(name).shapes(shape).unwrap_err().to_string();
            assert!(error.starts_with("node `input`: the network takes"), "{name} {shape:?}: {error}");
        }
    }
}

#[test]
fn a_state_dict_of_another_architecture_is_refused_with_the_difference() {
    let resnet18 = || generated_parameters(&graph("resnet18"), 1);
    let refused = |state| match Model::new(Architecture::find("resnet18").unwrap(), state) {
        Err(Error::Engine(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };

    let mut without = resnet18();
    without.remove("layer4.0.downsample.1.bias");
    let error = refused(without);
    assert!(error.starts_with("the weights lack `layer4.0.downsample.1.bias` [512]; nearest: `layer"), "{error}");

    let mut more = resnet18();
    more.insert("layer5.0.conv1.weight".to_owned(), Tensor::zeros(&[1][..]));
    let error = refused(more);
    assert!(error.contains("1 parameter(s)") && error.contains("`layer5.0.conv1.weight`; nearest: `layer"), "{error}");

    let mut ten_classes = resnet18();
    ten_classes.insert("fc.weight".to_owned(), Tensor::zeros(&[10, 512][..]));
    let error = refused(ten_classes);
    assert_eq!(error, "`fc.weight` has shape [10, 512] where the architecture has [1000, 512]");
}
