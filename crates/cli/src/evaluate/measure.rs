//! All that is measured of one source's maps of one picture.

use std::collections::BTreeMap;

use gradex::Network;
use gradex::methods::Baseline;
use gradex::metrics::{
    Curve, Deletion, DropIncrease, Infidelity, Insertion, MaxSensitivity, Result, Road, Scorer, TOLERANCE, baselines,
    energy, entropy, gini, grid_pointing_game, iou, pointing_game,
};
use gradex::saliency::rank_correlation;
use ndarray::{Array2, ArrayView2, Axis};

use super::metric::Metric;
use super::source::{Made, Source};
use super::subject::Subject;
use crate::forgetful::Forgetful;
use crate::interrupt::Interrupt;

/// How everything is measured.
pub struct Measures<'a> {
    /// The network.
    pub network: &'a Network,
    /// The same, having forgotten more and more.
    pub forgetful: Vec<Forgetful>,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Steps of the curves.
    pub steps: usize,
    /// Images in a batch.
    pub batch: usize,
    /// Seed of whatever is random.
    pub seed: u64,
    /// The threshold of iou.
    pub threshold: f32,
    /// Ctrl-C.
    pub interrupt: Interrupt,
}

/// Values by the metric's name.
pub type Values = BTreeMap<String, Option<f64>>;

/// The source's maps of other images and of other networks, each for every mode.
struct Others {
    /// Of each grid.
    grids: Vec<Vec<Made>>,
    /// Of each forgetful network.
    forgetful: Vec<Vec<Made>>,
    /// Of the runner-up.
    swapped: Vec<Made>,
    /// Of each changed image.
    changed: Vec<Vec<Made>>,
}

