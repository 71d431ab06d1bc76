//! Which nodes of a network a line of a composite is about.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use gradex_engine::{Graph, Layer, Node, NodeId, nearest};

use crate::error::{Error, Result};

/// Nodes by kind of layer, by name, and the first or last of them. Unless more is said, it selects every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Of those that fit kind and name, which.
    pub place: Place,
    /// The kind of layer.
    pub kind: Kind,
    /// The name.
    pub name: Name,
}

/// Which of the nodes that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// All.
    #[default]
    Any,
    /// The first in execution order.
    First,
    /// The last in execution order.
    Last,
}

/// A kind of layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Every kind.
    #[default]
    Any,
    /// Convolutions and linear layers.
    Weighted,
    /// Rectifiers.
    Activation,
    /// Average pools, sliding or adaptive.
    AveragePool,
    /// One kind, as [`Layer::kind`] calls it: `conv2d`.
    Op(&'static str),
}

/// A pattern of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Name {
    /// Every name.
    #[default]
    Any,
    /// This name.
    Exact(String),
    /// The names below this one: `layer4` has `layer4.0.conv1` below it.
    Below(String),
    /// The names that fit a pattern, where `*` stands for any characters and `?` for one.
    Glob(String),
}

/// The words for kinds.
const KINDS: [(&str, Kind); 16] = [
    ("any", Kind::Any),
    ("weighted", Kind::Weighted),
    ("activation", Kind::Activation),
    ("average_pool", Kind::AveragePool),
    ("conv2d", Kind::Op("conv2d")),
    ("linear", Kind::Op("linear")),
    ("batch_norm2d", Kind::Op("batch_norm2d")),
    ("relu", Kind::Op("relu")),
    ("relu6", Kind::Op("relu6")),
    ("max_pool2d", Kind::Op("max_pool2d")),
    ("avg_pool2d", Kind::Op("avg_pool2d")),
    ("adaptive_avg_pool2d", Kind::Op("adaptive_avg_pool2d")),
    ("add", Kind::Op("add")),
    ("concat", Kind::Op("concat")),
    ("flatten", Kind::Op("flatten")),
    ("dropout", Kind::Op("dropout")),
];

impl Selector {
    /// Every node of this kind.
    #[must_use]
    pub fn kind(kind: Kind) -> Self {
        Self { place: Place::Any, kind, name: Name::Any }
    }

    /// Every node of such a name.
    #[must_use]
    pub fn name(name: Name) -> Self {
        Self { place: Place::Any, kind: Kind::Any, name }
    }

    /// Of the nodes that it selects, the first only.
    #[must_use]
    pub fn first(self) -> Self {
        Self { place: Place::First, ..self }
    }

    /// Of the nodes that it selects, the last only.
    #[must_use]
    pub fn last(self) -> Self {
        Self { place: Place::Last, ..self }
    }

    /// The nodes of a graph that it selects, in execution order.
    #[must_use]
    pub fn select(&self, graph: &Graph) -> Vec<NodeId> {
        let leads = graph.leads_to(graph.logits());
        let fits = |id: &NodeId| {
            let node = graph.node(*id);
            leads[id.index()] && !node.inputs.is_empty() && self.kind.has(node) && self.name.fits(&node.name)
        };
        let mut nodes = graph.ids().filter(fits);
        match self.place {
            Place::Any => nodes.collect(),
            Place::First => nodes.next().into_iter().collect(),
            Place::Last => nodes.next_back().into_iter().collect(),
        }
    }

