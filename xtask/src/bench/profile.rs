//! Where the time goes: every node by itself, in execution order, forward and backward.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gradex::engine::{Layer, Node, Op, Retain};
use gradex::models::generated_input;
use gradex::{Model, NodeId, Tensor};

use super::measure::Times;
use super::report::{milliseconds, threads};
use super::{INPUT, SEED, own};

/// The times of all nodes of one model.
#[derive(Debug)]
pub struct Profile {
    pub model: &'static str,
    pub threads: usize,
    pub nodes: Vec<NodeTime>,
}

/// The median times of one node.
#[derive(Debug, Clone)]
pub struct NodeTime {
    pub name: String,
    pub kind: String,
    pub output: Vec<usize>,
    /// Floating-point operations of the forward pass, where weights are multiplied: two a weight and output value.
    pub operations: Option<u64>,
    pub forward: Duration,
    /// None where the node sends nothing back.
    pub backward: Option<Duration>,
}

/// Runs the model `rounds` times, forward and backward from the top logit to the input.
pub fn profile(model: &Model, threads: usize, rounds: usize) -> Result<Profile> {
    own::pool(threads)?.install(|| {
        let network = &model.network;
        let nodes = network.graph().nodes();
        let input = generated_input(&INPUT, SEED);
        let tape = network.forward(&input, &Retain::all())?;
        let mut forward = vec![Vec::new(); nodes.len()];
        let mut backward = vec![Vec::new(); nodes.len()];
        for _ in 0..rounds {
            for (runs, time) in forward.iter_mut().zip(forward_times(model, &input)?) {
                runs.push(time);
            }
            network.backward(&tape, own::one_hot(&tape)?, &[NodeId::INPUT], |id, site, upstream| {
                let start = Instant::now();
                let gradients = site.op.backward(site, upstream);
                backward[id.index()].push(start.elapsed());
                gradients
            })?;
        }
        let times = network.graph().ids().zip(forward).zip(backward);
        let node = |((id, forward), backward): ((NodeId, _), _)| {
            let node = network.graph().node(id);
            Ok(NodeTime {
                name: node.name.clone(),
                kind: kind(&node.op),
                output: tape.shape(id).to_vec(),
                operations: operations(&node.op, tape.shape(id)),
                forward: Times::new(forward)?.median(),
                backward: Times::new(backward).ok().map(|times| times.median()),
            })
        };
        let nodes = times.map(node).collect::<Result<_>>()?;
        Ok(Profile { model: model.architecture.name, threads, nodes })
    })
}

/// One forward pass; outputs are dropped after their last reader, as the engine does.
fn forward_times(model: &Model, input: &Tensor) -> Result<Vec<Duration>> {
    let nodes = model.network.graph().nodes();
    let mut readers = vec![0; nodes.len()];
    nodes.iter().flat_map(|node| &node.inputs).for_each(|id| readers[id.index()] += 1);
    let mut outputs: Vec<Option<Tensor>> = vec![None; nodes.len()];
    let mut times = Vec::with_capacity(nodes.len());
    for (id, node) in model.network.graph().ids().zip(nodes) {
        let (output, time) = run(model, id, node, input, &outputs)?;
        times.push(time);
        outputs[id.index()] = Some(output);
        for read in &node.inputs {
            readers[read.index()] -= 1;
            if readers[read.index()] == 0 {
                outputs[read.index()] = None;
            }
        }
    }
    Ok(times)
}

fn run(
    model: &Model,
    id: NodeId,
    node: &Node,
    input: &Tensor,
    outputs: &[Option<Tensor>],
) -> Result<(Tensor, Duration)> {
    let read = |id: &NodeId| outputs[id.index()].as_ref().context("a node reads what is not there");
    let inputs: Vec<&Tensor> =
        if id == NodeId::INPUT { vec![input] } else { node.inputs.iter().map(read).collect::<Result<_>>()? };
    let start = Instant::now();
    let (output, _cache) = node.op.forward(model.network.params(id), &inputs)?;
    Ok((output, start.elapsed()))
}

