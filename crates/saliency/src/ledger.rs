//! Where relevance went: what arrived at each node, what it sent on, what it kept, and what nobody can account for.

use std::fmt;

use gradex_engine::{Layer, NodeId, Tensor};

use crate::composites::{Assigned, Plan};
use crate::fold::sum_of_magnitudes;
use crate::rules::{Absorbed, Propagated, total};

/// The part of a node's relevance that rounding may lose: more unexplained than this is a warning.
pub const TOLERANCE: f64 = 1e-4;

/// The account of one walk back, summed over the batch.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The composite's name.
    pub composite: String,
    /// What the walk began with at the logits.
    pub seed: f64,
    /// Magnitudes of that: 1 for a class, 2 for the difference of two. Parts of the seed are parts of this.
    pub seed_mass: f64,
    /// The nodes, from the logits back.
    pub entries: Vec<Entry>,
    /// What arrived at each of the points asked for, by name.
    pub arrived: Vec<(String, f64)>,
    /// What is suspicious.
    pub warnings: Vec<Warning>,
}

/// One node of a ledger.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub op: &'static str,
    /// The rule that it was under.
    pub rule: String,
    /// The selector that chose the rule, or what else did.
    pub why: String,
    /// What arrived.
    pub arrived: f64,
    /// What it sent to its inputs.
    pub sent: f64,
    /// The part of that which goes to nodes that lead to none of the points asked for.
    pub aside: f64,
    /// What reached no input, as far as the rule accounts for it.
    pub absorbed: Absorbed,
    /// Magnitudes of all that arrived and was sent: what rounding errors are measured by.
    pub mass: f64,
}

/// Something suspicious.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A node made or lost relevance that its rule does not account for.
    Unexplained {
        /// The node's name.
        node: String,
        /// Its kind.
        op: &'static str,
        /// Its rule.
        rule: String,
        /// What is missing; negative where there is too much.
        amount: f64,
        /// That over the node's [`Entry::mass`].
        part: f64,
        /// That over the seed.
        of_seed: f64,
    },
    /// What arrived at the points is off the seed by more than what was absorbed and went aside.
    Total {
        /// By how much; negative where there is too much.
        amount: f64,
        /// That over the seed.
        of_seed: f64,
    },
    /// Batch norms that are not folded scale relevance, or hide a bias.
    UnfoldedBatchNorms {
        /// How many.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// A line of the composite decides about no node.
    IdleLine(String),
}

impl Entry {
    pub(crate) fn new(plan: &Plan<'_>, node: NodeId, upstream: &Tensor, found: &Propagated) -> Self {
        let (described, Assigned { rule, why }) = (plan.network.graph().node(node), plan.of(node));
        Self {
            node,
            name: described.name.clone(),
            op: described.op.kind(),
            rule: rule.name(),
            why: why.clone(),
            arrived: total(upstream),
            sent: found.inputs.iter().map(total).sum(),
            aside: 0.0,
            absorbed: found.absorbed,
            mass: mass(upstream) + found.inputs.iter().map(mass).sum::<f64>(),
        }
    }

    /// What arrived and was neither sent nor absorbed; negative where more was sent than arrived.
    #[must_use]
    pub fn unexplained(&self) -> f64 {
        self.arrived - self.sent - self.absorbed.total()
    }

    fn warning(&self, seed_mass: f64) -> Option<Warning> {
        let amount = self.unexplained();
        (amount.abs() > TOLERANCE * self.mass).then(|| Warning::Unexplained {
            node: self.name.clone(),
            op: self.op,
            rule: self.rule.clone(),
            amount,
            part: amount / self.mass,
            of_seed: amount / seed_mass,
        })
    }
}

/// The sum of all magnitudes.
fn mass(tensor: &Tensor) -> f64 {
    sum_of_magnitudes(tensor.view())
}

impl Ledger {
    pub(crate) fn new(plan: &Plan<'_>, seed: &Tensor, entries: Vec<Entry>, arrived: Vec<(String, f64)>) -> Self {
        let unfolded = plan.network.unfolded_batch_norms();
        let visited = |id: &&NodeId| entries.iter().any(|entry| entry.node == **id);
        let first = unfolded.iter().find(visited).map(|id| plan.network.graph().node(*id).name.clone());
        let count = unfolded.iter().filter(visited).count();
        let norms = first.map(|first| Warning::UnfoldedBatchNorms { count, first });
        let idle = plan.idle.iter().cloned().map(Warning::IdleLine);
        let (composite, seed, seed_mass) = (plan.name.clone(), total(seed), mass(seed));
        let nodes: Vec<Warning> = entries.iter().filter_map(|entry| entry.warning(seed_mass)).collect();
        let mut ledger = Self { composite, seed, seed_mass, entries, arrived, warnings: Vec::new() };
        ledger.warnings = norms.into_iter().chain(idle).chain(nodes).chain(ledger.off()).collect();
        ledger
    }

