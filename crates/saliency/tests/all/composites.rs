//! Composites: which rule a node gets, in code and from text.
#![allow(clippy::expect_used)]

use gradex_engine::layers::{Add, BatchNorm2d, Conv2d, Relu};
use gradex_engine::{GraphBuilder, Network};
use gradex_saliency::composites::{Composite, Kind, Name, Selector};
use gradex_saliency::rules::{Bounds, Pass, epsilon, flat};

use crate::common::{INPUT, classify, find, network, noise_for};

/// A convolution, a residual block with a batch norm, and a linear layer.
fn residual() -> Network {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("conv1", Conv2d::new(3, 4, 3).padding(1), INPUT);
        let relu = graph.add("relu", Relu, x);
        let x = graph.add("layer1.0.conv1", Conv2d::new(4, 4, 3).padding(1).no_bias(), relu);
        let x = graph.add("layer1.0.bn1", BatchNorm2d::new(4), x);
        let x = graph.join("layer1.0.add", Add, &[x, relu]);
        let x = graph.add("layer1.0.relu", Relu, x);
        classify(graph, 4, 3, x);
    };
    network(3, add_nodes, noise_for)
}

/// The name of each node's rule, but the input's.
fn rules(composite: &Composite, network: &Network) -> Vec<String> {
    let plan = composite.explain(network);
    network.graph().ids().skip(1).map(|id| plan.of(id).rule.name()).collect()
}

#[test]
fn the_published_composites() {
    let network = residual();
    let bounds = Bounds::new(&[-2.0], &[2.5]);
    let rest = ["pass", "norm", "pass", "norm", "gradient", "epsilon(1e-6)"];
    for (composite, first, conv) in [
        (Composite::epsilon_plus(), "z-plus", "z-plus"),
        (Composite::epsilon_plus_flat(), "flat", "z-plus"),
        (Composite::epsilon_alpha2_beta1(), "alpha-beta(2, 1)", "alpha-beta(2, 1)"),
        (Composite::epsilon_alpha2_beta1_flat(), "flat", "alpha-beta(2, 1)"),
        (Composite::epsilon_gamma_box(&bounds), "z-box(-2.0, 2.5)", "gamma(0.25)"),
    ] {
        let expected: Vec<&str> = [first, "pass", conv].into_iter().chain(rest).collect();
        assert_eq!(rules(&composite, &network), expected, "{}", composite.name());
        assert!(composite.conserves());
    }
    let e = "excitation";
    assert_eq!(
        rules(&Composite::excitation_backprop(), &network),
        [e, "gradient", e, "pass", e, "gradient", e, "gradient", e]
    );
    let [g, guided] = ["gradient", "guided"];
    assert_eq!(rules(&Composite::guided_backprop(), &network), [g, guided, g, g, g, guided, g, g, g]);
}

#[test]
fn the_first_line_that_matches_wins() {
    let network = residual();
    let text = "first conv2d = flat; layer1.* = alpha-beta(2,1) # layers with weights
                conv2d = gamma(0.25)\nlinear = epsilon(0.5)";
    let composite: Composite = text.parse().expect("a composite");
    let expected = ["flat", "pass", "alpha-beta(2, 1)", "pass", "norm", "pass", "norm", "gradient", "epsilon(0.5)"];
    assert_eq!(rules(&composite, &network), expected);
    let plan = composite.explain(&network);
    assert_eq!(plan.idle, ["conv2d = gamma(0.25)"]);
    assert_eq!(plan.of(find(&network, "conv1")).why, "`first conv2d`");
    let again: Composite = composite.to_string().parse().expect("its own text");
    assert_eq!(rules(&again, &network), expected);

    let lines: Vec<String> = plan.to_string().lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("node") && lines[1].starts_with("conv1"));
    assert_eq!(
        lines[3].split_whitespace().collect::<Vec<_>>().join(" "),
        "layer1.0.conv1 conv2d alpha-beta(2, 1) `weighted layer1.*`"
    );
    assert!(lines[10].contains("`conv2d = gamma(0.25)` decides about no node"));
}

