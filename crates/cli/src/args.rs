//! The command line's words.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use gradex::methods::Fusion;
use gradex::{ColourMap, Extrapolation, Fit};

use crate::choice::ChoiceArgs;
use crate::failure::{Failure, Outcome};
use crate::influence::HELP;
use crate::settings::SettingArgs;
use crate::words::{at_least_one, parse_bytes, parse_fusion, parse_size};

/// Explains what a convolutional image classifier looked at.
#[derive(Debug, Parser)]
#[command(name = "gradex", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw what the classifier looked at, for each input and class.
    Explain(Box<Explain>),
    /// Write one HTML file about all inputs: pictures, curves, verdicts, settings.
    Report(Box<Report>),
    /// Print the most probable classes of each input.
    Classify(Classify),
    /// Measure whether maps tell the truth, and whether sharpening helps.
    Evaluate(Box<crate::evaluate::Evaluate>),
    /// List the models.
    Models,
    /// List the methods and the modes of extrapolation.
    Methods(Methods),
    /// List a model's points: where a map can be taken.
    Points(Points),
    /// Show how a model runs: what computes each step, why, and the memory it takes.
    Plan(Plan),
    /// Check that this program computes on this machine what PyTorch computes, or do again what a receipt tells of.
    Verify(Verify),
}

/// Which network.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// The architecture (see `gradex models`). Without it: the one that the weights name, else efficientnet-lite0.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Its weights: a .safetensors or .npz file, or a folder of .npy files.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub weights: Option<PathBuf>,
    /// Threads to use; all cores without it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The most memory to take, such as 512M or 2G (of 2^20 and 2^30 bytes): batches are made smaller to keep to it, and what
    /// cannot is refused before it is begun. Without it: all that the machine has.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub max_memory: Option<usize>,
    /// How convolutions are computed.
    #[command(flatten)]
    pub choice: ChoiceArgs,
}

/// Which pictures, and how they reach the network.
#[derive(Debug, Clone, Args)]
pub struct PictureArgs {
    /// Images, folders of images (their files that are not hidden; not the folders in them), or .npy tensors [3,H,W] or
    /// [N,3,H,W], already normalised.
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,
    /// squash: the whole photograph stretched to the network's size; crop: resized to cover it, the middle cut out.
    #[arg(long, value_name = "FIT", default_value_t = Fit::Squash)]
    pub resize: Fit,
    /// The network's input size, `H` or `HxW`, where it should not be the model's own.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub size: Option<[usize; 2]>,
}

/// Which pictures, and how they are told about.
#[derive(Debug, Clone, Args)]
pub struct InputArgs {
    /// The pictures.
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// One JSON object a line on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `gradex explain`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = HELP)]
pub struct Explain {
    /// The inputs.
    #[command(flatten)]
    pub input: InputArgs,
    /// The network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// What is asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// Where the pictures go.
    #[arg(long, value_name = "DIR", default_value = "gradex-out", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Draw a contact sheet too, one for each input and class: every method's own map beside the extrapolated one.
    #[arg(long)]
    pub sheet: bool,
    /// Tell of methods that carry relevance back (lrp and the composites) what each node received, sent and absorbed.
    #[arg(long)]
    pub ledger: bool,
    /// Write a receipt of the run: sha256 of program, weights, inputs and maps, and all that decided about them, for
    /// `gradex verify FILE`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub receipt: Option<PathBuf>,
    /// Save float32 .npy files too: coarse [h,w] raw, fine [H,W] in [0,1], logits [classes]. Maps of several components
    /// have their number in front.
    #[arg(long)]
    pub save_npy: bool,
    /// How maps are drawn.
    #[command(flatten)]
    pub style: StyleArgs,
}

/// `gradex report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The inputs.
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// The network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// What is asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The file.
    #[arg(long, short, value_name = "FILE", default_value = "report.html", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Steps of the insertion and deletion curves: so many forward passes a map and curve.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    pub steps: usize,
    /// How maps are drawn.
    #[command(flatten)]
    pub style: StyleArgs,
}

/// What is asked of every picture.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
    /// An attribution method (see `gradex methods`), or `all`; may be repeated, or several with commas between. All share
    /// one forward pass. Without it: grad-cam; a report has grad-cam, layer-cam and epsilon-plus.
    #[arg(long = "method", alias = "methods", value_name = "M", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// The node whose output the map is taken at (see `gradex points`); `layer4` means the last node below it. May be
    /// repeated: the maps at several points are fused.
    #[arg(long = "point", value_name = "NODE")]
    pub points: Vec<String>,
    /// How maps at several points become one: mean or product, of maps stretched to [0, 1]. Without it: product.
    #[arg(long, value_name = "HOW", value_parser = parse_fusion)]
    pub fuse: Option<Fusion>,
    /// A class to explain, by number or label; may be repeated.
    #[arg(long = "class", value_name = "ID|LABEL", allow_negative_numbers = true)]
    pub classes: Vec<String>,
    /// Explain the K most probable classes; 1 where no --class is given.
    #[arg(long, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub top_k: Option<usize>,
    /// Explain why the class and not this one: the difference of the two logits.
    #[arg(long, value_name = "ID|LABEL", allow_negative_numbers = true)]
    pub versus: Option<String>,
    /// What methods can be told.
    #[command(flatten)]
    pub settings: SettingArgs,
    /// How the map is sharpened: activated, published or none, or with other settings, as in activated(power=0.5) (see
    /// `gradex methods`).
    #[arg(long, value_name = "MODE", default_value_t = Extrapolation::ACTIVATED)]
    pub extrapolate: Extrapolation,
}

