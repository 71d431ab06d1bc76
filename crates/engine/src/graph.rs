//! Architectures: named nodes in execution order, without parameters.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::layers::Input;
use crate::names::nearest;
use crate::op::Op;

/// A node of a graph: its place in execution order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The network's input.
    pub const INPUT: Self = Self(0);

    /// The place in execution order, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// A layer with a name and the nodes that it reads.
#[derive(Debug, Clone)]
pub struct Node {
    /// The name, torchvision's: `layer1.0.conv1`.
    pub name: String,
    /// The layer.
    pub op: Op,
    /// What it reads, in order.
    pub inputs: Vec<NodeId>,
}

/// An architecture. Node 0 is the input, every node reads earlier ones, the last is the output.
#[derive(Debug, Clone)]
pub struct Graph {
    nodes: Vec<Node>,
    /// For each node, those that read it, in order.
    readers: Vec<Vec<NodeId>>,
}

impl Graph {
    /// The nodes in execution order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All ids in execution order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The node whose output are the logits: the last, or what it reads where it is a softmax.
    #[must_use]
    pub fn logits(&self) -> NodeId {
        let last = NodeId(self.nodes.len() - 1);
        if matches!(self.node(last).op, Op::Softmax(_)) { self.node(last).inputs[0] } else { last }
    }

    /// The node of this name, or the last node below it: `layer4` is `layer4.2.relu_2`.
    ///
    /// # Errors
    /// [`Error::UnknownNode`] with the nearest names.
    pub fn find(&self, name: &str) -> Result<NodeId> {
        let is = |node: &Node| node.name == name;
        let below = |node: &Node| node.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let place = self.nodes.iter().position(is).or_else(|| self.nodes.iter().rposition(below));
        place.map(NodeId).ok_or_else(|| Error::UnknownNode {
            name: name.to_owned(),
            nearest: nearest(name, self.nodes.iter().map(|node| node.name.as_str())),
        })
    }

    /// The shape of every node's output for an input of shape `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`Error::Node`] with the first node that cannot take what reaches it.
    pub fn shapes(&self, input: &[usize]) -> Result<Vec<Vec<usize>>> {
        let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<&[usize]> = match node.inputs[..] {
                [] => vec![input],
                _ => node.inputs.iter().map(|id| &shapes[id.0][..]).collect(),
            };
            let shape = node.op.output_shape(&inputs).map_err(|error| error.at(&node.name))?;
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// Whether each node's output provably has no negative value.
    #[must_use]
    pub fn non_negative(&self) -> Vec<bool> {
        let mut known: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<bool> = node.inputs.iter().map(|id| known[id.0]).collect();
            known.push(node.op.is_non_negative(&inputs));
        }
        known
    }

    /// The nodes that read this one, in order.
    pub(crate) fn readers(&self, id: NodeId) -> &[NodeId] {
        &self.readers[id.0]
    }

    /// The nodes that do not depend on `point` but are read by some that do: a residual connection round it starts there.
    #[must_use]
    pub fn beside(&self, point: NodeId) -> Vec<NodeId> {
        let depend = self.depend_on(&[point]);
        let read_by_dependents =
            |id: NodeId| self.readers(id).iter().any(|reader| *reader != point && depend[reader.0]);
        self.ids().filter(|id| !depend[id.0] && read_by_dependents(*id)).collect()
    }

    /// Replaces a node's layer by one of the same shapes.
    pub(crate) fn replace(&mut self, node: NodeId, op: Op) {
        self.nodes[node.0].op = op;
    }

    /// Whether `node` reads each node, directly or not; it counts itself.
    #[must_use]
    pub fn leads_to(&self, node: NodeId) -> Vec<bool> {
        let mut leads = vec![false; self.nodes.len()];
        leads[node.0] = true;
        for index in (0..=node.0).rev().filter(|index| *index < self.nodes.len()) {
            if leads[index] {
                self.nodes[index].inputs.iter().for_each(|input| leads[input.0] = true);
            }
        }
        leads
    }

    /// Whether each node's output depends on one of `sources`, which count themselves.
    #[must_use]
    pub fn depend_on(&self, sources: &[NodeId]) -> Vec<bool> {
        let mut depend: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            depend.push(sources.contains(&NodeId(index)) || node.inputs.iter().any(|id| depend[id.0]));
        }
        depend
    }
}

/// Makes a [`Graph`] node by node.
#[derive(Debug)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
}

impl GraphBuilder {
    /// A graph of one node, `input`, with images of this many channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self { nodes: vec![Node { name: "input".to_owned(), op: Input { channels }.into(), inputs: Vec::new() }] }
    }

    /// Adds a node that reads one other.
    pub fn add(&mut self, name: impl Into<String>, op: impl Into<Op>, input: NodeId) -> NodeId {
        self.join(name, op, &[input])
    }

    /// Adds a node that reads several others.
    pub fn join(&mut self, name: impl Into<String>, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.nodes.push(Node { name: name.into(), op: op.into(), inputs: inputs.to_vec() });
        NodeId(self.nodes.len() - 1)
    }

    /// The graph.
    ///
    /// # Errors
    /// [`Error::Graph`] where two nodes share a name, a node reads a later one or none, or there is a second input.
    pub fn finish(self) -> Result<Graph> {
        let mut names = HashSet::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if !names.insert(&node.name) {
                return Err(Error::Graph(format!("two nodes are called `{}`", node.name)));
            }
            if (index > 0) == matches!(node.op, Op::Input(_)) {
                return Err(Error::Graph(format!("`{}` is a second input", node.name)));
            }
            if (index > 0 && node.inputs.is_empty()) || node.inputs.iter().any(|id| id.0 >= index) {
                return Err(Error::Graph(format!("`{}` must read one earlier node or more", node.name)));
            }
        }
        let mut readers = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for input in &node.inputs {
                if readers[input.0].last() != Some(&NodeId(index)) {
                    readers[input.0].push(NodeId(index));
                }
            }
        }
        Ok(Graph { nodes: self.nodes, readers })
    }
}
