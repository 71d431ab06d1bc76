//! `cargo xtask bench`: how long gradex takes, beside PyTorch and onnxruntime in the same run where they are installed.
//!
//! Every contender runs the same network on the same input: parameters and input come from the generator that Rust and
//! Python share. Before anything is timed, the contenders' answers are compared. Then they take turns, one run each.

mod beside;
mod contender;
mod machine;
mod measure;
mod own;
mod peer;
mod profile;
mod report;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradex::engine::{Algorithm, Choice};
use gradex::{Architecture, Model};

use crate::document;
use contender::{Contender, Task};
use own::Own;
use peer::Peer;
use report::Report;

/// The command's name.
const COMMAND: &str = "bench";
/// The seed of every generated tensor.
const SEED: u64 = 1;
/// The input's shape, `[n, c, h, w]`.
const INPUT: [usize; 4] = [1, 3, 224, 224];

/// Time gradex, next to PyTorch and onnxruntime where they are installed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Architectures, by gradex's names
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', default_value = "vgg16,resnet50,efficientnet-lite0")]
    models: Vec<String>,
    /// Numbers of threads
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1,2")]
    threads: Vec<NonZeroUsize>,
    /// What is timed
    #[arg(long, value_name = "TASK,..", value_delimiter = ',', default_value = "forward,explain,gradient")]
    tasks: Vec<Task>,
    /// Timed runs of each contender
    #[arg(long, value_name = "N", default_value = "15")]
    rounds: NonZeroUsize,
    /// The Python that has torch, torchvision, efficientnet_lite_pytorch, onnx, onnxruntime: whichever are to be compared
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Who else runs; an empty list for gradex alone
    #[arg(long, value_name = "PEER,..", value_delimiter = ',', num_args = 0.., default_values = peer::KINDS, value_parser = peer::KINDS)]
    against: Vec<String>,
    /// Also write the report to this file, or between its marker lines where it has them
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Instead of comparing, list the time of every node of this architecture
    #[arg(long, value_name = "NAME", conflicts_with_all = ["models", "tasks", "python", "against"])]
    profile: Option<String>,
    /// In a profile, convolutions by this algorithm wherever it can compute them
    #[arg(long, value_name = "NAME", requires = "profile", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
    found.ok_or_else(|| format!("expected one of {}", Algorithm::ALL.map(Algorithm::name).join(", ")))
}

/// Runs the bench and prints its report, in Markdown, to standard output.
///
/// # Errors
/// An unknown architecture, a network that fails, a file that cannot be written. A peer that is missing is none: the
/// report says so.
pub fn run(args: &Args) -> Result<()> {
    let no_target = |path: &Path| format!("cannot write {}", path.display());
    if let Some(path) = &args.out {
        document::check_target(path, COMMAND).with_context(|| no_target(path))?;
    }
    let report = match &args.profile {
        Some(name) => profile_every_node(args, Architecture::find(name)?)?,
        None => compare(args)?,
    };
    writeln!(std::io::stdout(), "{report}")?;
    match &args.out {
        Some(path) => document::write(path, COMMAND, &report).with_context(|| no_target(path)),
        None => Ok(()),
    }
}

fn profile_every_node(args: &Args, architecture: &'static Architecture) -> Result<String> {
    let mut model = Model::generated(architecture, SEED)?;
    if let Some(algorithm) = args.algorithm {
        model.network = model.network.with_choice(Choice::Forced(algorithm));
    }
    let mut text = machine::describe();
    for threads in &args.threads {
        progress(format_args!("{}, {}: every node", architecture.name, report::threads(threads.get())))?;
        let profile = profile::profile(&model, threads.get(), args.rounds.get())?;
        let beside = beside::beside(&model, threads.get(), args.rounds.get())?;
        text += &format!("\n{}\n{}\n{beside}", profile.by_kind(), profile.by_node());
    }
    Ok(text)
}

fn compare(args: &Args) -> Result<String> {
    let architectures: Vec<_> = args.models.iter().map(|name| Architecture::find(name)).collect::<Result<_, _>>()?;
    let mut report = Report::new(machine::describe(), args.rounds.get());
    for architecture in architectures {
        progress(format_args!("{}: generating parameters", architecture.name))?;
        let model = Model::generated(architecture, SEED)?;
        let mut own = Own::new(&model)?;
        let mut peers = peers(args, &own, &mut report)?;
        for threads in args.threads.iter().map(|threads| threads.get()) {
            own.set_threads(threads)?;
            for peer in &mut peers {
                let failed = format!("{} failed to take {}", peer.name(), report::threads(threads));
                peer.set_threads(threads).context(failed)?;
            }
            for task in &args.tasks {
                progress(format_args!("{}, {}: {task}", architecture.name, report::threads(threads)))?;
                let row = measure::row(&mut own, &mut peers, *task, args.rounds.get())?;
                report.add_row(architecture.name, threads, *task, row);
            }
        }
        drop(peers);
        progress(format_args!("{}: where the time goes", architecture.name))?;
        let fewest = args.threads.iter().min().map_or(1, |threads| threads.get());
        let beside = beside::beside(&model, fewest, args.rounds.get())?;
        report.add_profile(&profile::profile(&model, fewest, args.rounds.get())?, &beside);
    }
    Ok(report.to_string())
}

/// The peers that are there; the report notes why the others are not.
fn peers(args: &Args, own: &Own<'_>, report: &mut Report) -> Result<Vec<Box<dyn Contender>>> {
    let mut peers: Vec<Box<dyn Contender>> = Vec::new();
    if !args.against.is_empty() {
        let setup = own.setup()?;
        for kind in &args.against {
            progress(format_args!("{}: starting {kind}", own.model().architecture.name))?;
            match Peer::start(&args.python, kind, &setup) {
                Ok(peer) => peers.push(Box::new(peer)),
                Err(reason) => report.add_absent(kind, own.model().architecture.name, &format!("{reason:#}")),
            }
        }
    }
    Ok(peers)
}

fn progress(message: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{message}")?)
}
