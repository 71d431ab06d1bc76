//! What is timed, and who can be asked.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

/// A piece of work on one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Forward pass, logits only
    Forward,
    /// Forward pass, Grad-CAM of the top class and its Gradual Extrapolation, mode `activated`
    Explain,
    /// Forward pass, and the gradient of the top logit at the input
    Gradient,
}

impl Task {
    /// Its name on the command line, in the report and in the peers' protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Explain => "explain",
            Self::Gradient => "gradient",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A program that holds the network and its input, ready for any task.
pub trait Contender {
    /// Its name and version.
    fn name(&self) -> &str;

    /// Whether it knows the task.
    fn can(&self, task: Task) -> bool;

    /// Runs with this many threads from now on. Called before anything else.
    fn set_threads(&mut self, threads: usize) -> Result<()>;

    /// What the task computes: the logits, the fine map or the gradient, flat.
    fn answer(&mut self, task: Task) -> Result<Vec<f32>>;

    /// How long one run takes, from the input in memory to the answer in memory.
    fn time(&mut self, task: Task) -> Result<Duration>;
}