#[test]
fn selectors_by_name_kind_and_place() {
    let network = residual();
    let graph = network.graph();
    let names = |selector: &Selector| -> Vec<&str> {
        selector.select(graph).into_iter().map(|id| graph.node(id).name.as_str()).collect()
    };
    for (text, expected) in [
        ("conv1", vec!["conv1"]),
        ("last conv2d", vec!["layer1.0.conv1"]),
        ("first weighted", vec!["conv1"]),
        ("last weighted", vec!["fc"]),
        ("layer1.", vec!["layer1.0.conv1"]),
        ("any layer1.", vec!["layer1.0.conv1", "layer1.0.bn1", "layer1.0.add", "layer1.0.relu"]),
        ("add layer1.*", vec!["layer1.0.add"]),
        ("last any layer?.0.*", vec!["layer1.0.relu"]),
        ("first activation", vec!["relu"]),
        ("average_pool", vec!["means"]),
        ("*conv1", vec!["conv1", "layer1.0.conv1"]),
        ("conv", vec![]),
        ("any add", vec![]),
    ] {
        let selector: Selector = text.parse().expect(text);
        assert_eq!(names(&selector), expected, "{text}");
        assert_eq!(selector.to_string().parse::<Selector>().expect(text), selector, "{text}");
    }
    assert_eq!(names(&Selector::name(Name::Below("layer1".to_owned())).last()), ["layer1.0.relu"]);
    assert_eq!(names(&Selector::kind(Kind::Any)).len(), 9);
}

#[test]
fn selectors_that_match_nothing_are_named_with_near_names() {
    let network = residual();
    let check = |text: &str| text.parse::<Composite>().expect(text).check(network.graph());
    assert_eq!(check("first conv2d = flat; layer1.* = gamma; linear = epsilon; last weighted = pass"), Ok(()));
    for (line, near) in [
        ("conv3d = epsilon(1e-6)", "`conv2d`"),
        ("layer1.0.conv2 = flat", "`layer1.0.conv1`"),
        ("weighted layer9.* = flat", "`layer1.0."),
        ("max_pool2d = pass", "add, batch_norm2d, conv2d, flatten"),
        ("conv2d fc = flat", "`fc` is a linear"),
    ] {
        let error = check(&format!("linear = epsilon; {line}")).expect_err(line).to_string();
        assert!(error.contains(&format!("`{line}`")) && error.contains(near), "{error}");
    }
}

#[test]
fn a_folded_batch_norm_passes_whatever_is_said() {
    let network = residual();
    let composite = Composite::new("own").with(Selector::kind(Kind::Op("batch_norm2d")), flat()).ending_in_lrp();
    assert_eq!(rules(&composite, &network)[3], "flat");
    let folded = network.fold_batch_norms().expect("a folded network");
    assert_eq!(rules(&composite, &folded)[3], "pass");
}

#[test]
fn rules_and_selectors_that_are_none_say_what_there_is() {
    for (text, expected) in [
        ("", "no line"),
        ("conv2d", "SELECTOR = RULE"),
        ("conv2d = gama(0.25)", "there is no such rule; there are: epsilon(1e-6), gamma(0.25)"),
        ("conv2d = gamma(0.25", "a `)` is missing"),
        ("conv2d = gamma(x)", "`x` is no finite number"),
        ("conv2d = gamma(inf)", "`inf` is no finite number"),
        ("conv2d = gamma(-1)", "it is written gamma(0.25)"),
        ("conv2d = gamma()", "a number is missing"),
        ("conv2d = flat(1)", "it is written flat"),
        ("conv2d = alpha-beta(2, 2)", "β = α - 1"),
        ("conv2d = alpha-beta(1.1, 0.2)", "β = α - 1"),
        ("conv2d = z-box(1)", "lowest and the highest"),
        ("conv2d = z-box(2, 1)", "2 is not below the highest, 1"),
        ("conv2d = z-box(0, 1 0 1)", "0 is not below the highest, 0"),
        ("conv2d = z-box(0 0, 1 1 1)", "2 lowest values and 3 highest"),
        ("first = flat", "[first | last] [KIND] [NAME]"),
        ("first conv1 conv2 = flat", "[first | last] [KIND] [NAME]"),
    ] {
        let error = text.parse::<Composite>().expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let bounds: Composite = "first conv2d = z-box(-2 -1 0, 1 2 3)".parse().expect("a composite");
    assert_eq!(bounds.to_string(), "first conv2d = z-box(-2.0 -1.0 0.0, 1.0 2.0 3.0)");
    let tenth: Composite = "conv2d = alpha-beta(1.1, 0.1)".parse().expect("β = α - 1 but for rounding");
    assert_eq!(tenth.to_string(), "conv2d = alpha-beta(1.1, 0.1)");
    let own = Composite::new("own")
        .with(Selector::kind(Kind::Weighted), epsilon(0.1))
        .line("relu".parse().expect("a selector"), std::sync::Arc::new(Pass));
    assert_eq!(own.to_string(), "weighted = epsilon(0.1); relu = pass");
}
