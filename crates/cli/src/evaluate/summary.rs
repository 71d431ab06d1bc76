//! Means over photographs, with their intervals, and what the sharpening changes.

use gradex::Extrapolation;
use gradex::metrics::{Interval, sign_flip};
use serde::Serialize;

use super::metric::{Better, Metric};
use super::record::Record;

/// A difference is more than chance where its sign-flip test gives this or less, and its interval excludes zero.
pub const LEVEL: f64 = 0.05;

/// One metric of one method and mode over all photographs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The metric; `randomisation:LAYER` at one depth, down to this layer.
    pub metric: String,
    /// `higher`, `lower`, `zero` (the nearer to it) or `neither`.
    pub better: &'static str,
    /// The method, or the baseline.
    pub method: String,
    /// The mode.
    pub extrapolation: String,
    /// The mean; null of no photograph.
    pub mean: Option<f64>,
    /// The 95 % interval of the mean; null of one photograph.
    pub interval: Option<[f64; 2]>,
    /// Photographs of which it is defined.
    pub n: usize,
    /// The mean time for a map.
    pub milliseconds: f64,
    /// Photographs whose map is blank, so that nothing is measured of it.
    pub blank: usize,
    /// Photographs.
    pub photographs: usize,
}

/// What a mode changes against another, photograph by photograph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The metric.
    pub metric: &'static str,
    /// The method.
    pub method: String,
    /// The mode.
    pub extrapolation: String,
    /// The mode that it is compared with.
    pub against: String,
    /// The mean difference.
    pub difference: f64,
    /// Its 95 % interval; null of one photograph.
    pub interval: Option<[f64; 2]>,
    /// How often chance alone gives so large a difference: the sign-flip test.
    pub p: f64,
    /// Photographs.
    pub n: usize,
    /// `better`, `worse`, `undecided`, or for metrics that do not judge `higher` or `lower`.
    pub verdict: &'static str,
}

/// The records of one method and mode, a photograph each; photographs in the same order for all.
pub struct Group<'a> {
    /// The method.
    pub method: &'a str,
    /// The mode.
    pub mode: Extrapolation,
    /// None where the photograph failed.
    pub records: Vec<Option<&'a Record>>,
}

impl Group<'_> {
    /// Of each photograph.
    fn values(&self, metric: &str) -> Vec<Option<f64>> {
        self.records.iter().map(|record| record.and_then(|record| record.value(metric))).collect()
    }

    fn blank(&self) -> usize {
        self.records.iter().flatten().filter(|record| record.blank.is_some()).count()
    }

    fn milliseconds(&self) -> f64 {
        let times: Vec<f64> = self.records.iter().flatten().map(|record| record.milliseconds).collect();
        times.iter().sum::<f64>() / times.len().max(1) as f64
    }
}

/// The rows, by metric; after randomisation its `depths`.
pub fn rows(groups: &[Group<'_>], metrics: &[Metric], depths: &[String], seed: u64) -> Vec<Row> {
    let row = |metric: Metric, name: &str, group: &Group<'_>| {
        let values: Vec<f64> = group.values(name).into_iter().flatten().collect();
        let photographs = group.records.iter().flatten().count();
        let is_depth = name != metric.name();
        let interval = match metric.is_yes_or_no() {
            true => Interval::of_hits(&values.iter().map(|value| is_hit(*value)).collect::<Vec<_>>()),
            // At a depth it has a sign.
            false if is_depth => Interval::of(&values, seed).map(|found| found.within([-1.0, 1.0])),
            false => Interval::of(&values, seed).map(|found| found.within(metric.range())),
        };
        (photographs > 0).then(|| Row {
            metric: name.to_owned(),
            better: match metric.better() {
                _ if is_depth => "zero",
                Better::Higher => "higher",
                Better::Lower => "lower",
                Better::Neither => "neither",
            },
            method: group.method.to_owned(),
            extrapolation: group.mode.to_string(),
            mean: interval.map(|interval| rounded(interval.mean)),
            interval: interval.and_then(|interval| interval.bounds).map(|bounds| bounds.map(rounded)),
            n: values.len(),
            milliseconds: rounded(group.milliseconds()),
            blank: group.blank(),
            photographs,
        })
    };
    let named = |metric: &Metric| {
        let depths = if *metric == Metric::Randomisation { depths } else { &[] };
        let names = [metric.name()].into_iter().chain(depths.iter().map(String::as_str));
        names.map(|name| (*metric, name)).collect::<Vec<_>>()
    };
    let of_groups = |(metric, name)| groups.iter().filter_map(move |group| row(metric, name, group));
    metrics.iter().flat_map(named).flat_map(of_groups).collect()
}

