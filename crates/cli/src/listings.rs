//! `gradex models`, `gradex methods`, `gradex points`: what there is.

use std::io::{self, Write};

use gradex::engine::{Activation, Point};
use gradex::methods::{self, About};
use gradex::{ARCHITECTURES, Architecture, Extrapolation};
use serde::Serialize;

use crate::args::Points;
use crate::failure::{Failure, Outcome};

/// Lists the architectures.
pub fn models() -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<20} {:>12}  {:>9}  weights", "model", "parameters", "input")?;
    for architecture in &ARCHITECTURES {
        let parameters = architecture.graph()?.parameters();
        let is_learned = |name: &str| !name.contains("running_");
        let count: usize =
            parameters.iter().filter(|p| is_learned(&p.name)).map(|p| p.shape.iter().product::<usize>()).sum();
        let [height, width] = architecture.preprocessing.size;
        let weights = if architecture.name == "efficientnet-lite0" { "inside the program" } else { "--weights FILE" };
        writeln!(out, "{:<20} {count:>12}  {:>9}  {weights}", architecture.name, format!("{height}x{width}"))?;
    }
    Ok(())
}

/// Lists the methods and the modes of extrapolation.
pub fn methods(json: bool) -> Outcome {
    let all: Vec<About> = methods::all(&methods::Settings::default()).iter().map(|method| method.about()).collect();
    let mut out = io::stdout().lock();
    if json {
        let listing = Listing {
            methods: all.iter().map(MethodLine::from).collect(),
            extrapolation: Extrapolation::ALL.map(|mode| ModeLine { name: mode.to_string(), summary: mode.summary() }),
        };
        serde_json::to_writer(&mut out, &listing)?;
        return Ok(writeln!(out)?);
    }
    let width = |field: fn(&About) -> &str| all.iter().map(|about| field(about).chars().count()).max().unwrap_or(0);
    let (name, summary, cost) = (width(|about| about.name), width(|about| about.summary), width(|about| about.cost));
    writeln!(out, "{:<name$}  {:<summary$}  {:<cost$}  paper", "method", "what it shows", "beyond one forward pass")?;
    for about in &all {
        let About { name: method, summary: line, cost: spent, paper } = about;
        writeln!(out, "{method:<name$}  {line:<summary$}  {spent:<cost$}  {paper}")?;
    }
    writeln!(out, "\nextrapolation (--extrapolate)")?;
    for mode in Extrapolation::ALL {
        writeln!(out, "  {mode:<12} {}", mode.summary())?;
    }
    writeln!(out, "\n  and with other settings, in brackets, as in activated(power=0.5,tensors=last)")?;
    for (setting, values) in Extrapolation::forms() {
        writeln!(out, "  {setting:<12} {values}")?;
    }
    Ok(())
}

/// `gradex methods --json`. The keys are a contract.
#[derive(Serialize)]
struct Listing {
    methods: Vec<MethodLine>,
    extrapolation: [ModeLine; Extrapolation::ALL.len()],
}

#[derive(Serialize)]
struct MethodLine {
    name: &'static str,
    summary: &'static str,
    cost: &'static str,
    paper: &'static str,
}

impl From<&About> for MethodLine {
    fn from(&About { name, summary, cost, paper }: &About) -> Self {
        Self { name, summary, cost, paper }
    }
}

#[derive(Serialize)]
struct ModeLine {
    name: String,
    summary: &'static str,
}

/// Lists the points of a model and marks the default with a star.
pub fn points(args: &Points) -> Outcome {
    let architecture = Architecture::find(&args.model).map_err(Failure::usage)?;
    let graph = architecture.graph()?;
    let [height, width] = args.size.unwrap_or(architecture.preprocessing.size);
    let points = graph.points(&[1, 3, height, width]).map_err(Failure::usage)?;
    let default = graph.default_point();

    let longest = points.iter().map(|point| point.name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    writeln!(out, "  {:<longest$}  {:<19}  {:<18}  {:<7}  activation", "point", "kind", "output", "stride")?;
    for point in points {
        let Point { id, name, kind, shape, stride, activation } = point;
        let mark = if id == default { '*' } else { ' ' };
        let shape = shape[1..].iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let stride = match stride {
            Some([rows, columns]) if rows == columns => rows.to_string(),
            Some([rows, columns]) => format!("{rows}x{columns}"),
            None => "-".to_owned(),
        };
        let activation = match activation {
            Activation::Before => "before",
            Activation::After => "after",
            Activation::Neither => "-",
        };
        writeln!(out, "{mark} {name:<longest$}  {kind:<19}  {shape:<18}  {stride:<7}  {activation}")?;
    }
    writeln!(out, "\n* the default point; a prefix such as `layer4` means the last point below it")?;
    Ok(())
}
