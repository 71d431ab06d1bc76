//! How a run can end badly.

use std::fmt::Display;

/// Why the program stops, and with which exit code.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that there is not: exit 2.
    Usage(String),
    /// Nothing could be done, or some inputs failed: exit 1.
    Run(anyhow::Error),
    /// Whoever reads our output has had enough: exit 0, silently.
    ClosedPipe,
}

impl Failure {
    /// A word of the command line that means nothing.
    pub fn usage(why: impl Display) -> Self {
        Self::Usage(why.to_string())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
            Self::ClosedPipe
        } else {
            Self::Run(error)
        }
    }
}

/// The result of a command.
pub type Outcome<T = ()> = Result<T, Failure>;
