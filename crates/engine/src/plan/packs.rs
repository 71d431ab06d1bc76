//! Parameters in the order in which the kernels read them, and plans: made when they are first needed and kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gradex_kernels::blocked::{Algorithm, BLOCK, Buffer, Direction, Norm, PackedConv, Workspace};
use gradex_kernels::{ConvShape, Level, Padding, Weights};

use super::{Choice, Plan, Route};
use crate::error::{Error, Result};
use crate::fold::scaled;
use crate::graph::NodeId;
use crate::layer::Params;
use crate::tensor::values;

/// Packed weights depend on the input's size by the padding alone, and on the batch norm whose scale they have taken in.
type Key = (NodeId, Direction, Algorithm, [usize; 4], Option<NodeId>);

/// The choice of algorithms, the input's shape, the nodes that are given, and those asked for.
type Asked = (Choice, Vec<usize>, Vec<NodeId>, Vec<bool>);

/// The choice of algorithms, the input's shape and the nodes at whose outputs gradients are kept.
type Way = (Choice, Vec<usize>, Vec<NodeId>);

/// Plans and routes that are kept at most: the latest.
const PLANS: usize = 8;

/// What was made, oldest first. There is little of it: to look through it is as fast as to hash.
type Kept<K, T> = Mutex<Vec<(K, Arc<T>)>>;

/// What a network's planned runs share.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    convs: Kept<Key, PackedConv>,
    norms: Kept<NodeId, Scales>,
    pooled: Kept<(NodeId, usize), Params>,
    plans: Kept<Asked, Plan>,
    routes: Kept<Way, Route>,
    /// Memory that is used again from run to run.
    pub workspace: Arc<Workspace>,
}

/// A batch norm's scale and shift, with room for whole blocks.
#[derive(Debug)]
pub(crate) struct Scales {
    scale: Buffer,
    shift: Buffer,
}

impl Scales {
    pub(crate) fn norm(&self) -> Norm<'_> {
        Norm { scale: &self.scale, shift: &self.shift }
    }
}

impl Packs {
    /// The same for all nodes but this one, whose parameters changed.
    pub(crate) fn without(&self, node: NodeId) -> Self {
        fn others<K: Clone, T>(kept: &Kept<K, T>, is_of: impl Fn(&K) -> bool) -> Kept<K, T> {
            Mutex::new(locked(kept).iter().filter(|(key, _)| !is_of(key)).cloned().collect())
        }
        Self {
            convs: others(&self.convs, |(id, .., norm)| *id == node || *norm == Some(node)),
            norms: others(&self.norms, |id| *id == node),
            pooled: others(&self.pooled, |(id, _)| *id == node),
            plans: Mutex::default(),
            routes: Mutex::default(),
            workspace: Arc::clone(&self.workspace),
        }
    }

    /// The plan for what is asked.
    pub(crate) fn plan(&self, asked: Asked, make: impl FnOnce() -> Result<Plan>) -> Result<Arc<Plan>> {
        latest(&self.plans, asked, make)
    }

    /// The way of a gradient.
    pub(crate) fn route(&self, way: Way, make: impl FnOnce() -> Result<Route>) -> Result<Arc<Route>> {
        latest(&self.routes, way, make)
    }

    /// A linear layer's weight, summed over the pixels of each of so many channels.
    pub(crate) fn pooled(
        &self,
        linear: NodeId,
        channels: usize,
        make: impl FnOnce() -> Result<Params>,
    ) -> Result<Arc<Params>> {
        found(&self.pooled, (linear, channels), make)
    }

    /// A convolution's weights; with the scale of a batch norm, one for each output channel, in them.
    pub(crate) fn conv(
        &self,
        (node, params): (NodeId, &Params),
        shape: &ConvShape,
        direction: Direction,
        algorithm: Algorithm,
        norm: Option<(NodeId, &Params)>,
    ) -> Result<Arc<PackedConv>> {
        let Padding { top, bottom, left, right } = shape.window.padding;
        let padding = [top, bottom, left, right];
        found(&self.convs, (node, direction, algorithm, padding, norm.map(|(norm, _)| norm)), || {
            let missing = Error::NoParameter { op: "conv2d", parameter: "weight" };
            let weight = params.weight.as_ref().ok_or(missing)?;
            let (level, bias) =
                (Level::current()?, params.bias.as_ref().filter(|_| direction == Direction::Forward).map(values));
            let pack =
                |weight: Weights<'_>| PackedConv::new(level, algorithm, shape, direction, weight, bias.as_deref());
            Ok(match norm {
                Some((_, norm)) => pack(values(&scaled(params, norm)?)[..].into())?,
                None => weight.read(pack)?,
            })
        })
    }

    /// A batch norm's scale and shift.
    pub(crate) fn scales(&self, node: NodeId, params: &Params) -> Result<Arc<Scales>> {
        found(&self.norms, node, || {
            let scale = params.weight("batch_norm2d")?;
            let [mut padded, mut shift] = [0; 2].map(|_| Buffer::zeros(scale.len().next_multiple_of(BLOCK)));
            padded[..scale.len()].copy_from_slice(&values(&scale));
            if let Some(bias) = &params.bias {
                shift[..bias.len()].copy_from_slice(&values(bias));
            }
            Ok(Scales { scale: padded, shift })
        })
    }
}

/// What is there, or what `make` makes: without the lock, since kernels that run in parallel must not wait for it.
fn found<K: PartialEq, T>(kept: &Kept<K, T>, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    let find = |kept: &[(K, Arc<T>)]| kept.iter().find(|(of, _)| *of == key).map(|(_, found)| Arc::clone(found));
    if let Some(found) = find(&locked(kept)) {
        return Ok(found);
    }
    let made = Arc::new(make()?);
    let mut kept = locked(kept);
    Ok(find(&kept).unwrap_or_else(|| {
        kept.push((key, Arc::clone(&made)));
        made
    }))
}

/// The same of what is kept for a while.
fn latest<K: PartialEq, T>(kept: &Kept<K, T>, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    let made = found(kept, key, make);
    let mut kept = locked(kept);
    let old = kept.len().saturating_sub(PLANS);
    kept.drain(..old);
    made
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
