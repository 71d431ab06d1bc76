//! Relevance on small networks: conservation, the ledger's warnings, and the methods that are made of it.
#![allow(clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use gradex_engine::layers::{Add, AvgPool2d, BatchNorm2d, Conv2d, Relu};
use gradex_engine::{GraphBuilder, Network, NodeId, Retain, Tensor};
use gradex_saliency::methods::{
    ContrastiveExcitationBackprop, ExcitationBackprop, Lrp, RectifiedBackprop, Settings, find,
};
use gradex_saliency::rules::Bounds;
use gradex_saliency::{Composite, Error, Explainer, Extrapolation, Ledger, Method, Target, Warning};

use crate::common::{INPUT, classify, find as node, network, noise, noise_for, pooled};
use ndarray::Axis;

/// A residual block of convolutions, with batch norms, between two convolutions.
fn residual() -> Network {
    let add_nodes = |graph: &mut GraphBuilder| {
        let x = graph.add("conv1", Conv2d::new(3, 6, 3).padding(1).no_bias(), INPUT);
        let x = graph.add("bn1", BatchNorm2d::new(6), x);
        let relu = graph.add("relu1", Relu, x);
        let x = graph.add("block.conv", Conv2d::new(6, 6, 3).padding(1).no_bias(), relu);
        let x = graph.add("block.bn", BatchNorm2d::new(6), x);
        let x = graph.join("block.add", Add, &[x, relu]);
        let x = graph.add("block.relu", Relu, x);
        let padded =
            AvgPool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1], ceil_mode: false, count_include_pad: true };
        let x = graph.add("pool", padded, x);
        let x = graph.add("conv2", Conv2d::new(6, 8, 3).padding(1), x);
        let x = graph.add("relu2", Relu, x);
        classify(graph, 8, 5, x);
    };
    network(3, add_nodes, noise_for)
}

/// The ledger of a walk to `point` for class 1 of each of two images; `fold` the batch norms first.
fn walk(network: &Network, composite: &Composite, point: NodeId, fold: bool) -> Ledger {
    let explainer = Explainer::new(network);
    let tape = network.forward(&noise(7, &[2, 3, 9, 11]), &Retain::all()).expect("a tape");
    let run = explainer.run(&tape, &[Target::Class(1), Target::Class(1)]).expect("a run");
    let folded = network.fold_batch_norms().expect("a folded network");
    let plan = composite.explain(if fold { &folded } else { network });
    run.relevance_under(&plan, &[point]).expect("relevance").ledger
}

fn composites() -> Vec<Composite> {
    vec![
        Composite::epsilon_plus(),
        Composite::epsilon_plus_flat(),
        Composite::epsilon_alpha2_beta1(),
        Composite::epsilon_alpha2_beta1_flat(),
        Composite::epsilon_gamma_box(&Bounds::new(&[-1.0], &[1.0])),
    ]
}

#[test]
fn every_composite_accounts_for_all_relevance() {
    for (network, points) in [
        (residual(), ["input", "relu1", "block.bn", "pool"]),
        (network(3, pooled, noise_for), ["input", "relu1", "conv2", "pool2"]),
    ] {
        for composite in composites() {
            for point in points {
                let ledger = walk(&network, &composite, node(&network, point), true);
                assert!(ledger.warnings.is_empty(), "{point}\n{ledger}");
                let arrived: f64 = ledger.arrived.iter().map(|(_, sum)| sum).sum();
                let accounted = arrived + ledger.absorbed().total() + ledger.aside();
                let scale: f64 = ledger.entries.iter().map(|entry| entry.mass).sum();
                assert!((ledger.seed - accounted).abs() <= 1e-5 * scale, "{point}\n{ledger}");
                assert_eq!(ledger.seed, 2.0);
                let beside = point == "block.bn";
                assert_eq!(ledger.aside() != 0.0, beside, "{point}\n{ledger}");
            }
        }
    }
}

