//! Rules in small networks of rectifiers without biases, where LRP-ε with a vanishing ε is the gradient times the input
//! (M. Ancona et al., "Towards better understanding of gradient-based attribution methods", ICLR 2018, proposition 2).

use gradex_engine::layers::{AdaptiveAvgPool2d, Add, Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Error, GraphBuilder, Network, NodeId, Result, Retain, Tape, Tensor};
use gradex_models::{generated_input, generated_parameters};
use gradex_saliency::rules::{Gradient, Pass, Rule};

use super::{Outcome, Verdict, same};
use crate::attempt::attempt;
use crate::fault::Fault;
use crate::jacobian::flat;

const CLASSES: usize = 3;
/// Of the networks' input.
const SHAPE: [usize; 4] = [2, 2, 7, 8];

/// The networks, by name.
pub(crate) fn networks() -> Result<[(&'static str, Network); 2]> {
    Ok([("a chain", chain()?), ("a residual network", residual()?)])
}

fn chain() -> Result<Network> {
    let mut graph = GraphBuilder::new(2);
    let x = graph.add("conv1", Conv2d::new(2, 4, 3).padding(1).no_bias(), NodeId::INPUT);
    let x = graph.add("relu1", Relu, x);
    let x = graph.add("pool", MaxPool2d::new(2, 2), x);
    let x = graph.add("conv2", Conv2d::new(4, 6, 3).stride(2).padding(1).no_bias(), x);
    let x = graph.add("relu2", Relu, x);
    let x = graph.add("flat", Flatten, x);
    graph.add("fc", Linear { bias: false, ..Linear::new(24, CLASSES) }, x);
    bind(graph)
}

fn residual() -> Result<Network> {
    let mut graph = GraphBuilder::new(2);
    let x = graph.add("conv1", Conv2d::new(2, 4, 3).padding(1).no_bias(), NodeId::INPUT);
    let block = graph.add("relu1", Relu, x);
    let x = graph.add("conv2", Conv2d::new(4, 4, 3).padding(1).no_bias(), block);
    let x = graph.join("add", Add, &[x, block]);
    let x = graph.add("relu2", Relu, x);
    let x = graph.add("means", AdaptiveAvgPool2d::new(1), x);
    let x = graph.add("flat", Flatten, x);
    graph.add("fc", Linear { bias: false, ..Linear::new(4, CLASSES) }, x);
    bind(graph)
}

fn bind(graph: GraphBuilder) -> Result<Network> {
    let graph = graph.finish()?;
    let parameters = generated_parameters(&graph, 5);
    graph.bind(parameters)
}

/// The rule at affine layers, passing at rectifiers, the gradient at max-pools: at the input, for each class, the gradient
/// times the input.
pub(crate) fn gradient_times_input(rule: &dyn Rule, network: &Network) -> Verdict {
    let input = generated_input(&SHAPE, 5);
    let tape = network.forward(&input, &Retain::all()).map_err(Fault::Failed)?;
    for class in 0..CLASSES {
        let logits = tape.logits().map_err(Fault::Failed)?;
        let seed = logits.indexed_iter().map(|(place, logit)| if place[1] == class { *logit } else { 0.0 });
        let seed = Tensor::from_shape_vec(logits.raw_dim(), seed.collect()).unwrap_or_default();
        let gradient = network.gradient(&tape, seed.mapv(|logit| f32::from(u8::from(logit != 0.0))), &[NodeId::INPUT]);
        let gradient = &gradient.map_err(Fault::Failed)?[&NodeId::INPUT];
        let relevance = relevance(rule, network, &tape, seed)?;
        let expected = flat([&(gradient * &input)]);
        let range = expected.iter().fold(0.0, |range: f64, value| range.max(value.abs()));
        same("relevance", &expected, &flat([&relevance]), |_| 1e-3 * range)?;
    }
    Ok(Outcome::Holds)
}

/// On every node of a network of which no value was kept: what the rule needs is missed with a typed error.
pub(crate) fn not_retained(rule: &dyn Rule, network: &Network) -> Verdict {
    let tape = network.forward(&generated_input(&SHAPE, 5), &Retain::logits()).map_err(Fault::Failed)?;
    let mut outcome = Outcome::DoesNotApply;
    for id in network.graph().ids().filter(|id| *id != NodeId::INPUT) {
        match attempt(rule, &network.site(&tape, id), &Tensor::ones(tape.shape(id))) {
            Ok(_) | Err(Fault::Failed(Error::NotRetained(_))) => outcome = Outcome::Holds,
            Err(Fault::Failed(Error::Rule { .. })) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(outcome)
}

fn relevance(rule: &dyn Rule, network: &Network, tape: &Tape, seed: Tensor) -> std::result::Result<Tensor, Fault> {
    let mut fault = None;
    let walked = network.backward(tape, seed, &[NodeId::INPUT], |_, site, upstream| {
        let rule = match site.op.affine() {
            Some(_) => rule,
            None if site.op.is_activation() => &Pass,
            None => &Gradient,
        };
        // After a fault the walk goes on with nothing.
        let zeros = || site.inputs.iter().map(|input| Tensor::zeros(input.shape)).collect();
        Ok(attempt(rule, site, upstream).map(|sent| sent.inputs).unwrap_or_else(|found| {
            fault.get_or_insert(found);
            zeros()
        }))
    });
    let mut relevance = walked.map_err(Fault::Failed)?;
    match (fault, relevance.remove(&NodeId::INPUT)) {
        (Some(fault), _) => Err(fault),
        (None, relevance) => Ok(relevance.unwrap_or_default()),
    }
}
