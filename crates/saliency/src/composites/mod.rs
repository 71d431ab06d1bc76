//! Composites: which rule each node of a network gets.
//!
//! A composite is an ordered list of a [`Selector`] and a [`Rule`]; the first that matches wins. A node that none matches
//! gets its gradient.

mod named;
mod parse;
mod plan;
mod selector;

use std::fmt;
use std::sync::Arc;

use gradex_engine::{Graph, Network, NodeId, Op};

pub use plan::{Assigned, Plan};
pub use selector::{Kind, Name, Place, Selector};

use crate::error::{Error, Result};
use crate::rules::{Gradient, Pass, Rule, norm};

/// Rules for the layers of any network.
#[derive(Debug, Clone)]
pub struct Composite {
    name: String,
    lines: Vec<Line>,
    conserves: bool,
}

/// A line of a composite.
#[derive(Debug, Clone)]
struct Line {
    selector: Selector,
    rule: Arc<dyn Rule>,
    /// Whether it is one of those that every LRP composite ends with.
    common: bool,
}

impl Composite {
    /// Without a line: the gradient everywhere.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), lines: Vec::new(), conserves: false }
    }

    /// With this line after the others.
    #[must_use]
    pub fn with(self, selector: Selector, rule: impl Rule + 'static) -> Self {
        self.line(selector, Arc::new(rule))
    }

    /// With this line after the others; the rule may be shared.
    #[must_use]
    pub fn line(mut self, selector: Selector, rule: Arc<dyn Rule>) -> Self {
        self.lines.push(Line { selector, rule, common: false });
        self
    }

    /// With the lines that every LRP composite ends with: activation and batch norm pass, sum and average pool norm, and
    /// the gradient elsewhere (max-pool, flatten, concatenation, dropout). From here on it is meant to conserve
    /// relevance, so batch norms should be folded, and a ledger warns where it does not.
    #[must_use]
    pub fn ending_in_lrp(mut self) -> Self {
        let common = |kind, rule| Line { selector: Selector::kind(kind), rule, common: true };
        self.lines.extend([
            common(Kind::Activation, Arc::new(Pass) as Arc<dyn Rule>),
            common(Kind::Op("add"), Arc::new(norm())),
            common(Kind::AveragePool, Arc::new(norm())),
            common(Kind::Op("batch_norm2d"), Arc::new(Pass)),
        ]);
        Self { conserves: true, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is meant to conserve relevance, on a network with folded batch norms.
    #[must_use]
    pub fn conserves(&self) -> bool {
        self.conserves
    }

    /// Checks that every line matches a node, those aside that every LRP composite ends with.
    ///
    /// # Errors
    /// [`Error::Rules`] with the first line that does not, and the names nearest to it.
    pub fn check(&self, graph: &Graph) -> Result<()> {
        let lost = |line: &&Line| !line.common && line.selector.select(graph).is_empty();
        let Some(line) = self.lines.iter().find(lost) else { return Ok(()) };
        Err(Error::Rules { text: line.to_string(), why: line.selector.why_nothing(graph) })
    }

    /// The rule of every node of `network`, and why it gets this one.
    ///
    /// A batch norm that was folded is the identity and passes, whatever the lines say.
    #[must_use]
    pub fn explain<'n>(&self, network: &'n Network) -> Plan<'n> {
        let graph = network.graph();
        let unfolded = network.unfolded_batch_norms();
        let chosen: Vec<Vec<NodeId>> = self.lines.iter().map(|line| line.selector.select(graph)).collect();
        let mut decides = vec![false; self.lines.len()];
        let mut assign = |id: NodeId| {
            if matches!(graph.node(id).op, Op::BatchNorm2d(_)) && !unfolded.contains(&id) {
                return Assigned { rule: Arc::new(Pass), why: "folded into the convolution before it".to_owned() };
            }
            match chosen.iter().position(|nodes| nodes.binary_search(&id).is_ok()) {
                Some(index) => {
                    decides[index] = true;
                    let Line { selector, rule, .. } = &self.lines[index];
                    Assigned { rule: rule.clone(), why: format!("`{selector}`") }
                }
                None => Assigned { rule: Arc::new(Gradient), why: "no line matches".to_owned() },
            }
        };
        let assigned = graph.ids().map(&mut assign).collect();
        let idle = |(line, decides): (&Line, &bool)| (!decides && !line.common).then(|| line.to_string());
        let idle = self.lines.iter().zip(&decides).filter_map(idle).collect();
        Plan { network, name: self.name.clone(), conserves: self.conserves, assigned, idle }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.selector, self.rule.name())
    }
}

/// The lines as text that makes the composite again, without those that every LRP composite ends with.
impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.lines.iter().filter(|line| !line.common).map(ToString::to_string);
        f.write_str(&own.collect::<Vec<_>>().join("; "))
    }
}
