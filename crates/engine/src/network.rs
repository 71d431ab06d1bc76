//! Graphs with parameters, and the forward pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use gradex_kernels::together;

use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::layer::{Layer, Params};
use crate::memory::Saved;
use crate::op::Op;
use crate::plan::{Choice, Packs, Plan, Route, Value};
use crate::tape::{ChannelSums, Keep, Maxima, Retain, Tape};
use crate::tensor::{Tensor, is_finite, values};
use crate::weight::Weight;

/// A graph joined with its parameters. A copy shares them.
#[derive(Debug, Clone)]
pub struct Network {
    graph: Graph,
    params: Vec<Arc<Params>>,
    packs: Arc<Packs>,
    choice: Choice,
}

impl Network {
    pub(crate) fn new(graph: Graph, params: Vec<Arc<Params>>) -> Self {
        Self { graph, params, packs: Arc::default(), choice: Choice::default() }
    }

    /// The same network, whose convolutions are computed as `choice` says.
    #[must_use]
    pub fn with_choice(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// How algorithms for convolutions are chosen.
    #[must_use]
    pub fn choice(&self) -> Choice {
        self.choice
    }

    /// The architecture.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A node's parameters.
    #[must_use]
    pub fn params(&self, node: NodeId) -> &Params {
        &self.params[node.0]
    }

    /// Bytes that weights which are halves take less than [`Graph::footprint`] counts for inputs of this shape.
    ///
    /// # Errors
    /// As [`Graph::footprint`].
    pub fn saved_by_halves(&self, input: &[usize]) -> Result<Saved> {
        let is_half = |id: &NodeId| self.params(*id).weight.as_ref().is_some_and(Weight::is_half);
        self.graph.saved_by_halves(input, self.choice, is_half)
    }

    /// The same architecture with other parameters at one node; the others are shared.
    ///
    /// # Errors
    /// [`Error::Graph`] where there is no such node, [`Error::ParameterShape`] where the shapes are not the old ones.
    pub fn with_params(&self, node: NodeId, params: Params) -> Result<Self> {
        let mut all = self.params.clone();
        let Some(old) = all.get_mut(node.0) else {
            return Err(Error::Graph(format!("there is no node {}", node.0)));
        };
        for ((what, expected), (_, actual)) in old.shapes().into_iter().zip(params.shapes()) {
            if expected != actual {
                let name = format!("{}.{what}", self.graph.node(node).name);
                return Err(Error::ParameterShape { name, expected: expected.to_vec(), actual: actual.to_vec() });
            }
        }
        *old = Arc::new(params);
        let packs = Arc::new(self.packs.without(node));
        Ok(Self { graph: self.graph.clone(), params: all, packs, choice: self.choice })
    }

    pub(crate) fn shared_params(&self) -> &[Arc<Params>] {
        &self.params
    }

    pub(crate) fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Runs images `[n, c, h, w]` through the network, and keeps what `retain` asks for.
    ///
    /// No image influences another: each one's logits are the same whatever the batch it is in, and whatever is kept.
    ///
    /// # Errors
    /// [`Error::Node`] where a layer cannot take what reaches it, [`Error::NonFinite`] where the input holds NaN or an
    /// infinity, or where the logits do: then with the first node that produced one.
    pub fn forward(&self, input: &Tensor, retain: &Retain) -> Result<Tape> {
        together(|| self.forward_watched(input, retain, &mut |_| ()))
    }

    /// [`Network::forward`]; `done` is told each step's output as soon as it is there: to show progress, or to take times. It is
    /// called by the thread that asks, which therefore does not go into the thread pool: from outside of it a pass takes longer.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward_watched(&self, input: &Tensor, retain: &Retain, done: &mut dyn FnMut(NodeId)) -> Result<Tape> {
        let shapes = self.graph.shapes(input.shape())?;
        expect_finite(input)?;
        let tape = self.planned(input, retain, shapes, done)?;
        if is_finite(tape.logits()?.view()) { Ok(tape) } else { self.forward_layerwise(input, retain) }
    }

    /// Gives the memory that passes have left for later ones back to the system.
    pub fn trim(&self) {
        self.packs.workspace.clear();
    }

