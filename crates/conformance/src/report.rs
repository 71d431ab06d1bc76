//! What the checks found of one rule.

use std::fmt;

use gradex_engine::Error;

use crate::checks::{Check, Outcome, Verdict};
use crate::fault::Fault;

/// A rule on all cases.
#[derive(Debug, Clone)]
pub struct Report {
    /// The rule's name.
    pub rule: String,
    /// Each case in turn.
    pub results: Vec<CaseResult>,
}

/// A rule on one case.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// The layer's kind, or `network`.
    pub kind: &'static str,
    /// The case's name.
    pub case: String,
    /// What came of it.
    pub outcome: CaseOutcome,
}

/// What came of a rule on one case.
#[derive(Debug, Clone)]
pub enum CaseOutcome {
    /// The rule does not apply to such a layer, and says so with a typed error.
    Refused(Error),
    /// The rule was checked.
    Checked {
        /// How many checks hold.
        held: usize,
        /// Those that do not.
        failures: Vec<(Check, Fault)>,
    },
}

/// A check that does not hold.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'r> {
    /// The rule's name.
    pub rule: &'r str,
    /// The layer's kind, or `network`.
    pub kind: &'static str,
    /// The case's name.
    pub case: &'r str,
    /// What was checked.
    pub check: Check,
    /// What is wrong.
    pub fault: &'r Fault,
}

/// Cases counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cases in which every check holds.
    pub passing: usize,
    /// Cases in which one does not.
    pub failing: usize,
    /// Cases that the rule refuses.
    pub refused: usize,
}

impl CaseOutcome {
    pub(crate) fn of(verdicts: impl IntoIterator<Item = (Check, Verdict)>) -> Self {
        let (mut held, mut failures) = (0, Vec::new());
        for (check, verdict) in verdicts {
            match verdict {
                Ok(Outcome::Holds) => held += 1,
                Ok(Outcome::DoesNotApply) => {}
                Err(fault) => failures.push((check, fault)),
            }
        }
        Self::Checked { held, failures }
    }
}

impl Report {
    /// Whether every check holds, and there was one.
    #[must_use]
    pub fn passes(&self) -> bool {
        let Counts { passing, failing, .. } = self.counts(|_| true);
        failing == 0 && passing > 0
    }

    /// The checks that do not hold.
    pub fn failures(&self) -> impl Iterator<Item = Failure<'_>> {
        self.results.iter().flat_map(|CaseResult { kind, case, outcome }| {
            let failures = match outcome {
                CaseOutcome::Refused(_) => &[][..],
                CaseOutcome::Checked { failures, .. } => failures,
            };
            failures.iter().map(|(check, fault)| Failure { rule: &self.rule, kind, case, check: *check, fault })
        })
    }

    /// Counts the cases of these kinds.
    #[must_use]
    pub fn counts(&self, of: impl Fn(&str) -> bool) -> Counts {
        let mut counts = Counts::default();
        for result in self.results.iter().filter(|result| of(result.kind)) {
            match &result.outcome {
                CaseOutcome::Refused(_) => counts.refused += 1,
                CaseOutcome::Checked { failures, .. } if failures.is_empty() => counts.passing += 1,
                CaseOutcome::Checked { .. } => counts.failing += 1,
            }
        }
        counts
    }

    /// How many checks hold.
    #[must_use]
    pub fn held(&self) -> usize {
        let held = |result: &CaseResult| match result.outcome {
            CaseOutcome::Refused(_) => 0,
            CaseOutcome::Checked { held, .. } => held,
        };
        self.results.iter().map(held).sum()
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, kind, case, check, fault } = self;
        write!(f, "{rule} on {kind} ({case}), {check}: {fault}")
    }
}

/// The counts, and a line for each check that does not hold.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { passing, failing, refused } = self.counts(|_| true);
        let held = self.held();
        writeln!(f, "{}: {passing} cases pass ({held} checks hold), {failing} fail, {refused} refused", self.rule)?;
        self.failures().try_for_each(|failure| writeln!(f, "  {failure}"))
    }
}
