//! Parameters in the order in which the kernels read them, and plans: made when they are first needed and kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gradex_kernels::blocked::{Algorithm, BLOCK, Buffer, Direction, Norm, PackedConv, Workspace};
use gradex_kernels::{ConvShape, Level, Padding};

use super::{Choice, Plan};
use crate::error::Result;
use crate::graph::NodeId;
use crate::layer::Params;
use crate::tensor::values;

/// Packed weights depend on the input's size by the padding alone.
type Key = (NodeId, Direction, Algorithm, [usize; 4]);

/// The choice of algorithms, the input's shape, the nodes that are given, and those asked for.
type Asked = (Choice, Vec<usize>, Vec<NodeId>, Vec<bool>);

/// Plans that are kept at most.
const PLANS: usize = 8;

/// What a network's planned runs share.
#[derive(Debug, Default)]
pub(crate) struct Packs {
    convs: Mutex<HashMap<Key, Arc<PackedConv>>>,
    norms: Mutex<HashMap<NodeId, Arc<Scales>>>,
    plans: Mutex<HashMap<Asked, Arc<Plan>>>,
    pooled: Mutex<HashMap<(NodeId, usize), Arc<Params>>>,
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
        let (mut convs, mut norms) = (locked(&self.convs).clone(), locked(&self.norms).clone());
        convs.retain(|(id, ..), _| *id != node);
        norms.remove(&node);
        let mut pooled = locked(&self.pooled).clone();
        pooled.retain(|(id, _), _| *id != node);
        Self {
            convs: Mutex::new(convs),
            norms: Mutex::new(norms),
            plans: Mutex::default(),
            pooled: Mutex::new(pooled),
            workspace: Arc::clone(&self.workspace),
        }
    }

    /// The plan for what is asked.
    pub(crate) fn plan(&self, asked: Asked, make: impl FnOnce() -> Result<Plan>) -> Result<Arc<Plan>> {
        let mut plans = locked(&self.plans);
        if plans.len() >= PLANS && !plans.contains_key(&asked) {
            plans.clear();
        }
        drop(plans);
        found(&self.plans, asked, make)
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

    /// A convolution's weights.
    pub(crate) fn conv(
        &self,
        node: NodeId,
        params: &Params,
        shape: &ConvShape,
        direction: Direction,
        algorithm: Algorithm,
    ) -> Result<Arc<PackedConv>> {
        let Padding { top, bottom, left, right } = shape.window.padding;
        found(&self.convs, (node, direction, algorithm, [top, bottom, left, right]), || {
            let weight = params.weight("conv2d")?;
            let bias = params.bias.as_ref().filter(|_| direction == Direction::Forward).map(values);
            Ok(PackedConv::new(Level::current()?, algorithm, shape, direction, &values(&weight), bias.as_deref())?)
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
fn found<K: Hash + Eq, T>(map: &Mutex<HashMap<K, Arc<T>>>, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    if let Some(found) = locked(map).get(&key) {
        return Ok(Arc::clone(found));
    }
    let made = Arc::new(make()?);
    Ok(Arc::clone(locked(map).entry(key).or_insert(made)))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
