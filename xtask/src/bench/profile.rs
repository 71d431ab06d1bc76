//! Where the time goes: the steps of the planned run, forward, and every node on the way back.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use gradex::engine::{Layer, Level, Op, Retain, multiply_adds, together};
use gradex::models::generated_input;
use gradex::{Model, NodeId};

use super::measure::Times;
use super::report::{milliseconds, threads};
use super::{INPUT, SEED, own};

/// The times of all nodes of one model.
#[derive(Debug)]
pub struct Profile {
    pub model: &'static str,
    pub threads: usize,
    /// Operations a second that the same threads reach in registers, in thousands of millions.
    pub limit: f64,
    pub nodes: Vec<NodeTime>,
}

/// The median times of one node.
#[derive(Debug, Clone)]
pub struct NodeTime {
    pub name: String,
    pub kind: String,
    pub output: Vec<usize>,
    /// Floating-point operations of the definition, where weights are multiplied: two a weight and output value.
    pub operations: Option<u64>,
    /// Of the step that begins with the node; none where an earlier node's step computes it.
    pub forward: Option<Duration>,
    /// None where the node sends nothing back.
    pub backward: Option<Duration>,
}

/// Runs the model `rounds` times, forward and backward from the top logit to the input.
pub fn profile(model: &Model, threads: usize, rounds: usize) -> Result<Profile> {
    own::pool(threads)?.install(|| {
        let network = &model.network;
        let graph = network.graph();
        let input = generated_input(&INPUT, SEED);
        let tape = network.forward(&input, &Retain::gradient(graph, NodeId::INPUT))?;
        let mut forward = vec![Vec::new(); graph.nodes().len()];
        let mut backward = forward.clone();
        // The first round packs the weights.
        for round in 0..=rounds {
            let runs = &mut [&mut forward, &mut backward];
            runs.iter_mut().filter(|_| round == 1).for_each(|runs| runs.iter_mut().for_each(Vec::clear));
            let mut clock = Clock::new(runs[0]);
            together(|| network.forward_watched(&input, &Retain::logits(), &mut |id| clock.lap(id)))?;
            let seed = own::one_hot(&tape)?;
            let mut clock = Clock::new(runs[1]);
            together(|| network.gradient_watched(&tape, seed, &[NodeId::INPUT], &mut |id| clock.lap(id)))?;
        }
        let mut steps = vec![Vec::new(); forward.len()];
        let mut algorithms = vec![""; forward.len()];
        steps[0] = std::mem::take(&mut forward[0]);
        for step in graph.outline(&INPUT, network.choice())?.steps {
            let ends = [step.nodes.first(), step.nodes.last()].map(|node| node.map_or(0, |node| node.index()));
            steps[ends[0]] = std::mem::take(&mut forward[ends[1]]);
            algorithms[ends[0]] = if step.products > 0 && step.by != "depthwise" { step.by } else { "" };
        }
        let median = |runs| Times::new(runs).ok().map(|times| times.median());
        let times = graph.ids().zip(algorithms).zip(steps.into_iter().zip(backward));
        let node = |((id, algorithm), (forward, backward)): ((NodeId, &str), (_, _))| {
            let node = graph.node(id);
            NodeTime {
                name: node.name.clone(),
                kind: format!("{} {algorithm}", kind(&node.op)).trim_end().to_owned(),
                output: tape.shape(id).to_vec(),
                operations: operations(&node.op, tape.shape(id)),
                forward: median(forward),
                backward: median(backward),
            }
        };
        Ok(Profile { model: model.architecture.name, threads, limit: limit()?, nodes: times.map(node).collect() })
    })
}

/// Tells how long ago the lap before ended.
struct Clock<'a> {
    runs: &'a mut [Vec<Duration>],
    last: Instant,
}

impl<'a> Clock<'a> {
    fn new(runs: &'a mut [Vec<Duration>]) -> Self {
        Self { runs, last: Instant::now() }
    }

    fn lap(&mut self, id: NodeId) {
        self.runs[id.index()].push(self.last.elapsed());
        self.last = Instant::now();
    }
}