/// Each mode against this one, by method and metric.
pub fn comparisons(groups: &[Group<'_>], metrics: &[Metric], against: Extrapolation, seed: u64) -> Vec<Comparison> {
    let base = |group: &Group<'_>| groups.iter().find(|other| other.method == group.method && other.mode == against);
    let compare = |group: &Group<'_>, metric: Metric| {
        let pairs = group.values(metric.name()).into_iter().zip(base(group)?.values(metric.name()));
        let pairs: Vec<(f64, f64)> = pairs.filter_map(|(value, base)| value.zip(base)).collect();
        let differences: Vec<f64> = pairs.iter().map(|(value, base)| value - base).collect();
        let interval = match metric.is_yes_or_no() {
            true => {
                let hits = pairs.iter().map(|(value, base)| (is_hit(*value), is_hit(*base)));
                Interval::of_paired_hits(&hits.collect::<Vec<_>>())?
            }
            false => {
                let [low, high] = metric.range();
                Interval::of(&differences, seed)?.within([low - high, high - low])
            }
        };
        let p = sign_flip(&differences, seed);
        Some(Comparison {
            metric: metric.name(),
            method: group.method.to_owned(),
            extrapolation: group.mode.to_string(),
            against: against.to_string(),
            difference: rounded(interval.mean),
            interval: interval.bounds.map(|bounds| bounds.map(rounded)),
            p: rounded(p),
            n: interval.count,
            verdict: verdict(metric.better(), if p <= LEVEL { interval.side() } else { 0 }),
        })
    };
    let others = groups.iter().filter(|group| group.mode != against);
    others.flat_map(|group| metrics.iter().filter_map(move |metric| compare(group, *metric))).collect()
}

/// Of a metric that is 0 or 1.
fn is_hit(value: f64) -> bool {
    value > 0.5
}

/// To six significant digits: what comes after them is rounding and chance.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn verdict(better: Better, side: i32) -> &'static str {
    match (better, side) {
        (Better::Neither, 1) => "higher",
        (Better::Neither, -1) => "lower",
        (Better::Higher, 1) | (Better::Lower, -1) => "better",
        (Better::Higher, -1) | (Better::Lower, 1) => "worse",
        (Better::Higher | Better::Lower | Better::Neither, _) => "undecided",
    }
}

#[cfg(test)]
mod tests {
    use gradex::metrics::FEWEST;

    use super::*;
    use crate::evaluate::record::Key;

    fn records(deletions: &[Option<f64>], extrapolation: &str) -> Vec<Record> {
        let record = |(place, value): (usize, &Option<f64>)| Record {
            settings: String::new(),
            key: Key { input: place.to_string(), sha256: String::new() },
            class: 0,
            label: String::new(),
            method: "grad-cam".to_owned(),
            extrapolation: extrapolation.to_owned(),
            blank: None,
            metrics: [("deletion".to_owned(), *value)].into(),
            milliseconds: 10.0,
        };
        deletions.iter().enumerate().map(record).collect()
    }