    /// The warning that relevance is missing in all, beyond the rounding errors of its largest sum.
    fn off(&self) -> Option<Warning> {
        let largest = self.entries.iter().map(|entry| entry.mass).fold(self.seed_mass, f64::max);
        let amount = self.unexplained();
        (amount.abs() > TOLERANCE * largest).then(|| Warning::Total { amount, of_seed: amount / self.seed_mass })
    }

    /// All that was absorbed.
    #[must_use]
    pub fn absorbed(&self) -> Absorbed {
        let mut sum = Absorbed::default();
        self.entries.iter().for_each(|entry| sum += entry.absorbed);
        sum
    }

    /// All that went to nodes that lead to none of the points.
    #[must_use]
    pub fn aside(&self) -> f64 {
        self.entries.iter().map(|entry| entry.aside).sum()
    }

    /// All that nobody can account for.
    #[must_use]
    pub fn unexplained(&self) -> f64 {
        self.entries.iter().map(Entry::unexplained).sum()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexplained { node, op, rule, amount, part, of_seed } => {
                let [part, of_seed] = [part, of_seed].map(|part| 100.0 * part.abs());
                write!(f, "{op} `{node}` under `{rule}`: {amount:.3e} unexplained, {of_seed:.2} % of the seed and ")?;
                write!(f, "{part:.2} % of what goes through it")?;
                match *op {
                    "add" | "avg_pool2d" | "adaptive_avg_pool2d" => f.write_str("; give it the rule norm"),
                    "batch_norm2d" => f.write_str("; fold it, or give it the rule pass"),
                    _ => f.write_str("; give it a rule that conserves"),
                }
            }
            Self::Total { amount, of_seed } => {
                let of_seed = 100.0 * of_seed.abs();
                write!(
                    f,
                    "in all {amount:.3e} is unexplained, {of_seed:.2} % of the seed: what arrived is off it by more "
                )?;
                f.write_str("than what was absorbed")
            }
            Self::UnfoldedBatchNorms { count, first } => write!(
                f,
                "{count} batch norm(s) are not folded, first `{first}`: explain the network after `fold_batch_norms`, or, \
                 where no convolution comes before one, read the map with care"
            ),
            Self::IdleLine(line) => {
                write!(f, "the line `{line}` decides about no node: nothing matches it, or earlier lines come first")
            }
        }
    }
}

/// A table of the nodes, the sums, and the warnings.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Entry) -> &str, least: usize| {
            self.entries.iter().map(|entry| of(entry).chars().count()).fold(least, usize::max)
        };
        let widths = [width(|entry| &entry.name, 8), width(|entry| entry.op, 4), width(|entry| &entry.rule, 4)];
        let columns = ["arrived", "sent", "bias", "stabiliser", "padding", "unexplained"];
        let mut row = |[name, op, rule, why]: [&str; 4], cells: [String; 6]| {
            let cells = cells.map(|cell| format!("  {cell:>11}")).concat();
            let line = format!("{name:0$}  {op:1$}  {rule:2$}{cells}  {why}", widths[0], widths[1], widths[2]);
            writeln!(f, "{}", line.trim_end())
        };
        let number = |value: f64| format!("{value:.3e}");
        row(["node", "op", "rule", "why"], columns.map(str::to_owned))?;
        for Entry { name, op, rule, why, arrived, sent, absorbed, .. } in &self.entries {
            let Absorbed { bias, stabiliser, padding } = *absorbed;
            let unexplained = arrived - sent - absorbed.total();
            row([name, op, rule, why], [*arrived, *sent, bias, stabiliser, padding, unexplained].map(number))?;
        }
        let Absorbed { bias, stabiliser, padding } = self.absorbed();
        let arrived = self.arrived.iter().map(|(_, sum)| sum).sum();
        let cells = [self.seed, arrived, bias, stabiliser, padding, self.unexplained()];
        row(["in all", "", "", ""], cells.map(number))?;
        for (point, sum) in &self.arrived {
            writeln!(f, "of {:.3e} at the logits, {sum:.3e} arrived at `{point}`", self.seed)?;
        }
        let percent = |amount: f64| 100.0 * amount / self.seed_mass;
        let [absorbed, aside, unexplained] = [self.absorbed().total(), self.aside(), self.unexplained()].map(percent);
        writeln!(
            f,
            "of the seed {absorbed:.2} % was absorbed, {aside:.2} % went aside, {unexplained:.2} % is unexplained"
        )?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
