//! results.csv, summary.json, and the table and the words on standard output.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use gradex::formats::write_file;
use gradex::metrics::FEWEST;
use serde::Serialize;

use super::metric::Metric;
use super::record::Key;
use super::settings::Settings;
use super::summary::{Comparison, LEVEL, Row};

/// The name of all of it in the folder.
pub const SUMMARY: &str = "summary.json";
/// The name of the table.
pub const TABLE: &str = "results.csv";

/// Everything that came out of a run. The keys are a contract.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// What made it.
    pub settings: Settings<'a>,
    /// The hash of the settings; lines of results.jsonl begin with its first digits.
    pub settings_sha256: String,
    /// What was measured.
    pub inputs: Vec<&'a Key>,
    /// Inputs that failed.
    pub failed: usize,
    /// The table.
    pub rows: Vec<Row>,
    /// Each mode of extrapolation against one.
    pub comparisons: Vec<Comparison>,
}

impl Summary<'_> {
    /// Writes both files, each whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        write_file(&folder.join(SUMMARY), json.as_bytes())?;
        Ok(write_file(&folder.join(TABLE), self.csv().as_bytes())?)
    }

    fn csv(&self) -> String {
        let mut csv = "metric,better,method,extrapolation,mean,low,high,n,milliseconds\n".to_owned();
        for row in &self.rows {
            let Row { metric, better, method, extrapolation, mean, interval, n, milliseconds } = row;
            let [low, high] =
                interval.map_or([String::new(), String::new()], |bounds| bounds.map(|bound| bound.to_string()));
            // Settings have commas between them.
            let extrapolation =
                if extrapolation.contains(',') { format!("\"{extrapolation}\"") } else { extrapolation.clone() };
            csv += &format!("{metric},{better},{method},{extrapolation},{mean},{low},{high},{n},{milliseconds:.1}\n");
        }
        csv
    }

    /// Prints the table and what follows from it, or all of it as JSON.
    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        let width = self.rows.iter().map(|row| row.extrapolation.len()).max().unwrap_or(0);
        for rows in self.rows.chunk_by(|one, next| one.metric == next.metric) {
            let Some(Row { metric, better, .. }) = rows.first() else { continue };
            let good = if *better == "neither" { String::new() } else { format!(" ({better} is better)") };
            writeln!(out, "{metric}{good}: {}", meaning(metric))?;
            for Row { method, extrapolation, mean, interval, n, milliseconds, .. } in rows {
                let interval = shown(*interval);
                writeln!(
                    out,
                    "  {method:<28} {extrapolation:<width$} {mean:>8.3}  {interval:<20} n {n:<5} {milliseconds:>8.0} ms"
                )?;
            }
        }
        if let Some(first) = self.comparisons.first() {
            let question = match &*first.against {
                "none" => "Does the sharpening help here?".to_owned(),
                against => format!("Is any better than {against} here?"),
            };
            writeln!(out, "\n{question} Differences by photograph, with 95 % intervals:")?;
        }
        for method in self.compared() {
            let of_method = |comparison: &&Comparison| (&comparison.method, &comparison.extrapolation) == method;
            let compared: Vec<&Comparison> = self.comparisons.iter().filter(of_method).collect();
            let against = compared.first().map_or("", |one| &one.against);
            writeln!(out, "  {}, {} against {against}: {}", method.0, method.1, in_words(&compared))?;
            for Comparison { metric, difference, interval, p, n, verdict, .. } in compared {
                let interval = shown(*interval);
                writeln!(out, "    {metric:<20} {difference:>+8.4}  {interval:<20} n {n:<5} p {p:.3}  {verdict}")?;
            }
        }
        if let Some(most) = self.comparisons.iter().map(|one| one.n).max() {
            writeln!(out, "\n{}", caution(self.comparisons.len(), most))?;
        }
        out.flush()
    }

    /// Methods and modes that are compared with another, in order.
    fn compared(&self) -> Vec<(&String, &String)> {
        let mut compared: Vec<_> = self.comparisons.iter().map(|one| (&one.method, &one.extrapolation)).collect();
        compared.dedup();
        compared
    }
}

/// What a row's metric is.
fn meaning(metric: &str) -> String {
    match metric.split_once(':') {
        Some((_, layer)) => format!("the same where the layers from the logits down to {layer} are random, signed"),
        None => metric.parse().map_or_else(|_| String::new(), |metric: Metric| metric.summary().to_owned()),
    }
}

/// What verdicts need, and how many come by chance; `most` is the largest number of photographs in a comparison.
fn caution(comparisons: usize, most: usize) -> String {
    let few = match most < FEWEST {
        true => format!("; these are {most}, so nothing is decided: give more"),
        false => String::new(),
    };
    let chance = comparisons as f64 * LEVEL;
    format!(
        "A verdict needs {FEWEST} photographs or more{few}: an interval without zero, and signs that chance gives in 5 % of \
         cases or less (p, sign-flip test).\nComparisons made: {comparisons}. At 95 % each, chance alone decides one in \
         twenty where nothing differs, here up to {chance:.1}."
    )
}

/// The verdicts in one sentence.
fn in_words(comparisons: &[&Comparison]) -> String {
    let of = |verdict: &str| {
        let metrics = comparisons.iter().filter(|one| one.verdict == verdict).map(|one| one.metric);
        metrics.collect::<Vec<_>>().join(", ")
    };
    let phrases = [("better", "better by"), ("worse", "worse by"), ("undecided", "no difference can be told by")];
    let phrases = phrases.map(|(verdict, phrase)| (phrase, of(verdict)));
    let phrases = phrases.into_iter().filter(|(_, metrics)| !metrics.is_empty());
    phrases.map(|(phrase, metrics)| format!("{phrase} {metrics}")).collect::<Vec<_>>().join("; ")
}

fn shown(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(|| "[one photograph]".to_owned(), |[low, high]| format!("[{low:.4}, {high:.4}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verdicts_need_is_told() {
        let (few, enough) = (caution(40, FEWEST - 1), caution(40, FEWEST));
        assert!(few.contains("needs 6 photographs") && few.contains("these are 5, so nothing is decided"), "{few}");
        assert!(!enough.contains("nothing is decided") && enough.contains("Comparisons made: 40."), "{enough}");
        assert!(enough.contains("up to 2.0"), "{enough}");
    }

    #[test]
    fn verdicts_become_a_sentence() {
        let comparison = |metric, verdict| Comparison {
            metric,
            method: "grad-cam".to_owned(),
            extrapolation: "activated".to_owned(),
            against: "none".to_owned(),
            difference: 0.0,
            interval: None,
            p: 1.0,
            n: 2,
            verdict,
        };
        let all = [
            comparison("insertion", "better"),
            comparison("gini", "higher"),
            comparison("drop", "undecided"),
            comparison("deletion", "better"),
        ];
        let words = in_words(&all.iter().collect::<Vec<_>>());
        assert_eq!(words, "better by insertion, deletion; no difference can be told by drop");
    }
}
