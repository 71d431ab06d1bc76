//! The metrics by name, as the command line takes them.

use std::str::FromStr;

use gradex::engine::meant;

/// A number that is measured of every map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Insertion's area minus deletion's.
    Faithfulness,
    /// The area below the insertion curve.
    Insertion,
    /// The area below the deletion curve.
    Deletion,
    /// Average drop.
    Drop,
    /// Average increase.
    Increase,
    /// ROAD.
    Road,
    /// Infidelity.
    Infidelity,
    /// The grid pointing game, 2x2.
    Grid2,
    /// The grid pointing game, 3x3.
    Grid3,
    /// The pointing game.
    Pointing,
    /// The energy inside the annotation.
    Energy,
    /// Intersection over union.
    Iou,
    /// Max-sensitivity.
    MaxSensitivity,
    /// Gini's sparseness.
    Gini,
    /// Entropy.
    Entropy,
    /// Model-parameter randomisation.
    Randomisation,
    /// The rank correlation with the runner-up's map.
    ClassSwap,
    /// The rank correlation with an edge map.
    Edges,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Large values are.
    Higher,
    /// Small values are.
    Lower,
    /// It describes a map and does not judge it.
    Neither,
}

impl Metric {
    /// Every metric, in the order of a table.
    pub const ALL: [Self; 18] = [
        Self::Faithfulness,
        Self::Insertion,
        Self::Deletion,
        Self::Drop,
        Self::Increase,
        Self::Road,
        Self::Infidelity,
        Self::Grid2,
        Self::Grid3,
        Self::Pointing,
        Self::Energy,
        Self::Iou,
        Self::MaxSensitivity,
        Self::Gini,
        Self::Entropy,
        Self::Randomisation,
        Self::ClassSwap,
        Self::Edges,
    ];

    /// What is measured unless other metrics are asked for, besides what annotations allow.
    pub const USUAL: [Self; 10] = [
        Self::Faithfulness,
        Self::Insertion,
        Self::Deletion,
        Self::Drop,
        Self::Increase,
        Self::Grid2,
        Self::Gini,
        Self::Entropy,
        Self::ClassSwap,
        Self::Edges,
    ];

    /// What needs annotations.
    pub const ANNOTATED: [Self; 3] = [Self::Pointing, Self::Energy, Self::Iou];

