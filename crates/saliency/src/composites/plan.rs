//! A composite laid out on a network.

use std::fmt;
use std::sync::Arc;

use gradex_engine::{Layer, Network, NodeId};

use crate::rules::Rule;

/// The rule of every node.
#[derive(Debug, Clone)]
pub struct Plan<'n> {
    /// The network.
    pub network: &'n Network,
    /// The composite's name.
    pub name: String,
    /// Whether the composite is meant to conserve relevance.
    pub conserves: bool,
    /// The rule of each node, by [`NodeId::index`].
    pub assigned: Vec<Assigned>,
    /// The composite's lines that decide about no node: nothing matches them, or earlier lines come first.
    pub idle: Vec<String>,
}

/// A node's rule.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// The rule.
    pub rule: Arc<dyn Rule>,
    /// The selector that chose it, or what else did.
    pub why: String,
}

impl Plan<'_> {
    /// A node's rule.
    #[must_use]
    pub fn of(&self, node: NodeId) -> &Assigned {
        &self.assigned[node.index()]
    }
}

/// A table of node, op, rule and why, in execution order, and below it the lines that decide about nothing.
impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = self.network.graph();
        let rows = graph.ids().skip(1).map(|id| {
            let (node, Assigned { rule, why }) = (graph.node(id), self.of(id));
            [node.name.clone(), node.op.kind().to_owned(), rule.name(), why.clone()]
        });
        let rows: Vec<[String; 4]> =
            [["node", "op", "rule", "why"].map(str::to_owned)].into_iter().chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2].map(width);
        for [node, op, rule, why] in &rows {
            writeln!(f, "{node:0$}  {op:1$}  {rule:2$}  {why}", widths[0], widths[1], widths[2])?;
        }
        for line in &self.idle {
            writeln!(f, "the line `{line}` decides about no node: nothing matches it, or earlier lines come first")?;
        }
        Ok(())
    }
}
