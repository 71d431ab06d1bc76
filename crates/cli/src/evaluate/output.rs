//! results.csv, summary.json, and the table and the words on standard output.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use gradex::formats::write_file;
use gradex::metrics::{FEWEST, RESAMPLES};
use serde::Serialize;

use super::metric::Metric;
use super::record::Key;
use super::settings::Settings;
use super::summary::{Comparison, LEVEL, Row};

/// The name of all of it in the folder.
pub const SUMMARY: &str = "summary.json";
/// The name of the table.
pub const TABLE: &str = "results.csv";
/// The comparisons.
pub const COMPARISONS: &str = "comparisons.csv";

/// Everything that came out of a run. The keys are a contract.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// What made it.
    pub settings: Settings<'a>,
    /// The hash of the settings; lines of results.jsonl begin with its first digits.
    pub settings_sha256: String,
    /// What was measured.
    pub inputs: Vec<&'a Key>,
    /// How many inputs failed.
    pub failed: usize,
    /// Which inputs failed, and why.
    pub failures: Vec<Failed>,
    /// sha256 of the program, where the system shows it.
    pub program_sha256: Option<String>,
    /// How intervals and verdicts come about.
    pub statistics: Statistics,
    /// Methods that have nothing to extrapolate: they are measured once, as `none`.
    pub unextrapolated: Vec<&'a str>,
    /// The table.
    pub rows: Vec<Row>,
    /// Each mode of extrapolation against one.
    pub comparisons: Vec<Comparison>,
}

/// An input that failed.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// The path as given.
    pub input: String,
    /// Why.
    pub why: String,
}

/// How intervals and verdicts come about.
#[derive(Debug, Serialize)]
pub struct Statistics {
    interval: &'static str,
    level: f64,
    resamples: usize,
    test: &'static str,
    p_at_most: f64,
    fewest_photographs: usize,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            interval: "bootstrap percentiles, widened for few values, within the metric's range; of yes or no Wilson's, of differences of these \
                       Newcombe's",
            level: 1.0 - LEVEL,
            resamples: RESAMPLES,
            test: "sign flips",
            p_at_most: LEVEL,
            fewest_photographs: FEWEST,
        }
    }
}

impl Summary<'_> {
    /// Writes the files, each whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        write_file(&folder.join(SUMMARY), json.as_bytes())?;
        write_file(&folder.join(TABLE), &csv(&self.rows.iter().map(RowLine::of).collect::<Vec<_>>())?)?;
        let compared: Vec<ComparisonLine<'_>> = self.comparisons.iter().map(ComparisonLine::of).collect();
        Ok(write_file(&folder.join(COMPARISONS), &csv(&compared)?)?)
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
            let good = match *better {
                "neither" => String::new(),
                "zero" => " (nearer to 0 is better)".to_owned(),
                _ => format!(" ({better} is better)"),
            };
            writeln!(out, "{metric}{good}: {}", meaning(metric))?;
            for row in rows {
                let Row { method, extrapolation, milliseconds, .. } = row;
                writeln!(out, "  {method:<32} {extrapolation:<width$} {:<46} {milliseconds:>8.0} ms", in_numbers(row))?;
            }
        }
        if !self.unextrapolated.is_empty() {
            let methods = self.unextrapolated.join(", ");
            writeln!(out, "\nNothing to extrapolate, so measured once, as none: {methods}")?;
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
                let interval = shown(*interval, 4);
                writeln!(
                    out,
                    "    {metric:<20} {difference:>+8.4}  {interval:<20} n {n:<5} {:<9}  {verdict}",
                    chance(*p)
                )?;
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

/// A row's mean, interval and number of photographs, and what is missing in it.
fn in_numbers(row: &Row) -> String {
    let Row { mean, interval, n, blank, photographs, .. } = row;
    let missing = match (photographs - n, blank) {
        (0, _) => String::new(),
        (_, 0) => format!(" of {photographs}"),
        (_, blank) => format!(" of {photographs}, {blank} blank"),
    };
    match mean {
        Some(mean) => format!("{mean:>8.3}  {:<20} n {n}{missing}", shown(*interval, 3)),
        None => format!("{:>8}  {:<20} n 0{missing}", "-", "[nothing to measure]"),
    }
}

/// A line of results.csv. The columns are a contract.
#[derive(Serialize)]
struct RowLine<'a> {
    metric: &'a str,
    better: &'a str,
    method: &'a str,
    extrapolation: &'a str,
    mean: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    n: usize,
    milliseconds: String,
    blank: usize,
    photographs: usize,
}

