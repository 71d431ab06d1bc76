use std::fmt;

/// What can go wrong in the engine. [`Error::Node`] says where, its source says what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A node of a network failed.
    Node {
        /// The node's name.
        node: String,
        /// What happened there.
        source: Box<Error>,
    },
    /// A layer was given a tensor of a shape that it cannot take.
    Shape {
        /// The kind of layer.
        op: &'static str,
        /// What it takes.
        expected: String,
        /// The shape given.
        actual: Vec<usize>,
    },
    /// A layer was given another number of inputs than it takes.
    Inputs {
        /// The kind of layer.
        op: &'static str,
        /// What it takes.
        expected: &'static str,
        /// How many were given.
        actual: usize,
    },
    /// The values do not fill the shape.
    Values {
        /// The shape.
        shape: Vec<usize>,
        /// How many values there are.
        actual: usize,
    },
    /// A layer lacks a parameter that its kind needs.
    NoParameter {
        /// The kind of layer.
        op: &'static str,
        /// Which parameter.
        parameter: &'static str,
    },
    /// A kernel refused its slices.
    Kernel(gradex_kernels::Error),
    /// No node has this name, and none lies below it.
    UnknownNode {
        /// The name asked for.
        name: String,
        /// The names most like it.
        nearest: Vec<String>,
    },
    /// The tape does not hold what the backward pass needs.
    NotRetained(&'static str),
    /// The graph contradicts itself.
    Graph(String),
    /// The state dict lacks a parameter.
    MissingParameter {
        /// The parameter's name.
        name: String,
        /// The shape it should have.
        shape: Vec<usize>,
        /// The names in the state dict that are most like it.
        nearest: Vec<String>,
    },
    /// The state dict holds parameters that the network does not have.
    UnusedParameters {
        /// How many.
        count: usize,
        /// The first of them.
        name: String,
        /// The network's names that are most like it.
        nearest: Vec<String>,
    },
    /// A parameter has another shape.
    ParameterShape {
        /// The parameter's name.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        actual: Vec<usize>,
    },
    /// A rule does not apply to a layer.
    Rule {
        /// The rule's name.
        rule: String,
        /// The kind of layer.
        op: &'static str,
        /// Why, and what to do.
        why: String,
    },
    /// NaN or an infinity where there should be a number.
    NonFinite {
        /// `parameter`, `input` or `output of node`.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// The result of the engine's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn shape(op: &'static str, expected: impl Into<String>, actual: &[usize]) -> Self {
        Self::Shape { op, expected: expected.into(), actual: actual.to_vec() }
    }

    pub(crate) fn foreign_tape() -> Self {
        Self::Graph("the tape is another network's".to_owned())
    }

    /// Says at which node the error happened.
    #[must_use]
    pub fn at(self, node: &str) -> Self {
        Self::Node { node: node.to_owned(), source: Box::new(self) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { node, source } => write!(f, "node `{node}`: {source}"),
            Self::Shape { op, expected, actual } => write!(f, "{op} takes {expected}, not {actual:?}"),
            Self::Inputs { op, expected, actual } => write!(f, "{op} takes {expected}, not {actual}"),
            Self::Values { shape, actual } => write!(f, "{actual} values do not fill the shape {shape:?}"),
            Self::NoParameter { op, parameter } => write!(f, "{op} has no `{parameter}`"),
            Self::Kernel(source) => write!(f, "{source}"),
            Self::UnknownNode { name, nearest } => {
                write!(f, "there is no node `{name}`{}", did_you_mean(nearest))
            }
            Self::NotRetained(what) => {
                write!(f, "the tape does not hold the {what}; ask for it with `Retain` before the forward pass")
            }
            Self::Graph(why) => f.write_str(why),
            Self::MissingParameter { name, shape, nearest } => {
                write!(f, "the weights lack `{name}` {shape:?}{}", did_you_mean(nearest))
            }
            Self::UnusedParameters { count, name, nearest } => write!(
                f,
                "the weights hold {count} parameter(s) that the architecture does not have, first `{name}`{}",
                did_you_mean(nearest)
            ),
            Self::ParameterShape { name, expected, actual } => {
                write!(f, "`{name}` has shape {actual:?} where the architecture has {expected:?}")
            }
            Self::Rule { rule, op, why } => write!(f, "the rule `{rule}` does not apply to {op}: {why}"),
            Self::NonFinite { what, name } => write!(f, "the {what} `{name}` holds NaN or infinite values"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display already shows the whole chain.
        None
    }
}

impl From<gradex_kernels::Error> for Error {
    fn from(error: gradex_kernels::Error) -> Self {
        Self::Kernel(error)
    }
}

fn did_you_mean(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; nearest: `{}`", nearest.join("`, `")) }
}
