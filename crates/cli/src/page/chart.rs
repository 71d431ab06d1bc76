//! Curves over a fraction, as SVG inside of the page.

use super::html::{Html, fill, text};

/// As many colours as style.css has.
pub const COLOURS: usize = 6;

/// As many patterns as style.css has.
pub const PATTERNS: usize = 3;

/// The frame of the curves, in the units of pieces/chart.svg: left, top, width, height.
const FRAME: [f64; 4] = [44.0, 22.0, 332.0, 190.0];

/// One curve.
#[derive(Debug, Clone)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Fractions in `[0, 1]` and values in `[0, 1]`.
    pub points: Vec<(f64, f64)>,
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Whole, in a colour.
    Solid(usize),
    /// Dashed, in a colour.
    Dashed(usize),
    /// Grey, in a pattern of dots or dashes: what others are compared with.
    Dotted(usize),
}

impl Stroke {
    fn class(self) -> String {
        match self {
            Self::Solid(colour) => format!("line colour-{}", colour % COLOURS),
            Self::Dashed(colour) => format!("line dashed colour-{}", colour % COLOURS),
            Self::Dotted(pattern) => format!("line dotted pattern-{}", pattern % PATTERNS),
        }
    }
}

/// A chart with a title and the names of its axes. `id` is its own in the page; `summary` says what the curves show.
pub fn chart(id: &str, title: &str, summary: &str, [across, up]: [&str; 2], lines: &[Line]) -> Html {
    let most = lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value).fold(0.0, f64::max);
    let top = [0.1, 0.2, 0.4, 0.6, 0.8].into_iter().find(|top| most <= *top).unwrap_or(1.0);
    let [left, above, width, height] = FRAME;
    let x = |fraction: f64| left + fraction * width;
    let y = |value: f64| above + height * (1.0 - value / top);

    let quarters = || (0..=4).map(|quarter| f64::from(quarter) / 4.0);
    let rows = quarters().map(|part| {
        let label = format!("{:.1}", 100.0 * part * top);
        let label = label.trim_end_matches(".0").to_owned() + " %";
        let gaps = [
            ("left", left),
            ("right", left + width),
            ("label", left - 7.0),
            ("y", y(part * top)),
            ("text", y(part * top) + 4.0),
        ];
        tick(include_str!("pieces/row.svg"), &gaps, label)
    });
    let columns = quarters().map(|part| {
        let gaps = [("x", x(part)), ("top", above), ("bottom", above + height), ("text", above + height + 18.0)];
        tick(include_str!("pieces/column.svg"), &gaps, format!("{:.0} %", 100.0 * part))
    });
    let curves = lines.iter().map(|line| {
        let points: Vec<String> = line.points.iter().map(|(f, v)| format!("{:.1},{:.1}", x(*f), y(*v))).collect();
        let gaps = [("class", text(line.stroke.class())), ("points", text(points.join(" ")))];
        fill(include_str!("pieces/curve.svg"), &gaps)
    });
    fill(
        include_str!("pieces/chart.svg"),
        &[
            ("id", text(id)),
            ("title", text(title)),
            ("summary", text(summary)),
            ("across", text(across)),
            ("up", text(up)),
            ("rows", Html::join(rows)),
            ("columns", Html::join(columns)),
            ("curves", Html::join(curves)),
        ],
    )
}

fn tick(piece: &'static str, places: &[(&str, f64)], label: String) -> Html {
    let places = places.iter().map(|(name, place)| (*name, text(format_args!("{place:.1}"))));
    fill(piece, &places.chain([("value", text(label))]).collect::<Vec<_>>())
}

/// What the strokes of the lines mean.
pub fn legend(lines: &[Line]) -> Html {
    let entry = |line: &Line| {
        let gaps = [("class", text(line.stroke.class())), ("name", text(&line.name))];
        fill(include_str!("pieces/legend.html"), &gaps)
    };
    Html::join(lines.iter().map(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Line {
        Line { name: "a < b".to_owned(), stroke: Stroke::Dashed(7), points: points.to_vec() }
    }

    #[test]
    fn the_scale_ends_above_the_highest_point_and_points_lie_where_they_should() {
        let svg = chart("c", "Insertion", "rises", ["across", "up"], &[line(&[(0.0, 0.0), (0.5, 0.3), (1.0, 0.4)])]);
        let svg = svg.to_string();
        assert!(svg.contains("points=\"44.0,212.0 210.0,69.5 376.0,22.0\""), "{svg}");
        assert!(svg.contains(">40 %<") && svg.contains(">10 %<") && !svg.contains(">60 %<"), "{svg}");
        assert!(svg.contains("class=\"line dashed colour-1\""), "{svg}");
    }

    #[test]
    fn names_are_escaped() {
        assert!(legend(&[line(&[])]).to_string().contains("a &lt; b"));
    }
}