/// The layer's kind; of a convolution also what decides how it is computed.
fn kind(op: &Op) -> String {
    let Op::Conv2d(conv) = op else { return op.kind().to_owned() };
    let [rows, columns] = conv.kernel;
    let grouped = match conv.groups {
        1 => "",
        groups if groups == conv.in_channels => " depthwise",
        _ => " grouped",
    };
    format!("{} {rows}x{columns}{grouped}", op.kind())
}

/// Two for each product of a weight matrix's entry with an input value.
fn operations(op: &Op, output: &[usize]) -> Option<u64> {
    let multiplies = matches!(op, Op::Conv2d(_) | Op::Linear(_));
    let (_, weight) = op.parameters().into_iter().next().filter(|_| multiplies)?;
    let products = output.iter().product::<usize>() * weight[1..].iter().product::<usize>();
    Some(2 * products as u64)
}

/// What several nodes take together.
#[derive(Debug, Default)]
struct Sum {
    nodes: usize,
    operations: u64,
    forward: Duration,
    backward: Duration,
}

impl Sum {
    fn of<'a>(nodes: impl IntoIterator<Item = &'a NodeTime>) -> Self {
        nodes.into_iter().fold(Self::default(), |sum, node| Self {
            nodes: sum.nodes + 1,
            operations: sum.operations + node.operations.unwrap_or(0),
            forward: sum.forward + node.forward,
            backward: sum.backward + node.backward.unwrap_or_default(),
        })
    }
}

impl Profile {
    /// A Markdown table of the kinds of layers, the slowest first.
    pub fn by_kind(&self) -> String {
        let mut kinds: BTreeMap<&str, Vec<&NodeTime>> = BTreeMap::new();
        for node in &self.nodes {
            kinds.entry(&node.kind).or_default().push(node);
        }
        let mut kinds: Vec<(&str, Sum)> = kinds.into_iter().map(|(kind, nodes)| (kind, Sum::of(nodes))).collect();
        kinds.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.forward));
        kinds.push(("all", Sum::of(&self.nodes)));
        let all = kinds.last().map_or(Duration::ZERO, |(_, all)| all.forward);

        let mut text = format!("{}, {}:\n\n", self.model, threads(self.threads));
        text += "| kind | nodes | forward ms | share | GFLOP | GFLOP/s | backward ms |\n";
        text += "|---|--:|--:|--:|--:|--:|--:|\n";
        for (kind, sum) in kinds {
            let share = 100.0 * sum.forward.as_secs_f64() / all.as_secs_f64();
            let [amount, rate] = giga(Some(sum.operations).filter(|count| *count > 0), sum.forward);
            let (forward, backward) = (milliseconds(sum.forward), milliseconds(sum.backward));
            let nodes = sum.nodes;
            let _ = writeln!(text, "| {kind} | {nodes} | {forward} | {share:.0} % | {amount} | {rate} | {backward} |");
        }
        text
    }

    /// A Markdown table of the nodes in execution order.
    pub fn by_node(&self) -> String {
        let mut text = "| node | kind | output | forward ms | GFLOP | GFLOP/s | backward ms |\n".to_owned();
        text += "|---|---|---|--:|--:|--:|--:|\n";
        for node in &self.nodes {
            let [amount, rate] = giga(node.operations, node.forward);
            let forward = milliseconds(node.forward);
            let backward = node.backward.map_or_else(String::new, milliseconds);
            let NodeTime { name, kind, output, .. } = node;
            let _ = writeln!(text, "| {name} | {kind} | {output:?} | {forward} | {amount} | {rate} | {backward} |");
        }
        text
    }
}

/// A number of operations, and how many a second, in thousands of millions; blank where there are none.
fn giga(operations: Option<u64>, time: Duration) -> [String; 2] {
    let Some(operations) = operations else { return [String::new(), String::new()] };
    let amount = operations as f64 / 1e9;
    [format!("{amount:.3}"), format!("{:.1}", amount / time.as_secs_f64())]
}