/// Operations a second that multiply-adds in registers reach, in thousands of millions: the best of some runs.
fn limit() -> Result<f64> {
    const ROUNDS: usize = 1 << 20;
    let level = Level::current()?;
    let mut best = 0.0_f64;
    for _ in 0..20 {
        let start = Instant::now();
        let operations: usize = rayon::broadcast(|_| multiply_adds(level, ROUNDS)).into_iter().sum();
        best = best.max(operations as f64 / 1e9 / start.elapsed().as_secs_f64());
    }
    Ok(best)
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
            forward: sum.forward + node.forward.unwrap_or_default(),
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

        let (threads, limit) = (threads(self.threads), self.limit);
        let mut text = format!("{}, {threads}, at most {limit:.0} GFLOP/s in registers:\n\n", self.model);
        text += "| kind | nodes | forward ms | share | GFLOP | GFLOP/s | of the limit | backward ms |\n";
        text += "|---|--:|--:|--:|--:|--:|--:|--:|\n";
        for (kind, sum) in kinds {
            let share = 100.0 * sum.forward.as_secs_f64() / all.as_secs_f64();
            let [amount, rate, part] = self.giga(Some(sum.operations).filter(|count| *count > 0), sum.forward);
            let (forward, backward) = (milliseconds(sum.forward), milliseconds(sum.backward));
            let nodes = sum.nodes;
            let _ = writeln!(
                text,
                "| {kind} | {nodes} | {forward} | {share:.0} % | {amount} | {rate} | {part} | {backward} |"
            );
        }
        text
    }

    /// A Markdown table of the nodes in execution order.
    pub fn by_node(&self) -> String {
        let mut text =
            "| node | kind | output | forward ms | GFLOP | GFLOP/s | of the limit | backward ms |\n".to_owned();
        text += "|---|---|---|--:|--:|--:|--:|--:|\n";
        for node in &self.nodes {
            let [amount, rate, part] =
                node.forward.map_or_else(Default::default, |time| self.giga(node.operations, time));
            let forward = node.forward.map_or_else(String::new, milliseconds);
            let backward = node.backward.map_or_else(String::new, milliseconds);
            let NodeTime { name, kind, output, .. } = node;
            let _ = writeln!(
                text,
                "| {name} | {kind} | {output:?} | {forward} | {amount} | {rate} | {part} | {backward} |"
            );
        }
        text
    }

    /// A number of operations, and how many a second, in thousands of millions, and of the limit; blank where there are
    /// none.
    fn giga(&self, operations: Option<u64>, time: Duration) -> [String; 3] {
        let Some(operations) = operations else { return Default::default() };
        let amount = operations as f64 / 1e9;
        let rate = amount / time.as_secs_f64();
        [format!("{amount:.3}"), format!("{rate:.1}"), format!("{:.0} %", 100.0 * rate / self.limit)]
    }
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
        // Nothing is sent back from the input; the convolution that reads a rectifier or batch norm passes it too.
        for node in &profile.nodes {
            let passed = ["relu", "batch_norm2d"].contains(&node.kind.as_str());
            assert!(passed || node.backward.is_some() == (node.name != "input"), "{}", node.name);
        }
        assert!(profile.nodes.iter().any(|node| node.kind == "relu" && node.backward.is_none()), "none is passed");
        Ok(())
    }

    #[test]
    fn tables_by_hand() {
        let node = |name: &str, kind: &str, operations, forward, backward: Option<u64>| NodeTime {
            name: name.to_owned(),
            kind: kind.to_owned(),
            output: vec![1, 2],
            operations,
            forward: Some(Duration::from_millis(forward)),
            backward: backward.map(Duration::from_millis),
        };
        let nodes = vec![
            node("input", "input", None, 0, None),
            node("a", "relu", None, 25, Some(1)),
            node("b", "linear", Some(3_000_000_000), 75, Some(30)),
        ];
        let profile = Profile { model: "net", threads: 1, limit: 80.0, nodes };
        assert_eq!(
            profile.by_kind(),
            "net, 1 thread, at most 80 GFLOP/s in registers:\n\n\
             | kind | nodes | forward ms | share | GFLOP | GFLOP/s | of the limit | backward ms |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|\n\
             | linear | 1 | 75.0 | 75 % | 3.000 | 40.0 | 50 % | 30.0 |\n\
             | relu | 1 | 25.0 | 25 % |  |  |  | 1.00 |\n\
             | input | 1 | 0.00 | 0 % |  |  |  | 0.00 |\n\
             | all | 3 | 100 | 100 % | 3.000 | 30.0 | 38 % | 31.0 |\n"
        );
        assert_eq!(
            profile.by_node().lines().skip(2).collect::<Vec<_>>(),
            [
                "| input | input | [1, 2] | 0.00 |  |  |  |  |",
                "| a | relu | [1, 2] | 25.0 |  |  |  | 1.00 |",
                "| b | linear | [1, 2] | 75.0 | 3.000 | 40.0 | 50 % | 30.0 |",
            ]
        );
    }
}
