//! The ledger of a relevance walk, as JSON or as a table. The keys are a contract.

use gradex::saliency::rules::Absorbed;
use gradex::saliency::{Entry, Ledger};
use serde::Serialize;

/// What arrived where, what was sent on and what was absorbed.
#[derive(Debug, Serialize)]
pub struct Account {
    /// What the walk began with at the logits.
    seed: f64,
    /// The sum of its magnitudes.
    seed_mass: f64,
    /// The nodes, from the logits back.
    entries: Vec<Line>,
    /// What arrived at the points.
    arrived: Vec<Arrived>,
    /// All that was absorbed.
    absorbed: Kept,
    /// All that went to nodes that lead to none of the points.
    aside: f64,
    /// All that nobody can account for.
    unexplained: f64,
    /// What is suspicious.
    warnings: Vec<String>,
    #[serde(skip)]
    table: String,
}

#[derive(Debug, Serialize)]
struct Line {
    node: String,
    op: &'static str,
    rule: String,
    why: String,
    arrived: f64,
    sent: f64,
    absorbed: Kept,
    unexplained: f64,
}

#[derive(Debug, Serialize)]
struct Arrived {
    node: String,
    amount: f64,
}

#[derive(Debug, Serialize)]
struct Kept {
    bias: f64,
    stabiliser: f64,
    padding: f64,
}

impl Account {
    /// The account that a ledger gives.
    pub fn of(ledger: &Ledger) -> Self {
        let arrived = ledger.arrived.iter().map(|(node, amount)| Arrived { node: node.clone(), amount: *amount });
        Self {
            seed: ledger.seed,
            seed_mass: ledger.seed_mass,
            entries: ledger.entries.iter().map(Line::from).collect(),
            arrived: arrived.collect(),
            absorbed: ledger.absorbed().into(),
            aside: ledger.aside(),
            unexplained: ledger.unexplained(),
            warnings: ledger.warnings.iter().map(ToString::to_string).collect(),
            table: ledger.to_string(),
        }
    }

    /// The ledger as a table, with the sums and the warnings below it.
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        let Entry { name, op, rule, why, arrived, sent, absorbed, .. } = entry;
        let (node, rule, why, absorbed) = (name.clone(), rule.clone(), why.clone(), (*absorbed).into());
        Self { node, op, rule, why, arrived: *arrived, sent: *sent, absorbed, unexplained: entry.unexplained() }
    }
}

impl From<Absorbed> for Kept {
    fn from(Absorbed { bias, stabiliser, padding }: Absorbed) -> Self {
        Self { bias, stabiliser, padding }
    }
}