#[cfg(test)]
mod tests {
    use gradex::Architecture;
    use gradex::engine::Op;
    use gradex::engine::layers::{Conv2d, Linear, Relu};

    use super::*;

    #[test]
    fn operations_are_those_that_torchvision_documents() -> Result<()> {
        // "GIGAFLOPS" of torchvision's models: multiply-adds.
        for (name, documented) in
            [("vgg16", "15.47"), ("resnet18", "1.81"), ("resnet50", "4.09"), ("resnext50_32x4d", "4.23")]
        {
            let graph = Architecture::find(name)?.graph()?;
            let shapes = graph.shapes(&INPUT)?;
            let counts = graph.nodes().iter().zip(&shapes).filter_map(|(node, shape)| operations(&node.op, shape));
            assert_eq!(format!("{:.2}", counts.sum::<u64>() as f64 / 2e9), documented, "{name}");
        }
        Ok(())
    }

    #[test]
    fn kinds_tell_convolutions_apart() {
        let conv = |groups| Op::from(Conv2d::new(8, 16, 3).groups(groups));
        assert_eq!(kind(&conv(1)), "conv2d 3x3");
        assert_eq!(kind(&conv(4)), "conv2d 3x3 grouped");
        assert_eq!(kind(&conv(8)), "conv2d 3x3 depthwise");
        assert_eq!(kind(&Relu.into()), "relu");
        assert_eq!(operations(&Relu.into(), &[1, 8]), None);
        assert_eq!(operations(&Linear::new(3, 5).into(), &[2, 5]), Some(2 * 2 * 3 * 5));
    }

    #[test]
    fn a_profile_has_a_line_for_every_node_and_for_every_kind() -> Result<()> {
        let model = Model::generated(Architecture::find("resnet18")?, SEED)?;
        let profile = profile(&model, 1, 1)?;
        let names: Vec<&str> = profile.nodes.iter().map(|node| node.name.as_str()).collect();
        let expected: Vec<&str> = model.network.graph().nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, expected);
        assert_eq!(profile.by_node().lines().count(), 2 + expected.len());
        // Nothing is sent back from the input, and all else has been asked.
        assert!(profile.nodes.iter().all(|node| node.backward.is_some() == (node.name != "input")));
        Ok(())
    }

    #[test]
    fn tables_by_hand() {
        let node = |name: &str, kind: &str, operations, forward, backward: Option<u64>| NodeTime {
            name: name.to_owned(),
            kind: kind.to_owned(),
            output: vec![1, 2],
            operations,
            forward: Duration::from_millis(forward),
            backward: backward.map(Duration::from_millis),
        };
        let nodes = vec![
            node("input", "input", None, 0, None),
            node("a", "relu", None, 25, Some(1)),
            node("b", "linear", Some(3_000_000_000), 75, Some(30)),
        ];
        let profile = Profile { model: "net", threads: 1, nodes };
        assert_eq!(
            profile.by_kind(),
            "net, 1 thread:\n\n\
             | kind | nodes | forward ms | share | GFLOP | GFLOP/s | backward ms |\n\
             |---|--:|--:|--:|--:|--:|--:|\n\
             | linear | 1 | 75.0 | 75 % | 3.000 | 40.0 | 30.0 |\n\
             | relu | 1 | 25.0 | 25 % |  |  | 1.00 |\n\
             | input | 1 | 0.00 | 0 % |  |  | 0.00 |\n\
             | all | 3 | 100 | 100 % | 3.000 | 30.0 | 31.0 |\n"
        );
        assert_eq!(
            profile.by_node().lines().skip(2).collect::<Vec<_>>(),
            [
                "| input | input | [1, 2] | 0.00 |  |  |  |",
                "| a | relu | [1, 2] | 25.0 |  |  | 1.00 |",
                "| b | linear | [1, 2] | 75.0 | 3.000 | 40.0 | 30.0 |",
            ]
        );
    }
}
