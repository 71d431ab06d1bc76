//! The gradient's way back, over images that stay in blocks of channels.
//!
//! The gradient at a node's output has the layout in which the node reads it: around it lie the zeros that the transposed
//! convolution needs, be it the node itself or one that it hands the image on to. Layers without a form for blocks go back
//! as they are, on row-major tensors.

use std::collections::BTreeMap;
use std::sync::Arc;

use gradex_kernels::blocked::{
    self, Activation, Argmax, Buffer, Epilogue, Gate, Layout, Norm, PackedConv, Slopes, average_pool_transpose_blocked,
    map, max_pool_blocked, max_pool_transpose_blocked,
};
use gradex_kernels::{Level, PoolShape};

use super::packs::Scales;
use super::route::{Route, taken_in};
use super::{Image, Tail, Value};
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::Layer;
use crate::layers::MaxPool2d;
use crate::network::Network;
use crate::op::Op;
use crate::tape::{Mark, Tape};
use crate::tensor::{Tensor, nchw, tensor, zeros};

/// Gradients, and where they arrive.
type Sent = Vec<(NodeId, Arc<Value>)>;

/// The transpose of a pooling.
type Transpose<'a> = dyn Fn(Option<Gate<'_>>, Layout, &mut [f32]) -> gradex_kernels::Result<()> + 'a;

/// What all nodes of a walk share.
pub(crate) struct Walk<'a> {
    network: &'a Network,
    tape: &'a Tape,
    level: Level,
    keep: &'a [NodeId],
    route: Arc<Route>,
}

impl<'a> Walk<'a> {
    /// The walk over a tape to the nodes `keep`, with the weights that it needs.
    pub(crate) fn new(network: &'a Network, tape: &'a Tape, keep: &'a [NodeId]) -> Result<Self> {
        let route = network.route(&tape.shapes, keep)?;
        Ok(Self { network, tape, level: Level::current()?, keep, route })
    }

    /// A tensor in the form in which the gradient at a node's output goes back.
    pub(crate) fn give(&self, id: NodeId, tensor: &Tensor) -> Result<Arc<Value>> {
        Value::give(tensor, self.route.layouts[id.0], &self.network.packs().workspace).map(Arc::new)
    }

    /// What a node sends, and to which nodes: its inputs, or those that lie before them. `arrived` is what other nodes have
    /// sent so far.
    pub(crate) fn back(
        &self,
        id: NodeId,
        upstream: Arc<Value>,
        arrived: &mut BTreeMap<NodeId, Arc<Value>>,
    ) -> Result<Sent> {
        let graph = self.network.graph();
        let node = graph.node(id);
        let one = |to: NodeId, image: Image| Ok(vec![(to, Arc::new(Value::image(image)))]);
        match (&node.op, &node.inputs[..], &*upstream) {
            (Op::Add(_) | Op::Dropout(_), inputs, _) => {
                Ok(inputs.iter().map(|input| (*input, Arc::clone(&upstream))).collect())
            }
            (Op::Conv2d(_), [_], Value::Image(image, _)) => {
                let (conv, tail) = self.route.convs[id.0].as_ref().ok_or(Error::NotRetained("transposed weights"))?;
                if conv.writes_planes() && tail.is_bare() && self.route.is_end(graph, tail.input) {
                    return Ok(vec![(tail.input, Arc::new(Value::Plain(self.planes(conv, tail.input, image)?)))]);
                }
                let sum = if tail.sums { arrived.remove(&tail.input) } else { None };
                one(tail.lands, self.convolution(conv, tail, image, sum)?)
            }
            // Its scale is in the weights that come next.
            (Op::BatchNorm2d(_), [input], _) if taken_in(self.network, *input) == Some(id) => {
                Ok(vec![(*input, upstream)])
            }
            (Op::BatchNorm2d(_), [input], Value::Image(image, _)) => one(*input, self.scaled(id, *input, image)?),
            (Op::Relu(_), [input], Value::Image(..)) => one(*input, self.masked(id, Activation::Relu, upstream)?),
            (Op::Relu6(_), [input], Value::Image(..)) => one(*input, self.masked(id, Activation::Relu6, upstream)?),
            (Op::AvgPool2d(pool), [input], Value::Image(image, _)) => {
                self.averaged(&pool.shape(&self.tape.shapes[input.0])?, id, *input, image)
            }
            (Op::AdaptiveAvgPool2d(pool), [input], Value::Image(image, _)) => {
                self.averaged(&pool.shape(&self.tape.shapes[input.0])?, id, *input, image)
            }
            (Op::MaxPool2d(pool), [input], Value::Image(image, _)) => match self.argmax(id, pool, *input)? {
                Some(argmax) => self.pooled(id, *input, &|gate, layout, output| {
                    max_pool_transpose_blocked(self.level, &argmax, image.view(), gate, layout, output)
                }),
                None => self.layer(id, &upstream),
            },
            _ => self.layer(id, &upstream),
        }
    }

