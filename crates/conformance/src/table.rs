//! Rules by kinds of layers, as Markdown.

use std::fmt;

use crate::cases::VALUES;
use crate::report::{Counts, Report};

/// A row a rule and a column a kind of layer; below it each failing case.
#[derive(Debug, Clone, Copy)]
pub struct Table<'r>(pub &'r [Report]);

impl Table<'_> {
    /// The kinds, in the order of the cases.
    fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        for result in self.0.iter().flat_map(|report| &report.results) {
            if !kinds.contains(&result.kind) {
                kinds.push(result.kind);
            }
        }
        kinds
    }

    /// The names of this kind's cases, without what values each is tried on.
    fn cases(&self, kind: &str) -> Vec<&str> {
        let mut cases = Vec::new();
        for result in self.0.iter().flat_map(|report| &report.results).filter(|result| result.kind == kind) {
            let case = VALUES.iter().find_map(|values| result.case.strip_suffix(values)).unwrap_or(&result.case);
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }
}

fn cell(Counts { passing, failing, refused }: Counts) -> String {
    match (passing + failing, failing) {
        (0, _) if refused > 0 => "-".to_owned(),
        (0, _) => String::new(),
        (_, 0) => passing.to_string(),
        (all, _) => format!("**{passing} of {all}**"),
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds();
        let heads: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        writeln!(f, "| rule | {} | checks |", heads.join(" | "))?;
        writeln!(f, "|---|{}--:|", "--:|".repeat(kinds.len()))?;
        for report in self.0 {
            let cells: Vec<String> = kinds.iter().map(|kind| cell(report.counts(|other| other == *kind))).collect();
            writeln!(f, "| {} | {} | {} |", report.rule, cells.join(" | "), report.held())?;
        }
        writeln!(f)?;
        let mut failures = self.0.iter().flat_map(Report::failures).peekable();
        if failures.peek().is_none() {
            writeln!(f, "No case fails.")?;
        }
        failures.try_for_each(|failure| writeln!(f, "- {failure}"))?;
        writeln!(f)?;
        kinds.iter().try_for_each(|kind| writeln!(f, "- `{kind}`: {}", self.cases(kind).join("; ")))
    }
}
