//! How the score of a class follows maps: insertion and deletion, for the curves of a report.

use anyhow::Result;
use gradex::Model;
use gradex::metrics::{Curve, Deletion, Insertion, Probability, baselines};
use ndarray::{Array2, ArrayView2, ArrayView3};

use crate::interrupt::Interrupt;
use crate::page::{Order, Stroke};

/// Measures maps of one image and class.
pub struct Follow<'a> {
    scorer: Probability<'a>,
    image: ArrayView3<'a, f32>,
    steps: usize,
    interrupt: &'a Interrupt,
}

impl<'a> Follow<'a> {
    /// For the network's input and a class, in so many steps.
    pub fn new(
        model: &'a Model,
        image: ArrayView3<'a, f32>,
        class: usize,
        steps: usize,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { scorer: Probability { network: &model.network, class }, image, steps, interrupt }
    }

    /// The curves of a map of the input's size, of a method or a baseline.
    pub fn order(&self, name: String, method: Option<&str>, stroke: Stroke, map: ArrayView2<'_, f32>) -> Result<Order> {
        self.interrupt.check()?;
        let insertion = Insertion { steps: self.steps, ..Insertion::default() }.curve(&self.scorer, self.image, map)?;
        self.interrupt.check()?;
        let deletion = Deletion { steps: self.steps, ..Deletion::default() }.curve(&self.scorer, self.image, map)?;
        let method = method.map(str::to_owned);
        Ok(Order { name, method, stroke, insertion: drawn(&insertion), deletion: drawn(&deletion) })
    }

    /// The curves of orders that know nothing of the network.
    pub fn baselines(&self, seed: u64) -> Result<Vec<Order>> {
        let (_, height, width) = self.image.dim();
        let size = [height, width];
        let maps = [
            ("random", baselines::random(size, seed)),
            ("centre", baselines::centre(size)),
            ("edges", baselines::edges(self.image)),
        ];
        let order = |(pattern, (name, map)): (usize, (&str, Array2<f32>))| {
            self.order(name.to_owned(), None, Stroke::Dotted(pattern), map.view())
        };
        maps.into_iter().enumerate().map(order).collect()
    }
}

fn drawn(curve: &Curve) -> (Vec<(f64, f64)>, f64) {
    (curve.fractions.iter().copied().zip(curve.scores.iter().copied()).collect(), curve.area())
}