    /// The gradient at the output of a node to keep, where `arrived` is what reached it: not yet scaled if its weights do that.
    pub(crate) fn kept(&self, id: NodeId, arrived: Tensor) -> Result<Tensor> {
        let Some(norm) = taken_in(self.network, id) else { return Ok(arrived) };
        let (site, missing) = (self.network.site(self.tape, norm), Error::NotRetained("gradient of a batch norm"));
        site.op.backward(&site, &arrived)?.pop().ok_or(missing)
    }

    /// The sum of two gradients at a node's output.
    pub(crate) fn add(&self, id: NodeId, sum: &Value, sent: &Value) -> Result<Arc<Value>> {
        if let (Value::Plain(sum), Value::Plain(sent)) = (sum, sent) {
            return Ok(Arc::new(Value::Plain(sum + sent)));
        }
        let epilogue = Epilogue { residual: Some(sent.view()?), ..Epilogue::default() };
        let sum = sum.view()?;
        let image = self.image(id, |layout, output| map(self.level, sum, &epilogue, layout, output))?;
        Ok(Arc::new(Value::image(image)))
    }

    /// What a convolution sends that can write it in rows.
    fn planes(&self, conv: &PackedConv, to: NodeId, upstream: &Image) -> Result<Tensor> {
        let shape = &self.tape.shapes[to.0];
        let [.., height, width] = nchw("conv2d", shape)?;
        let mut image = zeros(shape);
        conv.run_to_planes(upstream.view(), &self.network.packs().workspace, [height, width], &mut image)?;
        tensor(shape, image)
    }

    fn convolution(&self, conv: &PackedConv, tail: &Tail, upstream: &Image, sum: Option<Arc<Value>>) -> Result<Image> {
        let workspace = &self.network.packs().workspace;
        let scales = self.scales(tail)?;
        let norm = scales.as_ref().map(|scales| scales.norm());
        let residual = sum.as_ref().map(|sum| sum.view()).transpose()?;
        let (slopes, shift);
        let epilogue = match tail.rectifier {
            Some((id, activation)) => {
                slopes = self.slopes(id, activation)?;
                let gate = Gate { slopes: Some(&slopes), scale: norm.map(|norm| norm.scale) };
                Epilogue { residual, gate: Some(gate), ..Epilogue::default() }
            }
            // The scale is of the sum.
            None if tail.sums => {
                let gate = norm.map(|norm| Gate { slopes: None, scale: Some(norm.scale) });
                Epilogue { residual, gate, ..Epilogue::default() }
            }
            None => {
                shift = Buffer::zeros(norm.map_or(0, |norm| norm.scale.len()));
                let norm = norm.map(|Norm { scale, .. }| Norm { scale, shift: &shift });
                Epilogue { norm, residual, ..Epilogue::default() }
            }
        };
        self.image(tail.lands, |layout, output| conv.run(upstream.view(), &epilogue, workspace, layout, output))
    }

    /// What an average-pool sends.
    fn averaged(&self, shape: &PoolShape, id: NodeId, input: NodeId, upstream: &Image) -> Result<Sent> {
        self.pooled(id, input, &|gate, layout, output| {
            average_pool_transpose_blocked(self.level, shape, upstream.view(), gate, layout, output)
        })
    }

    /// What a pooling sends, by its transpose.
    fn pooled(&self, id: NodeId, input: NodeId, transpose: &Transpose<'_>) -> Result<Sent> {
        let tail = Tail::of_pooling(self.network.graph(), id, input, self.keep);
        let scales = self.scales(&tail)?;
        let slopes = tail.rectifier.map(|(id, activation)| self.slopes(id, activation)).transpose()?;
        let scale = scales.as_ref().map(|scales| scales.norm().scale);
        let gate = (!tail.is_bare()).then_some(Gate { slopes: slopes.as_deref(), scale });
        let image = self.image(tail.lands, |layout, output| transpose(gate, layout, output))?;
        Ok(vec![(tail.lands, Arc::new(Value::image(image)))])
    }