    fn group(records: &[Record], mode: Extrapolation) -> Group<'_> {
        Group { method: "grad-cam", mode, records: records.iter().map(Some).collect() }
    }

    #[test]
    fn differences_are_paired_and_photographs_without_a_value_are_left_out() {
        let [a, b, c] = [0.3, 0.4, 0.5].map(Some);
        let plain = records(&[Some(0.1), Some(0.9), None, Some(0.3), a, b, c], "none");
        let [a, b, c] = [0.2, 0.3, 0.3].map(Some);
        let sharp = records(&[Some(0.0), Some(0.8), Some(0.5), Some(0.1), a, b, c], "activated");
        let groups = [group(&plain, Extrapolation::NONE), group(&sharp, Extrapolation::ACTIVATED)];
        let rows = rows(&groups, &[Metric::Deletion, Metric::Gini], &[], 0);
        assert_eq!(rows.iter().map(|row| row.n).collect::<Vec<_>>(), [6, 7, 0, 0]);
        assert_eq!(rows[0].mean, Some(0.416667), "2.5 / 6, to six digits");
        assert_eq!((rows[2].mean, rows[2].photographs), (None, 7), "what is not defined has a row that says so");
        let compared = comparisons(&groups, &[Metric::Deletion], Extrapolation::NONE, 0);
        let [Comparison { difference, interval: Some([low, high]), n: 6, p, verdict: "better", .. }] = compared[..]
        else {
            panic!("{compared:?}");
        };
        assert!(difference == -0.133333 && low > -0.2 && high < -0.05 && p == 2.0 / 64.0, "{low} {high} {p}");
    }

    #[test]
    fn intervals_stay_in_the_range_of_the_metric_and_yes_or_no_is_never_certain() {
        let of = |metric: Metric, values: &[f64], others: &[f64]| {
            let named = |values: &[f64], mode| {
                let mut records = records(&values.iter().copied().map(Some).collect::<Vec<_>>(), mode);
                for record in &mut records {
                    record.metrics = [(metric.name().to_owned(), record.metrics["deletion"])].into();
                }
                records
            };
            let (plain, sharp) = (named(values, "none"), named(others, "activated"));
            let groups = [group(&plain, Extrapolation::NONE), group(&sharp, Extrapolation::ACTIVATED)];
            let row = rows(&groups, &[metric], &[], 0).remove(0);
            (row.interval.unwrap(), comparisons(&groups, &[metric], Extrapolation::NONE, 0).remove(0).interval.unwrap())
        };
        assert_eq!(of(Metric::Iou, &[0.0, 1.0], &[1.0, 0.0]), ([0.0, 1.0], [-1.0, 1.0]));
        assert_eq!(of(Metric::Road, &[-1.0, 1.0], &[1.0, -1.0]), ([-1.0, 1.0], [-2.0, 2.0]));
        // Wilson's of 2 of 2: 1 / (1 + z² / 2).
        assert_eq!(of(Metric::Pointing, &[1.0; 2], &[1.0; 2]).0, [0.34238, 1.0]);
        assert_eq!(of(Metric::Increase, &[0.0; 13], &[0.0; 13]), ([0.0, 0.228095], [-0.228095, 0.228095]));
    }

    #[test]
    fn depths_are_good_where_they_are_near_zero_and_blank_maps_are_counted() {
        let mut records = records(&[Some(0.1), None, None], "none");
        records[1].blank = Some("no positive evidence".to_owned());
        let groups = [group(&records, Extrapolation::NONE)];
        let depths = ["randomisation:fc".to_owned()];
        let found = rows(&groups, &[Metric::Randomisation], &depths, 0);
        assert_eq!(found.iter().map(|row| row.better).collect::<Vec<_>>(), ["lower", "zero"]);
        assert!(found.iter().all(|row| (row.blank, row.photographs) == (1, 3)), "{found:?}");
    }

    #[test]
    fn few_photographs_decide_nothing_however_much_they_agree() {
        for (count, verdict) in [(1, "undecided"), (2, "undecided"), (5, "undecided"), (FEWEST, "better")] {
            let (plain, sharp) =
                (records(&vec![Some(0.9); count], "none"), records(&vec![Some(0.1); count], "activated"));
            let groups = [group(&plain, Extrapolation::NONE), group(&sharp, Extrapolation::ACTIVATED)];
            let compared = comparisons(&groups, &[Metric::Deletion], Extrapolation::NONE, 0);
            assert_eq!(compared[0].verdict, verdict, "{count}");
        }
    }

    #[test]
    fn six_digits_count() {
        for (value, expected) in [
            (0.999_999_999_999_999_7, "1.0"),
            (-1.234_567_89e-7, "-1.23457e-7"),
            (98_765_432.1, "98765400.0"),
            (0.0, "0.0"),
            (0.25, "0.25"),
        ] {
            assert_eq!(format!("{:?}", rounded(value)), expected);
        }
    }

    #[test]
    fn which_way_is_good_decides_the_verdict() {
        let of = |side| [Better::Higher, Better::Lower, Better::Neither].map(|better| verdict(better, side));
        assert_eq!(of(1), ["better", "worse", "higher"]);
        assert_eq!(of(-1), ["worse", "better", "lower"]);
        assert_eq!(of(0), ["undecided"; 3]);
    }
}
