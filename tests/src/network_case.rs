//! The network of a golden case, its parameters generated from the case's seed.

use std::collections::BTreeMap;

use gradex_engine::{Graph, GraphBuilder, Network, NodeId};
use gradex_models::{Architecture, generated_parameters};
use serde_json::Value;

use crate::case::Case;
use crate::layer_case::op;

/// The network that the manifest calls `network`: the one of its `nodes`, else the architecture of that name.
///
/// # Panics
/// Where there is no such architecture, or the nodes make no network.
#[must_use]
pub fn generated_network(case: &Case) -> Network {
    let graph = match case.manifest["nodes"].as_array() {
        Some(nodes) => graph(nodes),
        None => Architecture::find(case.text("network")).and_then(Architecture::graph).expect("an architecture"),
    };
    let parameters = generated_parameters(&graph, case.number("seed") as u64);
    graph.bind(parameters).expect("a network")
}

/// The graph of nodes told by name, op, attributes and inputs, for images of three channels.
fn graph(nodes: &[Value]) -> Graph {
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let mut ids = BTreeMap::from([("input".to_owned(), NodeId::INPUT)]);
    let mut builder = GraphBuilder::new(3);
    for node in nodes {
        let inputs = node["inputs"].as_array().expect("inputs").iter().map(|input| ids[&text(input)]);
        let id = builder.join(text(&node["name"]), op(node), &inputs.collect::<Vec<_>>());
        ids.insert(text(&node["name"]), id);
    }
    builder.finish().expect("a graph")
}