    /// Where the maxima of a max-pool were, if what it read or marks of it are there.
    fn argmax(&self, id: NodeId, pool: &MaxPool2d, input: NodeId) -> Result<Option<Arc<Argmax>>> {
        if let Some(Mark::Argmax(argmax)) = &self.tape.marks[id.0] {
            return Ok(Some(Arc::clone(argmax)));
        }
        let (Some(read), Some(layout)) = (self.tape.pooled(id), self.route.layouts[id.0]) else { return Ok(None) };
        let shape = pool.shape(&self.tape.shapes[input.0])?;
        let argmax = Argmax::new(shape.clone(), layout);
        Image::new(layout, &self.network.packs().workspace, |output| {
            max_pool_blocked(self.level, &shape, read, Some(&argmax), layout, output)
        })?;
        Ok(Some(Arc::new(argmax)))
    }

    /// The scale and shift of a tail's norm.
    fn scales(&self, tail: &Tail) -> Result<Option<Arc<Scales>>> {
        tail.norm.map(|norm| self.network.packs().scales(norm, self.network.params(norm))).transpose()
    }

    fn scaled(&self, id: NodeId, input: NodeId, upstream: &Image) -> Result<Image> {
        let scales = self.network.packs().scales(id, self.network.params(id))?;
        let scale = scales.norm().scale;
        let shift = Buffer::zeros(scale.len());
        let epilogue = Epilogue { norm: Some(Norm { scale, shift: &shift }), ..Epilogue::default() };
        self.image(input, |layout, output| map(self.level, upstream.view(), &epilogue, layout, output))
    }

    fn masked(&self, id: NodeId, activation: Activation, upstream: Arc<Value>) -> Result<Image> {
        let slopes = self.slopes(id, activation)?;
        let gate = Gate { slopes: Some(&slopes), scale: None };
        let mut image = match Arc::try_unwrap(upstream) {
            Ok(Value::Image(image, _)) => image,
            Ok(Value::Plain(tensor)) => return Err(Error::shape("a rectifier", "an image in blocks", tensor.shape())),
            Err(shared) => {
                let view = shared.view()?;
                let (layout, epilogue) = (view.layout, Epilogue::default());
                Image::new(layout, &self.network.packs().workspace, |output| {
                    map(self.level, view, &epilogue, layout, output)
                })?
            }
        };
        image.change(|layout, values| blocked::gate(self.level, &gate, layout, values))?;
        Ok(image)
    }

    /// Where a rectifier passes gradients on.
    fn slopes(&self, id: NodeId, activation: Activation) -> Result<Arc<Slopes>> {
        if let Some(Mark::Slopes(slopes)) = &self.tape.marks[id.0] {
            return Ok(Arc::clone(slopes));
        }
        let missing = || Error::NotRetained("output of a rectifier").at(&self.network.graph().node(id).name);
        let output = self.tape.value(id).ok_or_else(missing)?;
        let given;
        let output = match output.as_ref() {
            Value::Image(image, _) => image.view(),
            Value::Plain(tensor) => {
                given = self.give(id, tensor)?;
                given.view()?
            }
        };
        Ok(Arc::new(Slopes::of(self.level, activation, output)?))
    }

    /// An image of the gradient at a node's output.
    fn image(&self, id: NodeId, fill: impl FnOnce(Layout, &mut [f32]) -> gradex_kernels::Result<()>) -> Result<Image> {
        let layout = self.route.layouts[id.0].ok_or_else(|| Error::shape("a planned layer", "an image", &[]))?;
        Image::new(layout, &self.network.packs().workspace, |output| fill(layout, output))
    }

    /// The layer's own backward pass.
    fn layer(&self, id: NodeId, upstream: &Value) -> Result<Sent> {
        let node = self.network.graph().node(id);
        let site = self.network.site(self.tape, id);
        let sent = node.op.backward(&site, upstream.tensor()?)?;
        let give = |(input, tensor): (&NodeId, Tensor)| {
            Ok((
                *input,
                if self.route.is_end(self.network.graph(), *input) {
                    Arc::new(Value::Plain(tensor))
                } else {
                    self.give(*input, &tensor)?
                },
            ))
        };
        node.inputs.iter().zip(sent).map(give).collect()
    }
}
