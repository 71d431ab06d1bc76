//! What a forward pass leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use gradex_kernels::Level;
use gradex_kernels::blocked::{self, Argmax, Slopes, View};
use ndarray::{Array3, ArrayView1, Axis, Ix4};

use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::layer::{Cache, Kept, Layer, Params};
use crate::layers::MaxPool2d;
use crate::op::Op;
use crate::plan::Value;
use crate::tensor::Tensor;

/// What a forward pass is to keep. The logits and all shapes are kept always.
#[derive(Debug, Clone, Default)]
pub struct Retain {
    pub(crate) from: Option<NodeId>,
    pub(crate) nodes: BTreeSet<NodeId>,
    pub(crate) marks: BTreeSet<NodeId>,
    pub(crate) channel_sums: BTreeSet<NodeId>,
}

/// What is kept of a node's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Nothing.
    Nothing,
    /// Marks of where a rectifier or a max-pool passes gradients on; all of it where it is no image.
    Marks,
    /// All of it.
    All,
}

impl Retain {
    /// The logits only.
    #[must_use]
    pub fn logits() -> Self {
        Self::default()
    }

    /// Every tensor.
    #[must_use]
    pub fn all() -> Self {
        Self::from(NodeId::INPUT)
    }

    /// The tensors of `point` and of all nodes after it: enough for a backward pass from the logits to `point`.
    #[must_use]
    pub fn from(point: NodeId) -> Self {
        Self { from: Some(point), ..Self::default() }
    }

    /// What [`Network::gradient`](crate::Network::gradient) at `point` needs: of the nodes behind it the outputs of those that
    /// are not affine, but of a rectifier or a max-pool over images only where it passes gradients on, a bit for each number and
    /// for each tap. Of a max-pool whose bits would take more memory than what it reads, that is kept.
    #[must_use]
    pub fn gradient(graph: &Graph, point: NodeId) -> Self {
        let behind = graph.depend_on(&[point]);
        let nodes = graph.ids().filter(|id| *id > point && behind[id.0] && graph.node(*id).op.affine().is_none());
        let (marks, nodes) = nodes.partition(|id| {
            let op = &graph.node(*id).op;
            matches!(op, Op::Relu(_) | Op::Relu6(_)) || matches!(op, Op::MaxPool2d(pool) if pool.is_marked())
        });
        Self { nodes, marks, ..Self::default() }
    }

    /// And the tensors of these nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: &[NodeId]) -> Self {
        self.nodes.extend(nodes);
        self
    }

    /// And the sums over channels at these nodes.
    #[must_use]
    pub fn channel_sums(mut self, nodes: &[NodeId]) -> Self {
        self.channel_sums.extend(nodes);
        self
    }

    /// What either asks for.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.from = self.from.into_iter().chain(other.from).min();
        self.nodes.extend(other.nodes);
        self.marks.extend(other.marks);
        self.channel_sums.extend(other.channel_sums);
        self
    }

    /// Whether the whole tensor of `node` is asked for.
    #[must_use]
    pub fn keeps(&self, node: NodeId) -> bool {
        self.from.is_some_and(|from| node >= from) || self.nodes.contains(&node)
    }
}

impl Graph {
    /// What a forward pass that keeps what `retain` asks for keeps of a node: of the logits all.
    pub(crate) fn keep(&self, retain: &Retain, id: NodeId) -> Keep {
        if id == self.logits() || retain.keeps(id) {
            Keep::All
        } else if retain.marks.contains(&id) {
            Keep::Marks
        } else {
            Keep::Nothing
        }
    }
}

/// A tensor `[n, c, h, w]` summed over its channels.
#[derive(Debug, Clone)]
pub struct ChannelSums {
    /// How many channels were summed.
    pub channels: usize,
    /// The sums, `[n, h, w]`, in `f64`: they do not overflow.
    pub sums: Array3<f64>,
    /// The largest value of each image's tensor, before summing.
    pub max: Vec<f32>,
}

impl ChannelSums {
    pub(crate) fn of(tensor: &Tensor) -> Result<Self> {
        let images = tensor
            .view()
            .into_dimensionality::<Ix4>()
            .map_err(|_| Error::shape("a sum over channels", "a tensor of shape [n, c, h, w]", tensor.shape()))?;
        let (count, _, height, width) = images.dim();
        let mut sums = Array3::zeros((count, height, width));
        for channel in images.axis_iter(Axis(1)) {
            sums.zip_mut_with(&channel, |sum, value| *sum += f64::from(*value));
        }
        let largest = |image: ndarray::ArrayView3<'_, f32>| image.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Ok(Self { channels: images.shape()[1], sums, max: images.outer_iter().map(largest).collect() })
    }

