//! How a run can end badly.

use std::fmt::{self, Display};

/// Why the program stops, and with which exit code.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that there is not: exit 2.
    Usage(String),
    /// Nothing could be done, or some inputs failed: exit 1.
    Run(anyhow::Error),
    /// Whoever reads our output has had enough: exit 0, silently.
    ClosedPipe,
    /// Whoever started the program wants it to end: exit 130.
    Interrupted,
}

/// The error inside of a run for [`Failure::Interrupted`].
#[derive(Debug)]
pub struct Interrupted;

impl Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

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
        } else if error.is::<Interrupted>() {
            Self::Interrupted
        } else {
            Self::Run(error)
        }
    }
}

/// The result of a command.
pub type Outcome<T = ()> = Result<T, Failure>;

/// An error and its causes, without those that the message before them already quotes.
pub fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.contains(&cause) => told,
        before => format!("{before}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_cause_is_told_once() {
        let quoting = anyhow::anyhow!("disk full").context("a.npy: disk full").context("cannot explain");
        assert_eq!(told(&quoting), "cannot explain: a.npy: disk full");
    }
}