    /// Why it selects nothing, and what is near.
    pub(super) fn why_nothing(&self, graph: &Graph) -> String {
        let nodes = || graph.ids().skip(1).map(|id| graph.node(id));
        let (Name::Exact(name) | Name::Below(name) | Name::Glob(name)) = &self.name else {
            let kinds: BTreeSet<&str> = nodes().map(|node| node.op.kind()).collect();
            return format!("no layer is of this kind; there are {}", Vec::from_iter(kinds).join(", "));
        };
        if let Some(node) = nodes().find(|node| self.name.fits(&node.name)) {
            return format!("`{}` is a {}: give its kind, or none", node.name, node.op.kind());
        }
        let known = nodes().map(|node| node.name.as_str()).chain(KINDS.map(|(word, _)| word));
        format!("no layer has such a name; nearest: `{}`", nearest(name, known).join("`, `"))
    }
}

impl Kind {
    fn has(self, node: &Node) -> bool {
        let kind = node.op.kind();
        match self {
            Self::Any => true,
            Self::Weighted => ["conv2d", "linear"].contains(&kind),
            Self::Activation => node.op.is_activation(),
            Self::AveragePool => ["avg_pool2d", "adaptive_avg_pool2d"].contains(&kind),
            Self::Op(wanted) => kind == wanted,
        }
    }
}

impl Name {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => name == exact,
            Self::Below(prefix) => name.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.')),
            Self::Glob(pattern) => glob(pattern.as_bytes(), name.as_bytes()),
        }
    }
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| glob(rest, &name[skip..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => glob(pattern, name),
        ([letter, pattern @ ..], [same, name @ ..]) if letter == same => glob(pattern, name),
        _ => false,
    }
}

/// `[first | last] [KIND] [NAME]`, in this order and not all missing: `first conv2d`, `layer4.*`, `last linear`,
/// `add layer4.*`. `KIND` is that of a layer, or `any`, `weighted` (convolutions and linear layers), `activation`,
/// `average_pool`. A name ending in a `.` takes all names below it, one with `*` or `?` all that fit, and both take layers
/// with weights only unless a kind is given.
impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let error = |why: String| Error::Rules { text: text.trim().to_owned(), why };
        let mut words = text.split_whitespace().peekable();
        let place = match words.peek() {
            Some(&"first") => Place::First,
            Some(&"last") => Place::Last,
            _ => Place::Any,
        };
        if place != Place::Any {
            words.next();
        }
        let known = |word: &str| KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        let kind = words.peek().and_then(|word| known(word));
        if kind.is_some() {
            words.next();
        }
        let name = words.next().map_or(Name::Any, Name::from);
        if words.next().is_some() || (kind.is_none() && name == Name::Any) {
            let kinds = KINDS.map(|(word, _)| word).join(", ");
            return Err(error(format!("a selector is `[first | last] [KIND] [NAME]`, where KIND is one of {kinds}")));
        }
        let alone = match name {
            Name::Exact(_) => Kind::Any,
            Name::Any | Name::Below(_) | Name::Glob(_) => Kind::Weighted,
        };
        Ok(Self { place, kind: kind.unwrap_or(alone), name })
    }
}

impl From<&str> for Name {
    /// Below a name that ends in a `.`, a pattern where there is a `*` or `?`, else exactly this.
    fn from(text: &str) -> Self {
        match text.strip_suffix('.') {
            _ if text.contains(['*', '?']) => Self::Glob(text.to_owned()),
            Some(prefix) => Self::Below(prefix.to_owned()),
            None => Self::Exact(text.to_owned()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Any => "",
            Place::First => "first",
            Place::Last => "last",
        };
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        // A name alone takes every kind, unless it is a word of another meaning.
        let is_word = |name: &str| ["first", "last"].contains(&name) || KINDS.iter().any(|(word, _)| *word == name);
        let kind = match &self.name {
            Name::Exact(name) if self.kind == Kind::Any && !is_word(name) => "",
            Name::Any | Name::Exact(_) | Name::Below(_) | Name::Glob(_) => kind,
        };
        let name = match &self.name {
            Name::Any => String::new(),
            Name::Exact(name) | Name::Glob(name) => name.clone(),
            Name::Below(prefix) => format!("{prefix}."),
        };
        let words = [place, kind, &name].into_iter().filter(|word| !word.is_empty());
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}
