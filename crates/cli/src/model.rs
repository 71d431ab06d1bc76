//! The model that the command line asks for.

use std::path::Path;

use anyhow::{Context, Result};
use gradex::engine::Graph;
use gradex::formats::{StateDict, Stored, read_file};
use gradex::{Architecture, Model};

use crate::args::ModelArgs;
use crate::choice::ChoiceArgs;
use crate::failure::{Failure, Outcome};
use crate::memory::{Budget, Most};
use crate::receipt::{Hash, of_bytes, of_folder};
use crate::visible;

/// More than any one machine has cores for.
const MOST_THREADS: usize = 1024;

/// Where weights say whose they are.
const KEY: &str = "architecture";

/// The architecture of the embedded weights.
pub const DEFAULT: &str = "efficientnet-lite0";

/// Loads the weights, from the file or from the program itself; not those that cannot fit.
pub fn load(args: &ModelArgs, most: Most) -> Outcome<Model> {
    check(args, most, 0)?;
    build(args, |path| Ok(StateDict::open_stored(path)?))
}

/// The same, and the sha256 of the weights: of their file, or of what `sha256sum *.npy` prints in their folder.
pub fn load_hashed(args: &ModelArgs, most: Most) -> Outcome<(Model, String)> {
    let is_file = args.weights.as_ref().is_some_and(|path| !path.is_dir());
    if is_file {
        check(args, most, 0)?;
        let mut hash = Hash::default();
        let model = build(args, |path| Ok(StateDict::open_stored_seen(path, &mut |bytes| hash.update(bytes))?))?;
        return Ok((model, hash.finish()));
    }
    let hashed = Hashed::read(args, most)?;
    let sha256 = hashed.sha256.clone();
    Ok((hashed.load(args)?, sha256))
}

/// Weights of which nothing is known yet but their sha256: for who parses only what has the right one.
pub struct Hashed {
    /// As [`load_hashed`] gives it.
    pub sha256: String,
    /// Of a file; a folder's are read when they are loaded.
    bytes: Option<Vec<u8>>,
}

impl Hashed {
    /// Reads and hashes, unless they cannot fit.
    pub fn read(args: &ModelArgs, most: Most) -> Outcome<Self> {
        check(args, most, 1)?;
        match &args.weights {
            None => Ok(Self { sha256: embedded_hash(), bytes: None }),
            Some(folder) if folder.is_dir() => Ok(Self { sha256: of_folder(folder, "npy")?, bytes: None }),
            Some(file) => {
                let bytes = read_file(file)?;
                Ok(Self { sha256: of_bytes(&bytes), bytes: Some(bytes) })
            }
        }
    }

    /// The model with these weights.
    pub fn load(self, args: &ModelArgs) -> Outcome<Model> {
        build(args, move |path| match self.bytes {
            Some(bytes) => StateDict::stored_from_bytes(&bytes).with_context(|| path.display().to_string()),
            None => Ok(StateDict::open_stored(path)?),
        })
    }
}

/// Refuses weights that cannot fit, with so many copies of their file beside them.
fn check(args: &ModelArgs, most: Most, copies: usize) -> Result<()> {
    match &args.weights {
        Some(path) => {
            Budget::check_weights(most, path, copies).with_context(|| format!("weights {}", visible::path(path)))
        }
        None => Ok(()),
    }
}

fn build(args: &ModelArgs, open: impl FnOnce(&Path) -> Result<StateDict<Stored>>) -> Outcome<Model> {
    let Model { architecture, network } = find(args, open)?;
    check_choice(&args.choice, architecture, network.graph())?;
    Ok(Model { architecture, network: network.with_choice(args.choice.choice()) })
}

/// Refuses an algorithm that computes none of the network's convolutions.
pub fn check_choice(choice: &ChoiceArgs, architecture: &Architecture, graph: &Graph) -> Outcome {
    let Some(algorithm) = choice.algorithm else { return Ok(()) };
    let [height, width] = architecture.preprocessing.size;
    let outline = graph.outline(&[1, 3, height, width], choice.choice())?;
    if outline.steps.iter().any(|step| step.by == algorithm.name()) {
        return Ok(());
    }
    let (name, algorithm) = (architecture.name, algorithm.name());
    Err(Failure::usage(format!("{name} has no convolution that {algorithm} can compute; leave --algorithm out")))
}

fn find(args: &ModelArgs, open: impl FnOnce(&Path) -> Result<StateDict<Stored>>) -> Outcome<Model> {
    let named = args.model.as_deref().map(Architecture::find).transpose().map_err(Failure::usage)?;
    if let Some(path) = &args.weights {
        let state = open(path)?;
        let architecture = match named {
            Some(architecture) => architecture,
            None => Architecture::find(state.metadata.get(KEY).map_or(DEFAULT, String::as_str))
                .with_context(|| format!("{}, by what its metadata says under `{KEY}`", path.display()))?,
        };
        let is_said = args.model.is_some() || state.metadata.contains_key(KEY);
        let model = gradex::model(architecture, state).with_context(|| whose(path, architecture.name, is_said))?;
        return Ok(model);
    }
    match named {
        Some(architecture) if architecture.name != DEFAULT => Err(Failure::usage(format!(
            "{} has no weights inside the program: give --weights FILE (see weights/README.md for where to get them)",
            architecture.name
        ))),
        _ => embedded(),
    }
}

/// The model inside the program.
#[cfg(feature = "embedded")]
pub fn embedded() -> Outcome<Model> {
    Ok(gradex::embedded()?)
}

#[cfg(feature = "embedded")]
fn embedded_hash() -> String {
    of_bytes(gradex::models::EMBEDDED_WEIGHTS)
}

#[cfg(not(feature = "embedded"))]
fn embedded_hash() -> String {
    String::new()
}

/// The model inside the program: there is none.
#[cfg(not(feature = "embedded"))]
pub fn embedded() -> Outcome<Model> {
    Err(Failure::usage("this program was built without embedded weights: give --weights FILE"))
}

/// Whose weights they are taken for; where nobody says, what to do about it.
fn whose(path: &Path, architecture: &str, is_said: bool) -> String {
    let advice = if is_said { "" } else { " (nothing in them says whose they are: give --model NAME)" };
    format!("{} as weights of {architecture}{advice}", path.display())
}

/// Makes rayon use as many threads as asked for.
pub fn set_threads(args: &ModelArgs) -> Outcome {
    match args.threads {
        Some(threads) if !(1..=MOST_THREADS).contains(&threads) => {
            Err(Failure::usage(format!("--threads takes 1 to {MOST_THREADS}")))
        }
        Some(threads) => Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?),
        None => Ok(()),
    }
}