#[test]
fn a_missing_sum_rule_and_unfolded_batch_norms_are_caught() {
    let network = residual();
    let plus = "conv2d = z-plus; linear = epsilon(1e-6)";
    let warnings = |text: &str, fold: bool| {
        let composite: Composite = text.parse().expect("a composite");
        walk(&network, &composite, INPUT, fold).warnings
    };
    assert_eq!(warnings(plus, true), []);
    let norms = Warning::UnfoldedBatchNorms { count: 2, first: "bn1".to_owned() };
    assert_eq!(warnings(plus, false), std::slice::from_ref(&norms));
    let [Warning::Unexplained { node, rule, part, amount, of_seed, .. }, Warning::Total { amount: off, .. }] =
        &warnings(&format!("{plus}; add = gradient"), true)[..]
    else {
        panic!("two warnings")
    };
    assert_eq!((node.as_str(), rule.as_str()), ("block.add", "gradient"));
    assert!(part.abs() > 0.1, "{part}");
    // Two images, each of which begins with 1.
    assert!((of_seed - amount / 2.0).abs() < 1e-9 && (off - amount).abs() < 1e-3 * amount.abs(), "{amount} {off}");
    let found = warnings(&format!("{plus}; batch_norm2d = gradient"), false);
    assert_eq!(found[0], norms);
    assert!(matches!(found.last(), Some(Warning::Total { .. })));
    let nodes: Vec<&str> = found[1..found.len() - 1]
        .iter()
        .map(|warning| {
            let Warning::Unexplained { node, .. } = warning else { panic!("{warning}") };
            node.as_str()
        })
        .collect();
    assert_eq!(nodes, ["block.bn", "bn1"]);
    let idle = warnings(&format!("{plus}; layer9.* = flat"), true);
    assert_eq!(idle, [Warning::IdleLine("weighted layer9.* = flat".to_owned())]);
    assert!(idle[0].to_string().contains("decides about no node"));
}

#[test]
fn the_gradient_of_a_padded_average_loses_what_falls_on_padding() {
    let network = residual();
    let composite: Composite = "conv2d = z-plus; linear = epsilon; avg_pool2d = gradient".parse().expect("a composite");
    let ledger = walk(&network, &composite, INPUT, true);
    assert!(ledger.warnings.is_empty(), "{ledger}");
    assert!(ledger.absorbed().padding > 0.0, "{ledger}");
    assert!(ledger.to_string().contains("padding"));
    let pool = ledger.entries.iter().find(|entry| entry.name == "pool").expect("an entry");
    assert_eq!((pool.op, pool.rule.as_str(), pool.why.as_str()), ("avg_pool2d", "gradient", "`avg_pool2d`"));
    let table = ledger.to_string();
    let line = table.lines().find(|line| line.starts_with("pool ")).expect("a line");
    assert!(line.split_whitespace().take(3).eq(["pool", "avg_pool2d", "gradient"]) && line.ends_with("`avg_pool2d`"));
}

/// The map of one image for class 2, and its sum.
fn map(network: &Network, method: impl Method + 'static, point: Option<NodeId>) -> (Tensor, f32) {
    let mut explainer = Explainer::new(network).method(method).extrapolation(Extrapolation::NONE);
    if let Some(point) = point {
        explainer = explainer.point(point);
    }
    let tape = explainer.forward(&noise(9, &[1, 3, 9, 11])).expect("a tape");
    let coarse = explainer.explain(&tape, &[2]).expect("an explanation").remove(0).coarse;
    (coarse.map().to_owned().into_dyn(), coarse.map().sum())
}

/// No biases, all weights positive where they make activations: nothing is lost on the way.
fn unbiased() -> Network {
    network(3, pooled, |index, parameter| {
        let values = noise(index, &parameter.shape);
        if parameter.name.ends_with("bias") { values * 0.0 } else { values }
    })
}

#[test]
fn excitation_hands_down_all_probability() {
    let network = unbiased();
    for point in ["pool2", "relu2", "conv2", "pool1", "relu1"] {
        let (_, sum) = map(&network, ExcitationBackprop, Some(node(&network, point)));
        assert!((sum - 1.0).abs() < 1e-4, "{point}: {sum}");
    }
}

#[test]
fn contrast_at_the_point_is_the_difference_of_two_probabilities() {
    let network = unbiased();
    let negated = {
        let mut builder = GraphBuilder::new(3);
        pooled(&mut builder);
        let graph = builder.finish().expect("a graph");
        let parameters = (1..).zip(graph.parameters()).map(|(index, parameter)| {
            let sign = if parameter.name == "fc.weight" { -1.0 } else { 1.0 };
            let values = noise(index, &parameter.shape) * sign;
            let values = if parameter.name.ends_with("bias") { values * 0.0 } else { values };
            (parameter.name.clone(), values)
        });
        let state = parameters.collect();
        graph.bind(state).expect("a network")
    };
    for point in ["relu2", "relu1"] {
        let id = node(&network, point);
        let [mine, others] = [&network, &negated].map(|network| map(network, ExcitationBackprop, Some(id)).0);
        let (contrast, _) = map(&network, ContrastiveExcitationBackprop::default(), Some(id));
        let expected = (&mine - &others).mapv(|value| value.max(0.0));
        let largest = (&contrast - &expected).iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        assert!(largest <= 1e-6, "{point}: {largest}");
        assert!(expected.iter().any(|value| *value > 0.0) && expected.iter().any(|value| *value == 0.0), "{point}");
    }
}