    /// [`Network::forward`] layer by layer, each as it is by itself: slow, and the oracle of the planned run.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn forward_layerwise(&self, input: &Tensor, retain: &Retain) -> Result<Tape> {
        self.graph.shapes(input.shape())?;
        expect_finite(input)?;
        let tape = self.layerwise(input, retain, |_, _| Ok(()))?;
        if is_finite(tape.logits()?.view()) {
            return Ok(tape);
        }
        self.layerwise(input, retain, |name, output| match is_finite(output.view()) {
            true => Ok(()),
            false => Err(Error::NonFinite { what: "output of node", name: name.to_owned() }),
        })
    }

    /// The plan that computes the nodes `wanted` from given values of `sources`; `shapes` are those of the whole graph.
    pub(crate) fn plan(&self, shapes: &[Vec<usize>], sources: Vec<NodeId>, wanted: Vec<bool>) -> Result<Arc<Plan>> {
        let asked = (self.choice, shapes[0].clone(), sources.clone(), wanted.clone());
        self.packs.plan(asked, || Plan::new(self, shapes, &sources, &wanted))
    }

    /// The way of a gradient over a tape with these shapes to the nodes `keep`.
    pub(crate) fn route(&self, shapes: &[Vec<usize>], keep: &[NodeId]) -> Result<Arc<Route>> {
        let way = (self.choice, shapes[0].clone(), keep.to_vec());
        let route = self.packs.route(way, || Route::new(self, self.graph.shapes(&shapes[0])?, keep))?;
        if route.shapes != shapes {
            return Err(Error::foreign_tape());
        }
        Ok(route)
    }

    /// The plan of a forward pass that keeps what `retain` asks for.
    pub(crate) fn forward_plan(&self, shapes: &[Vec<usize>], retain: &Retain) -> Result<Arc<Plan>> {
        let keeps = |id: NodeId| self.graph.keep(retain, id) != Keep::Nothing;
        let wanted = self.graph.ids().map(|id| keeps(id) || retain.channel_sums.contains(&id)).collect();
        self.plan(shapes, vec![NodeId::INPUT], wanted)
    }

    fn planned(
        &self,
        input: &Tensor,
        retain: &Retain,
        shapes: Vec<Vec<usize>>,
        done: &mut dyn FnMut(NodeId),
    ) -> Result<Tape> {
        let logits = self.graph.logits();
        let keep = |id: NodeId| self.graph.keep(retain, id);
        let mut values = vec![None; shapes.len()];
        let plan = self.forward_plan(&shapes, retain)?;
        let (mut maxima, mut channel_sums) = (BTreeMap::new(), BTreeMap::new());
        let mut sum = |id: NodeId, value: &Value| -> Result<()> {
            if retain.channel_sums.contains(&id) {
                channel_sums.insert(id, ChannelSums::of_value(value)?);
            }
            Ok(())
        };
        let is_asked = keep(NodeId::INPUT) != Keep::Nothing || retain.channel_sums.contains(&NodeId::INPUT);
        let lent = (!is_asked && plan.reads_rows(NodeId::INPUT, &shapes[0])).then_some(input);
        if lent.is_none() {
            let given = plan.give(self, NodeId::INPUT, input)?;
            sum(NodeId::INPUT, &given).map_err(|error| error.at(&self.graph.node(NodeId::INPUT).name))?;
            values[0] = Some(given);
        }
        done(NodeId::INPUT);
        let (outputs, marks) = plan.run(self, lent, values, &keep, &mut |id, value, values| {
            let node = self.graph.node(id);
            if let (Op::MaxPool2d(pool), Keep::All, [input]) = (&node.op, keep(id), &node.inputs[..]) {
                maxima.extend(values[input.0].clone().map(|input| (id, Maxima::new(pool, input))));
            }
            sum(id, value)?;
            done(id);
            Ok(())
        })?;
        Ok(Tape { shapes, outputs, marks, maxima, channel_sums, logits })
    }

    /// The forward pass; `check` sees the output of every node.
    fn layerwise(&self, input: &Tensor, retain: &Retain, check: impl Fn(&str, &Tensor) -> Result<()>) -> Result<Tape> {
        let shapes = self.graph.shapes(input.shape())?;
        let nodes = self.graph.nodes();
        let logits = self.graph.logits();
        let keeps = |id: NodeId| self.graph.keep(retain, id) != Keep::Nothing;
        let last_use = self.last_uses();
        let mut outputs: Vec<Option<Tensor>> = vec![None; nodes.len()];
        let (mut maxima, mut channel_sums) = (BTreeMap::new(), BTreeMap::new());

        for id in self.graph.ids() {
            let node = &nodes[id.0];
            let inputs: Vec<&Tensor> = match id {
                NodeId::INPUT => vec![input],
                _ => node.inputs.iter().filter_map(|id| outputs[id.0].as_ref()).collect(),
            };
            let (output, cache) = node.op.forward(&self.params[id.0], &inputs).map_err(|error| error.at(&node.name))?;
            check(&node.name, &output)?;
            if retain.channel_sums.contains(&id) {
                channel_sums.insert(id, ChannelSums::of(&output).map_err(|error| error.at(&node.name))?);
            }
            if keeps(id) {
                maxima.insert(id, Maxima::found(cache));
            }
            let is_read = last_use[id.0] > id;
            outputs[id.0] = (is_read || keeps(id)).then_some(output);
            for read in node.inputs.iter().filter(|read| last_use[read.0] == id && !keeps(**read)) {
                outputs[read.0] = None;
            }
        }
        let outputs = outputs.into_iter().map(|output| output.map(|tensor| Arc::new(Value::Plain(tensor)))).collect();
        let marks = vec![None; shapes.len()];
        Ok(Tape { shapes, outputs, marks, maxima, channel_sums, logits })
    }

    /// For each node the last one that reads it.
    fn last_uses(&self) -> Vec<NodeId> {
        let mut last: Vec<NodeId> = self.graph.ids().collect();
        for id in self.graph.ids() {
            self.graph.node(id).inputs.iter().for_each(|read| last[read.0] = id);
        }
        last
    }
}

pub(crate) fn expect_finite(input: &Tensor) -> Result<()> {
    if gradex_kernels::is_finite(&values(input))? {
        Ok(())
    } else {
        Err(Error::NonFinite { what: "values of", name: "input".to_owned() })
    }
}
