//! How the score of a class follows maps: curves of insertion and deletion, and the areas below them.

use super::chart::{Line, Stroke, chart, legend};
use super::html::{Html, fill, text};
use super::photograph::Verdict;

/// Fractions and scores, and the area below them.
pub type Drawn = (Vec<(f64, f64)>, f64);

/// An order of pixels, and what became of the score.
#[derive(Debug)]
pub struct Order {
    /// The map that gives the order.
    pub name: String,
    /// The method whose map it is; none of a map that knows nothing of the network.
    pub method: Option<String>,
    /// How its curves are drawn.
    pub stroke: Stroke,
    /// The curve of insertion.
    pub insertion: Drawn,
    /// The curve of deletion.
    pub deletion: Drawn,
}

impl Order {
    /// The area below insertion minus that below deletion.
    pub fn difference(&self) -> f64 {
        self.insertion.1 - self.deletion.1
    }
}

/// Curves of several orders.
#[derive(Debug)]
pub struct Measured {
    /// What was measured, and how.
    pub about: String,
    /// What is to be thought of the curves.
    pub verdicts: Vec<Verdict>,
    /// The orders; none where nothing was measured.
    pub orders: Vec<Order>,
}

impl Measured {
    /// The curves and the table; `id` is the question's in the page.
    pub fn block(&self, id: &str) -> Html {
        if self.orders.is_empty() {
            return Html::default();
        }
        let lines = |curve: fn(&Order) -> &Drawn| -> Vec<Line> {
            let line =
                |order: &Order| Line { name: order.name.clone(), stroke: order.stroke, points: curve(order).0.clone() };
            self.orders.iter().map(line).collect()
        };
        let (insertion, deletion) = (lines(|order| &order.insertion), lines(|order| &order.deletion));
        let summary = |curve: fn(&Order) -> f64| {
            let areas = self.orders.iter().map(|order| format!("{} {:.2}", order.name, curve(order)));
            format!("Areas: {}", areas.collect::<Vec<_>>().join(", "))
        };
        let row = |order: &Order| {
            let (insertion, deletion) = (order.insertion.1, order.deletion.1);
            let number = |value: f64| text(format_args!("{value:.3}"));
            let gaps = [
                ("name", text(&order.name)),
                ("insertion", number(insertion)),
                ("deletion", number(deletion)),
                ("difference", number(order.difference())),
            ];
            fill(include_str!("pieces/area.html"), &gaps)
        };
        let drawn = |name: &str, across: &str, summary: &str, lines: &[Line]| {
            chart(&format!("{id}-{name}"), name, summary, [across, "probability"], lines)
        };
        fill(
            include_str!("pieces/measured.html"),
            &[
                ("about", text(&self.about)),
                (
                    "insertion",
                    drawn("insertion", "part of the pixels inserted", &summary(|order| order.insertion.1), &insertion),
                ),
                (
                    "deletion",
                    drawn("deletion", "part of the pixels deleted", &summary(|order| order.deletion.1), &deletion),
                ),
                ("legend", legend(&insertion)),
                ("verdicts", Html::join(self.verdicts.iter().map(Verdict::item))),
                ("areas", Html::join(self.orders.iter().map(row))),
            ],
        )
    }
}