#[test]
fn a_contrast_point_lies_between_the_point_and_the_last_layer() {
    let network = unbiased();
    let run = |point: &str, contrast: &str| {
        let method = ContrastiveExcitationBackprop { contrast_point: Some(node(&network, contrast)) };
        let explainer = Explainer::new(&network).method(method).point(node(&network, point));
        let tape = explainer.forward(&noise(9, &[1, 3, 9, 11])).expect("a tape");
        explainer.explain(&tape, &[2]).map(|_| ())
    };
    assert_eq!(run("relu1", "relu2"), Ok(()));
    assert_eq!(run("relu1", "relu1"), Ok(()));
    for (point, contrast, why) in [("relu2", "relu1", "does not depend on the point"), ("relu2", "fc", "does not read")]
    {
        let error = run(point, contrast).expect_err("refused");
        assert!(matches!(error, Error::Inapplicable { .. }) && error.to_string().contains(why), "{error}");
    }
}

#[test]
fn epsilon_is_gradient_times_input_without_biases() {
    let network = unbiased();
    let composite: Composite = "weighted = epsilon(0)".parse().expect("rules");
    let (lrp, _) = map(&network, Lrp::new(Some(composite)), None);
    let input = noise(9, &[1, 3, 9, 11]);
    let tape = network.forward(&input, &Retain::all()).expect("a tape");
    let mut seed = Tensor::zeros(vec![1, 5]);
    seed[[0, 2]] = 1.0;
    let gradient = network.gradient(&tape, seed, &[INPUT]).expect("a gradient").remove(&INPUT).expect("kept");
    // The adaptive pool's norm divides by its mean plus 1e-6, and relevance begins with 1 instead of the logit.
    let logit = tape.logits().expect("logits")[[0, 2]];
    let expected = (&gradient * &input / logit).sum_axis(Axis(1)).remove_axis(Axis(0));
    let scale = expected.iter().fold(0.0, |scale: f32, value| scale.max(value.abs()));
    for (actual, expected) in lrp.iter().zip(&expected) {
        assert!((actual - expected).abs() <= 1e-3 * scale, "{actual} is not {expected}");
    }
}

#[test]
fn rectified_gradients_are_the_gradient_where_nothing_is_negative() {
    let positive = network(3, pooled, |index, parameter| noise(index, &parameter.shape).mapv(f32::abs));
    let input = noise(9, &[1, 3, 9, 11]).mapv(f32::abs);
    let tape = positive.forward(&input, &Retain::all()).expect("a tape");
    let explainer = Explainer::new(&positive);
    let run = explainer.run(&tape, &[Target::Class(2)]).expect("a run");
    let gradient = run.gradient(INPUT).expect("a gradient");
    let expected = gradient.index_axis(Axis(0), 0).fold_axis(Axis(0), 0.0, |largest: &f32, g| largest.max(g.abs()));
    for method in [RectifiedBackprop::guided_backprop(), RectifiedBackprop::deconvnet()] {
        let coarse = method.attribute(&run, INPUT).expect("a map").remove(0);
        assert_eq!(coarse.map(), expected, "{}", method.about().name);
    }
}

#[test]
fn what_must_be_given_is_asked_for() {
    let network = unbiased();
    let settings = Settings::default();
    for (name, why) in [("lrp", "give rules"), ("epsilon-gamma-box", "bounds of the network's input")] {
        let method = find(name, &settings).expect("a method");
        let explainer = Explainer::new(&network).methods(vec![method]);
        let tape = explainer.forward(&noise(9, &[1, 3, 9, 11])).expect("a tape");
        let error = explainer.explain(&tape, &[2]).expect_err("refused");
        assert!(error.to_string().contains(why), "{error}");
    }
    let given = Settings {
        rules: Some("conv2d = gamma; linear = epsilon".parse().expect("rules")),
        bounds: Some(Bounds::new(&[-1.0, -1.0, -1.0], &[1.0])),
        ..settings
    };
    let methods: Vec<Arc<dyn Method>> =
        ["lrp", "epsilon-gamma-box", "epsilon-plus"].map(|name| find(name, &given).expect("a method")).to_vec();
    let explainer = Explainer::new(&network).methods(methods);
    let tape = explainer.forward(&noise(9, &[1, 3, 9, 11])).expect("a tape");
    let run = explainer.run(&tape, &[Target::Difference(2, 1)]).expect("a run");
    let explained = explainer.explain(&tape, &[Target::Difference(2, 1)]).expect("explanations");
    assert_eq!(explained.len(), 3);
    assert!(run.ledgers().is_empty());
}