    pub(crate) fn of_value(value: &Value) -> Result<Self> {
        let Value::Image(image, _) = value else { return Self::of(value.tensor()?) };
        let view = image.view();
        let [height, width] = view.layout.size;
        let mut sums = vec![0.0; view.layout.batch * height * width];
        let mut max = vec![0.0; view.layout.batch];
        blocked::channel_sums(Level::current()?, view, &mut sums, &mut max)?;
        let shape = (view.layout.batch, height, width);
        let error = |_| Error::Values { shape: vec![shape.0, height, width], actual: 0 };
        Ok(Self { channels: view.layout.channels, sums: Array3::from_shape_vec(shape, sums).map_err(error)?, max })
    }
}

/// Where a node passes gradients on.
#[derive(Debug, Clone)]
pub(crate) enum Mark {
    /// A rectifier.
    Slopes(Arc<Slopes>),
    /// A max-pool.
    Argmax(Arc<Argmax>),
}

/// Where the maxima of a max-pool were: known, or found in its input when somebody asks.
#[derive(Debug, Clone)]
pub(crate) struct Maxima {
    cache: OnceLock<Cache>,
    source: Option<(MaxPool2d, Arc<Value>)>,
}

impl Maxima {
    pub(crate) fn found(cache: Cache) -> Self {
        Self { cache: cache.into(), source: None }
    }

    pub(crate) fn new(pool: &MaxPool2d, input: Arc<Value>) -> Self {
        Self { cache: OnceLock::new(), source: Some((pool.clone(), input)) }
    }

    fn cache(&self) -> &Cache {
        if let Some(cache) = self.cache.get() {
            return cache;
        }
        // Not while others wait for it: what runs in parallel may do their work meanwhile, and come here again.
        let find = |(pool, input): &(MaxPool2d, Arc<Value>)| pool.forward(&Params::default(), &[input.tensor()?]);
        let found = self.source.as_ref().and_then(|source| find(source).ok());
        self.cache.get_or_init(|| found.map_or(Cache::Nothing, |(_, cache)| cache))
    }
}

/// The record of one forward pass, immutable: any number of explanations read it.
#[derive(Debug, Clone)]
pub struct Tape {
    pub(crate) shapes: Vec<Vec<usize>>,
    pub(crate) outputs: Vec<Option<Arc<Value>>>,
    pub(crate) marks: Vec<Option<Mark>>,
    pub(crate) maxima: BTreeMap<NodeId, Maxima>,
    pub(crate) channel_sums: BTreeMap<NodeId, ChannelSums>,
    pub(crate) logits: NodeId,
}

impl Tape {
    /// The logits, `[n, classes]`.
    ///
    /// # Errors
    /// None in practice: logits are always kept.
    pub fn logits(&self) -> Result<&Tensor> {
        self.output(self.logits)
    }

    /// The logits of image number `image`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the batch has no such image, or the network's output is not `[n, classes]`.
    pub fn image_logits(&self, image: usize) -> Result<ArrayView1<'_, f32>> {
        let logits = self.logits()?;
        let error = || Error::shape("a classifier", format!("logits [n, classes] with n > {image}"), logits.shape());
        if image >= logits.shape()[0] {
            return Err(error());
        }
        logits.index_axis(Axis(0), image).into_dimensionality().map_err(|_| error())
    }

    /// The input's shape, `[n, c, h, w]`.
    #[must_use]
    pub fn input_shape(&self) -> &[usize] {
        &self.shapes[0]
    }

    /// A node's output shape; empty where the network has no such node.
    #[must_use]
    pub fn shape(&self, node: NodeId) -> &[usize] {
        self.shapes.get(node.0).map_or(&[], |shape| shape)
    }

    /// A node's output.
    ///
    /// # Errors
    /// [`Error::NotRetained`] where it was not asked for.
    pub fn output(&self, node: NodeId) -> Result<&Tensor> {
        match self.outputs.get(node.0) {
            Some(Some(value)) => value.tensor(),
            Some(None) | None => Err(Error::NotRetained("output of this node")),
        }
    }

    /// A node's sums over channels.
    ///
    /// # Errors
    /// [`Error::NotRetained`] where they were not asked for.
    pub fn channel_sums(&self, node: NodeId) -> Result<&ChannelSums> {
        self.channel_sums.get(&node).ok_or(Error::NotRetained("channel sums of this node"))
    }

    pub(crate) fn value(&self, node: NodeId) -> Option<&Arc<Value>> {
        self.outputs.get(node.0).and_then(Option::as_ref)
    }

    /// What a max-pool read, where that is there in blocks.
    pub(crate) fn pooled(&self, node: NodeId) -> Option<View<'_>> {
        self.maxima.get(&node).and_then(|maxima| maxima.source.as_ref()).and_then(|(_, input)| input.view().ok())
    }

    pub(crate) fn kept(&self, node: NodeId) -> Kept<'_> {
        Kept::new(&self.shapes[node.0], self.outputs[node.0].as_deref())
    }

    pub(crate) fn cache(&self, node: NodeId) -> &Cache {
        self.maxima.get(&node).map_or(&Cache::Nothing, Maxima::cache)
    }
}
