//! `gradex plan`: how a model runs.

use std::io::{self, Write};

use gradex::{Architecture, Level, Model, Network, NodeId};

use crate::args::{ModelArgs, Plan};
use crate::asked;
use crate::failure::{Failure, Outcome};
use crate::memory::{self, Most, Planned};
use crate::model;
use crate::visible::{self, visible};

/// Prints a line for every step, the memory of all, and what `--max-memory` plans for explanations.
pub fn run(args: &Plan) -> Outcome {
    asked::check_methods(&args.methods, &args.settings)?;
    let (architecture, network) = architecture(args)?;
    let graph = architecture.graph()?;
    model::check_choice(&args.choice, architecture, &graph)?;
    let [height, width] = args.size.unwrap_or(architecture.preprocessing.size);
    let outline = graph.outline(&[1, 3, height, width], args.choice.choice()).map_err(Failure::usage)?;
    let settings = asked::settings(&args.settings, &graph, &architecture.preprocessing)?;
    let methods: Vec<_> = asked::methods(&args.methods, &settings)?.into_iter().map(|asked| asked.method).collect();
    let point = args.point.as_ref().map(|name| graph.find(name).map_err(Failure::usage)).transpose()?;
    let explained = Planned::new(&graph, &methods, point, args.extrapolate, [height, width], args.choice.choice())?;
    let explained = match &network {
        Some(network) => explained.with_halves(network, [height, width])?,
        None => explained,
    };
    let level = Level::current().map_err(Failure::usage)?;

    let name = |id: &NodeId| graph.node(*id).name.as_str();
    let names: Vec<String> =
        outline.steps.iter().map(|step| step.nodes.iter().map(name).collect::<Vec<_>>().join(" + ")).collect();
    let longest = names.iter().map(String::len).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<longest$}  {:<15}  {:<12}  {:>9}  {:>9}  why",
        "nodes", "output", "by", "Mproducts", "packed kB"
    )?;
    for (step, names) in outline.steps.iter().zip(names) {
        let shape = step.output[1..].iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let (products, packed) = (some(step.products, 1e6), some(step.packed, 1e3));
        let line =
            format!("{names:<longest$}  {shape:<15}  {:<12}  {products:>9}  {packed:>9}  {}", step.by, step.reason);
        writeln!(out, "{}", line.trim_end())?;
    }
    let [parameters, packed, activations] =
        [outline.parameters, outline.packed(), outline.activations].map(|bytes| bytes as f64 / 1e6);
    writeln!(out, "\nlevel {level}, input {height}x{width}, one image")?;
    writeln!(
        out,
        "memory: parameters {parameters:.1} MB, packed weights {packed:.1} MB, activations {activations:.1} MB, \
         all in float32"
    )?;
    if let Some(weights) = &args.weights {
        let (weights, bytes) = (visible::path(weights), memory::shown(memory::reading(weights, 0)?));
        writeln!(out, "weights {}: {bytes} at least while they are read, the program among them", visible(&weights))?;
    }
    writeln!(out, "explanations, as --max-memory plans them: {}", explained.told())?;
    Ok(())
}

/// The architecture that is named, or whose weights these are, and the network with them.
fn architecture(args: &Plan) -> Outcome<(&'static Architecture, Option<Network>)> {
    let Some(weights) = &args.weights else {
        let named = Architecture::find(args.model.as_deref().unwrap_or(model::DEFAULT)).map_err(Failure::usage)?;
        // Of no other model it is known how its weights will be stored.
        let embedded = if named.name == model::DEFAULT { model::embedded().ok() } else { None };
        return Ok((named, embedded.map(|model| model.network.with_choice(args.choice.choice()))));
    };
    let (model, weights, choice) = (args.model.clone(), Some(weights.clone()), args.choice.clone());
    let model = ModelArgs { model, weights, threads: None, max_memory: None, choice };
    let Model { architecture, network } = model::load(&model, Most::asked(None))?;
    Ok((architecture, Some(network)))
}

/// The number in this unit; blank for none.
fn some(number: usize, unit: f64) -> String {
    if number == 0 { String::new() } else { format!("{:.1}", number as f64 / unit) }
}