/// How maps are drawn.
#[derive(Debug, Clone, Args)]
pub struct StyleArgs {
    /// The colour map: viridis, inferno, magma, plasma, cividis or jet.
    #[arg(long, value_name = "MAP", default_value_t = ColourMap::default())]
    pub colour_map: ColourMap,
    /// How much of the hottest places is colour, from 0 to 1.
    #[arg(long, value_name = "PART", default_value_t = 0.7, allow_negative_numbers = true)]
    pub opacity: f32,
    /// Draw the hottest 100 - P percent of the pixels alike, so that the others are seen; 100 draws heat as it is. Without
    /// it: 99 for maps as fine as the input, 100 for coarser ones. Saved numbers are never stretched so.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub stretch: Option<f32>,
}

impl AskArgs {
    /// These methods, where none are named.
    pub fn or_methods(&mut self, names: &[&str]) {
        if self.methods.is_empty() {
            self.methods = names.iter().copied().map(str::to_owned).collect();
        }
    }
}

impl StyleArgs {
    /// Whether these numbers mean anything.
    pub fn check(&self) -> Outcome {
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(Failure::usage("--opacity takes a number from 0 to 1"));
        }
        if self.stretch.is_some_and(|percent| !(percent > 0.0 && percent <= 100.0)) {
            return Err(Failure::usage("--stretch takes a number above 0, and at most 100"));
        }
        Ok(())
    }
}

/// `gradex verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A receipt that `gradex explain --receipt` wrote: all it tells of is done again and compared. Without it the
    /// installation is checked.
    #[arg(value_name = "RECEIPT", value_hint = ValueHint::FilePath)]
    pub receipt: Option<PathBuf>,
    /// With a RECEIPT: where its inputs, weights and baseline lie here, found by their file names; without it they are looked for
    /// under the paths that it has.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "receipt")]
    pub folder: Option<PathBuf>,
    /// With a RECEIPT: threads to use; all cores without it. Nothing may depend on it. Without a receipt one thread and all
    /// are tried.
    #[arg(long, value_name = "N", requires = "receipt")]
    pub threads: Option<usize>,
    /// With a RECEIPT: the most memory to take; what it asks for is refused before it is begun where it takes more. Without it: 4G.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "receipt")]
    pub max_memory: Option<usize>,
    /// Try only the kernel level in use (GRADEX_LEVEL names another). Without it every level of this machine is tried.
    #[arg(long, conflicts_with = "receipt")]
    pub this_level: bool,
}

/// `gradex methods`.
#[derive(Debug, Args)]
pub struct Methods {
    /// One JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `gradex classify`.
#[derive(Debug, Args)]
pub struct Classify {
    /// The inputs.
    #[command(flatten)]
    pub input: InputArgs,
    /// The network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// How many classes to print.
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = at_least_one, allow_negative_numbers = true)]
    pub top_k: usize,
}

/// `gradex points`.
#[derive(Debug, Args)]
pub struct Points {
    /// The architecture (see `gradex models`).
    #[arg(long, value_name = "NAME", default_value = "efficientnet-lite0")]
    pub model: String,
    /// The input size that the shapes are given for, `H` or `HxW`.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub size: Option<[usize; 2]>,
}

/// `gradex plan`.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// The architecture (see `gradex models`); its weights are not needed. Without it: the one that the weights name, else
    /// efficientnet-lite0.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Weights that are to be run: whether they are the architecture's, and what reading them takes.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub weights: Option<PathBuf>,
    /// The input size, `H` or `HxW`, where it should not be the model's own.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub size: Option<[usize; 2]>,
    /// The methods whose memory is planned, or `all`; may be repeated, or several with commas between.
    #[arg(long = "method", alias = "methods", value_name = "M", value_delimiter = ',', default_value = "grad-cam")]
    pub methods: Vec<String>,
    /// A node that all maps are taken at, in place of each method's own.
    #[arg(long, value_name = "NODE")]
    pub point: Option<String>,
    /// What methods can be told.
    #[command(flatten)]
    pub settings: SettingArgs,
    /// How the map is sharpened: activated, published or none.
    #[arg(long, value_name = "MODE", default_value_t = Extrapolation::ACTIVATED)]
    pub extrapolate: Extrapolation,
    /// How convolutions are computed.
    #[command(flatten)]
    pub choice: ChoiceArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