    /// Its name on the command line, and in every file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faithfulness => "insertion-deletion",
            Self::Insertion => "insertion",
            Self::Deletion => "deletion",
            Self::Drop => "drop",
            Self::Increase => "increase",
            Self::Road => "road",
            Self::Infidelity => "infidelity",
            Self::Grid2 => "grid-2x2",
            Self::Grid3 => "grid-3x3",
            Self::Pointing => "pointing",
            Self::Energy => "energy",
            Self::Iou => "iou",
            Self::MaxSensitivity => "max-sensitivity",
            Self::Gini => "gini",
            Self::Entropy => "entropy",
            Self::Randomisation => "randomisation",
            Self::ClassSwap => "class-swap",
            Self::Edges => "edge-similarity",
        }
    }

    /// What it means, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Faithfulness => "the area below the insertion curve minus that below the deletion curve",
            Self::Insertion => "mean probability while the hottest pixels appear in the blurred image first",
            Self::Deletion => "mean probability while the hottest pixels vanish first",
            Self::Drop => "part of the probability that is lost where only the map is seen",
            Self::Increase => "part of the images whose probability rises where only the map is seen",
            Self::Road => "probability without the coldest pixels minus that without the hottest ones, imputed",
            Self::Infidelity => "error in foretelling how far hidden squares lower the probability, 0 to 1",
            Self::Grid2 => "evidence on the right image of four; chance is 0.25",
            Self::Grid3 => "evidence on the right image of nine; chance is 0.11",
            Self::Pointing => {
                "part of the maps whose hottest pixel is on the object, or within 15 of the network's pixels of it"
            }
            Self::Energy => "part of the evidence that lies on the object",
            Self::Iou => "overlap of the thresholded map with the object",
            Self::MaxSensitivity => {
                "how far the map moves when the image hardly does; 0, without merit, of what ignores the image: random, centre"
            }
            Self::Gini => "sparseness of the map, 0 to 1",
            Self::Entropy => "spread of the map, in nats (natural logarithm)",
            Self::Randomisation => {
                "mean magnitude of the rank correlation with maps of networks that forget, from the logits down"
            }
            Self::ClassSwap => {
                "rank correlation with the map of the second most probable class; 1 of what knows no class"
            }
            Self::Edges => "rank correlation with an edge map of the image",
        }
    }

    /// What the rank correlation with maps of the network that forgot everything down to this layer is called in every file.
    pub fn at_depth(layer: &str) -> String {
        format!("{}:{layer}", Self::Randomisation.name())
    }

    /// Which way is good.
    pub fn better(self) -> Better {
        match self {
            Self::Faithfulness | Self::Insertion | Self::Increase | Self::Road => Better::Higher,
            Self::Grid2 | Self::Grid3 | Self::Pointing | Self::Energy | Self::Iou => Better::Higher,
            Self::Deletion | Self::Drop | Self::Infidelity | Self::MaxSensitivity => Better::Lower,
            Self::Randomisation | Self::ClassSwap | Self::Edges => Better::Lower,
            Self::Gini | Self::Entropy => Better::Neither,
        }
    }

    /// The smallest and the largest value that it can have.
    pub fn range(self) -> [f64; 2] {
        match self {
            Self::Faithfulness | Self::Road | Self::ClassSwap | Self::Edges => [-1.0, 1.0],
            Self::Insertion | Self::Deletion | Self::Drop | Self::Increase | Self::Infidelity => [0.0, 1.0],
            Self::Grid2 | Self::Grid3 | Self::Pointing | Self::Energy | Self::Iou => [0.0, 1.0],
            Self::Gini | Self::Randomisation => [0.0, 1.0],
            Self::MaxSensitivity | Self::Entropy => [0.0, f64::INFINITY],
        }
    }

    /// Whether it is 0 or 1 of each map.
    pub fn is_yes_or_no(self) -> bool {
        matches!(self, Self::Increase | Self::Pointing)
    }

    /// Images along a side of the grid that it needs, where it needs one.
    pub fn grid(self) -> Option<usize> {
        [(Self::Grid2, 2), (Self::Grid3, 3)].into_iter().find(|(metric, _)| *metric == self).map(|(_, side)| side)
    }
}

/// What `--help` says of the metrics.
pub fn help() -> String {
    let line = |metric: Metric| {
        let good = match metric.better() {
            Better::Higher => ", higher is better",
            Better::Lower => ", lower is better",
            Better::Neither => "",
        };
        format!("  {:<19} {}{good}\n", metric.name(), metric.summary())
    };
    let lines: String = Metric::ALL.into_iter().map(line).collect();
    format!(
        "Metrics, of the most probable class of each photograph:\n{lines}\n\
         Intervals are of 95 %. Milliseconds are those of a map, with its forward pass and without the measuring; modes of one \
         method share them. A photograph counts once, whatever its copies are called. docs/evaluation.md."
    )
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.into_iter().map(Self::name);
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            let all = names().collect::<Vec<_>>().join(", ");
            let meant = meant(name, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            format!("there is no metric `{name}`; {meant}there are: {all}; or all of them")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
            assert_eq!(Metric::ALL.iter().filter(|other| other.name() == metric.name()).count(), 1);
        }
    }

    #[test]
    fn help_explains_every_metric() {
        let help = help();
        for metric in Metric::ALL {
            assert!(help.contains(metric.name()) && help.contains(metric.summary()), "{}", metric.name());
        }
    }

    #[test]
    fn an_unknown_metric_is_answered_with_the_nearest() {
        for (wrong, right) in [("deletoin", "`deletion`"), ("grid", "`grid-2x2`"), ("randomization", "`randomisation`")]
        {
            let error = wrong.parse::<Metric>().unwrap_err();
            assert!(error.contains(right), "{error}");
        }
        assert!(!"foo".parse::<Metric>().unwrap_err().contains("did you mean"));
    }
}