impl Measures<'_> {
    /// The source's maps of the picture, one for each of its modes, and what is measured of each.
    ///
    /// # Errors
    /// As the method's and the metrics'.
    pub fn of(&self, subject: &Subject<'_>, source: &Source) -> Result<Vec<(Made, Values)>> {
        let maps = |network, input, class| source.maps(network, input, class, &self.interrupt);
        let made = maps(self.network, subject.input, subject.class)?;
        let if_asked = |metric| self.metrics.contains(&metric);
        let others = Others {
            grids: subject
                .grids
                .iter()
                .map(|(_, grid, _)| maps(self.network, grid, subject.class))
                .collect::<Result<_>>()?,
            forgetful: self
                .forgetful
                .iter()
                .map(|forgetful| maps(&forgetful.network, subject.input, subject.class))
                .collect::<Result<_>>()?,
            swapped: match if_asked(Metric::ClassSwap) {
                true => maps(self.network, subject.input, subject.runner_up)?,
                false => Vec::new(),
            },
            changed: match if_asked(Metric::MaxSensitivity) {
                true => self
                    .changed(subject)?
                    .iter()
                    .map(|input| maps(self.network, input, subject.class))
                    .collect::<Result<_>>()?,
                false => Vec::new(),
            },
        };
        let scorer = subject.scorer(self.network, &self.interrupt);
        let measured = |(mode, made): (usize, Made)| {
            let values = match made.blank {
                Some(_) => self.metrics.iter().map(|metric| (metric.name().to_owned(), None)).collect(),
                None => self.values(subject, &scorer, made.map.view(), &others, mode)?,
            };
            Ok((made, values))
        };
        made.into_iter().enumerate().map(measured).collect()
    }

    fn values(
        &self,
        subject: &Subject<'_>,
        scorer: &impl Scorer,
        map: ArrayView2<'_, f32>,
        others: &Others,
        mode: usize,
    ) -> Result<Values> {
        let asked = |wanted: &[Metric]| self.metrics.iter().any(|metric| wanted.contains(metric));
        let image = subject.image()?;
        let (steps, batch) = (self.steps, self.batch);
        let insertion = asked(&[Metric::Faithfulness, Metric::Insertion])
            .then(|| Insertion { steps, batch, ..Insertion::default() }.curve(scorer, image, map))
            .transpose()?;
        let deletion = asked(&[Metric::Faithfulness, Metric::Deletion])
            .then(|| Deletion { steps, batch, ..Deletion::default() }.curve(scorer, image, map))
            .transpose()?;
        let dimmed = asked(&[Metric::Drop, Metric::Increase])
            .then(|| DropIncrease::of(scorer, image, map, &Baseline::Zero))
            .transpose()?;
        let correlations: Vec<Option<f64>> =
            others.forgetful.iter().map(|made| rank_correlation(map, &made[mode].map)).collect();
        let [insertion, deletion] = [insertion, deletion].map(|curve| curve.as_ref().map(Curve::area));
        let value = |metric: Metric| -> Result<Option<f64>> {
            Ok(match metric {
                Metric::Faithfulness => insertion.zip(deletion).map(|(insertion, deletion)| insertion - deletion),
                Metric::Insertion => insertion,
                Metric::Deletion => deletion,
                Metric::Drop => dimmed.map(|dimmed| dimmed.drop),
                Metric::Increase => dimmed.map(|dimmed| f64::from(u8::from(dimmed.increase))),
                Metric::Road => Some(Road { seed: self.seed, batch, ..Road::default() }.of(scorer, image, map)?),
                Metric::Infidelity => {
                    let infidelity = Infidelity { seed: self.seed, batch, ..Infidelity::default() };
                    subject.falls(scorer, &infidelity)?.infidelity(map)?
                }
                Metric::Grid2 | Metric::Grid3 => on_grid(subject, metric, others, mode)?,
                Metric::Pointing => {
                    let hit = |mask: &Array2<bool>| pointing_game(map, mask.view(), TOLERANCE);
                    subject.mask.as_ref().map(hit).transpose()?.map(|hit| f64::from(u8::from(hit)))
                }
                Metric::Energy => subject.mask.as_ref().map(|mask| energy(map, mask.view())).transpose()?.flatten(),
                Metric::Iou => {
                    let overlap = |mask: &Array2<bool>| iou(map, mask.view(), self.threshold);
                    subject.mask.as_ref().map(overlap).transpose()?.flatten()
                }
                Metric::MaxSensitivity => {
                    let mut changed = others.changed.iter().map(|made| made[mode].map.clone());
                    let next = |_: &_| Ok(changed.next().unwrap_or_else(|| map.to_owned()));
                    self.sensitivity().of(image, map, next)?
                }
                Metric::Gini => gini(map),
                Metric::Entropy => entropy(map),
                Metric::Randomisation => {
                    let magnitudes: Vec<f64> = correlations.iter().flatten().map(|found| found.abs()).collect();
                    (!magnitudes.is_empty()).then(|| magnitudes.iter().sum::<f64>() / magnitudes.len() as f64)
                }
                Metric::ClassSwap => others.swapped.get(mode).and_then(|made| rank_correlation(map, &made.map)),
                Metric::Edges => rank_correlation(map, &baselines::edges(image)),
            })
        };
        let mut values: Values =
            self.metrics.iter().map(|metric| Ok((metric.name().to_owned(), value(*metric)?))).collect::<Result<_>>()?;
        values.extend(self.forgetful.iter().map(|one| Metric::at_depth(&one.layer)).zip(correlations));
        Ok(values)
    }

    fn sensitivity(&self) -> MaxSensitivity {
        MaxSensitivity { seed: self.seed, ..MaxSensitivity::default() }
    }

    /// The network's inputs after each change that must not matter.
    fn changed(&self, subject: &Subject<'_>) -> Result<Vec<gradex::Tensor>> {
        let (image, sensitivity) = (subject.image()?, self.sensitivity());
        let changed = |sample| sensitivity.changed(image, sample).insert_axis(Axis(0)).into_dyn();
        Ok((0..sensitivity.samples).map(changed).collect())
    }
}

/// The share of the evidence that lies on the picture's own cell; none where there are too few classes for a grid.
fn on_grid(subject: &Subject<'_>, metric: Metric, others: &Others, mode: usize) -> Result<Option<f64>> {
    let of_side = |((side, _, _), _): &(&(usize, gradex::Tensor, usize), &Vec<Made>)| Some(*side) == metric.grid();
    let Some(((side, _, cell), made)) = subject.grids.iter().zip(&others.grids).find(of_side) else { return Ok(None) };
    grid_pointing_game(made[mode].map.view(), *side, *cell)
}