impl<'a> RowLine<'a> {
    fn of(row: &'a Row) -> Self {
        let Row { metric, better, method, extrapolation, mean, interval, n, milliseconds, blank, photographs } = row;
        Self {
            metric,
            better,
            method,
            extrapolation,
            mean: *mean,
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
            n: *n,
            milliseconds: format!("{milliseconds:.1}"),
            blank: *blank,
            photographs: *photographs,
        }
    }
}

/// A line of comparisons.csv. The columns are a contract.
#[derive(Serialize)]
struct ComparisonLine<'a> {
    metric: &'a str,
    method: &'a str,
    extrapolation: &'a str,
    against: &'a str,
    difference: f64,
    low: Option<f64>,
    high: Option<f64>,
    p: f64,
    n: usize,
    verdict: &'a str,
}

impl<'a> ComparisonLine<'a> {
    fn of(comparison: &'a Comparison) -> Self {
        let Comparison { metric, method, extrapolation, against, difference, interval, p, n, verdict } = comparison;
        Self {
            metric,
            method,
            extrapolation,
            against,
            difference: *difference,
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
            p: *p,
            n: *n,
            verdict,
        }
    }
}

fn csv(lines: &[impl Serialize]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    lines.iter().try_for_each(|line| writer.serialize(line))?;
    Ok(writer.into_inner()?)
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
    if most < FEWEST {
        return format!(
            "Nothing is decided: that takes {FEWEST} photographs or more, and no comparison has more than {most}."
        );
    }
    let chance = comparisons as f64 * LEVEL;
    format!(
        "A difference is decided where its interval excludes zero and p is {LEVEL} or less: p is how often chance alone gives \
         so large a difference (sign-flip test).\nComparisons made: {comparisons}. Where nothing differs, chance alone decides \
         one in twenty of them, here up to {chance:.1}."
    )
}

/// How often chance gives as much, which is never never.
fn chance(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p {p:.3}") }
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

fn shown(interval: Option<[f64; 2]>, digits: usize) -> String {
    interval.map_or_else(|| "[one photograph]".to_owned(), |[low, high]| format!("[{low:.digits$}, {high:.digits$}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verdicts_need_is_told() {
        let (few, enough) = (caution(40, FEWEST - 1), caution(40, FEWEST));
        assert!(few.starts_with("Nothing is decided: that takes 6") && few.contains("more than 5"), "{few}");
        assert!(
            !enough.contains("Nothing is decided")
                && enough.contains("p is 0.05 or less")
                && enough.contains("Comparisons made: 40."),
            "{enough}"
        );
        assert!(enough.contains("up to 2.0"), "{enough}");
    }

    #[test]
    fn chance_is_never_told_to_be_none() {
        assert_eq!([0.0, 0.00099, 0.001, 0.25].map(chance), ["p < 0.001", "p < 0.001", "p 0.001", "p 0.250"]);
    }

    #[test]
    fn what_is_blank_or_not_defined_is_told() {
        let row = |mean, n, blank| Row {
            metric: "gini".to_owned(),
            better: "neither",
            method: "grad-cam".to_owned(),
            extrapolation: "activated(power=2,skip=never)".to_owned(),
            mean,
            interval: None,
            n,
            milliseconds: 1.0,
            blank,
            photographs: 3,
        };
        assert!(in_numbers(&row(None, 0, 3)).ends_with("[nothing to measure] n 0 of 3, 3 blank"));
        assert!(in_numbers(&row(Some(0.5), 1, 2)).ends_with("n 1 of 3, 2 blank"));
        let bounded = Row { interval: Some([0.25, 0.9999]), ..row(Some(0.5), 3, 0) };
        assert!(in_numbers(&bounded).contains("0.500  [0.250, 1.000] "), "a mean and its bounds have as many digits");
        assert!(
            in_numbers(&row(Some(0.5), 2, 0)).ends_with("n 2 of 3")
                && in_numbers(&row(Some(0.5), 3, 0)).ends_with("n 3")
        );
        let written = String::from_utf8(csv(&[RowLine::of(&row(None, 0, 3))]).unwrap()).unwrap();
        assert!(written.ends_with("grad-cam,\"activated(power=2,skip=never)\",,,,0,1.0,3,3\n"), "{written}");
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
