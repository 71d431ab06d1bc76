//! A plan carried out.

use std::sync::Arc;

use gradex_kernels::Level;
use gradex_kernels::blocked::{self, Argmax, Layout, Slopes, average_pool_blocked, map, max_pool_blocked};

use super::value::Form;
use super::{Epilogue, Image, Plan, Step, Value, Work};
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::layer::Layer;
use crate::network::Network;
use crate::tape::{Keep, Mark};
use crate::tensor::{Tensor, nchw, values as row_major};

/// The values of all nodes, as far as they are there.
pub(crate) type Values = Vec<Option<Arc<Value>>>;

impl Plan {
    /// A given tensor in the form that the steps read.
    pub(crate) fn give(&self, network: &Network, id: NodeId, tensor: &Tensor) -> Result<Arc<Value>> {
        Value::give(tensor, self.layouts[id.0], &network.packs().workspace).map(Arc::new)
    }

    /// A batch at a node, of which `one` makes each image, in the form that the steps read; none where they read it in rows.
    pub(crate) fn join(
        &self,
        network: &Network,
        id: NodeId,
        one: &mut dyn FnMut(usize) -> Result<Arc<Value>>,
    ) -> Result<Option<Arc<Value>>> {
        let joined = self.layouts[id.0].map(|layout| Value::join(layout, &network.packs().workspace, one));
        Ok(joined.transpose()?.map(Arc::new))
    }

    /// Whether steps read the images given for a node as they lie in memory, in rows.
    pub(crate) fn reads_rows(&self, id: NodeId, shape: &[usize]) -> bool {
        shape.len() == 4 && self.layouts[id.0].is_none()
    }

    /// Computes every step, and keeps what `keep` says; `see` looks at each output before anything is freed. The `lent` input
    /// need not be among the values, if [`Plan::reads_rows`] of it.
    pub(crate) fn run(
        &self,
        network: &Network,
        lent: Option<&Tensor>,
        mut values: Values,
        keep: &dyn Fn(NodeId) -> Keep,
        see: &mut dyn FnMut(NodeId, &Value, &Values) -> Result<()>,
    ) -> Result<(Values, Vec<Option<Mark>>)> {
        let mut marks = vec![None; values.len()];
        for step in &self.steps {
            let (named, output) = (|error: Error| error.at(&network.graph().node(step.head()).name), step.output());
            let mark = if keep(output) == Keep::Marks { self.mark(step) } else { None };
            let value = self.compute(network, step, lent, &values, mark.as_ref()).map_err(named)?;
            see(output, &value, &values).map_err(|error| error.at(&network.graph().node(output).name))?;
            values[output.0] = Some(value);
            marks[output.0] = mark;
            let is_kept = |id: NodeId| match keep(id) {
                Keep::Nothing => false,
                Keep::Marks => marks[id.0].is_none(),
                Keep::All => true,
            };
            step.frees.iter().filter(|id| !is_kept(**id)).for_each(|id| values[id.0] = None);
        }
        Ok((values, marks))
    }

    /// The one node's value that is asked for, of images for the input.
    pub(crate) fn of_images(&self, network: &Network, images: &Tensor, asked: NodeId) -> Result<Arc<Value>> {
        if self.reads_rows(NodeId::INPUT, images.shape()) {
            return self.of_given(network, Some(images), Vec::new(), asked);
        }
        let given = self.give(network, NodeId::INPUT, images)?;
        self.of_given(network, None, vec![(NodeId::INPUT, given)], asked)
    }

    /// The same, of values given for nodes.
    pub(crate) fn of_given(
        &self,
        network: &Network,
        lent: Option<&Tensor>,
        given: Vec<(NodeId, Arc<Value>)>,
        asked: NodeId,
    ) -> Result<Arc<Value>> {
        let mut values = vec![None; self.layouts.len()];
        given.into_iter().for_each(|(id, value)| values[id.0] = Some(value));
        let keep = |id| if id == asked { Keep::All } else { Keep::Nothing };
        let (mut values, _) = self.run(network, lent, values, &keep, &mut |_, _, _| Ok(()))?;
        values[asked.0].take().ok_or(Error::NotRetained("output of this node"))
    }

    /// Room for the marks of a step that can make them.
    fn mark(&self, step: &Step) -> Option<Mark> {
        let layout = self.layouts[step.output().0]?;
        match &step.work {
            Work::Convolution(..) | Work::Map(_) => Some(Mark::Slopes(Arc::new(Slopes::new(layout)))),
            Work::MaxPool(shape) => Some(Mark::Argmax(Arc::new(Argmax::new(shape.clone(), layout)))),
            Work::AveragePool(_) | Work::Same | Work::Layer => None,
        }
    }

    fn compute(
        &self,
        network: &Network,
        step: &Step,
        lent: Option<&Tensor>,
        values: &Values,
        mark: Option<&Mark>,
    ) -> Result<Arc<Value>> {
        let (slopes, argmax) = match mark {
            Some(Mark::Slopes(slopes)) => (Some(&**slopes), None),
            Some(Mark::Argmax(argmax)) => (None, Some(&**argmax)),
            None => (None, None),
        };
        let level = Level::current()?;
        let workspace = &network.packs().workspace;
        let inputs = &network.graph().node(step.head()).inputs;
        let read = inputs.first().copied().unwrap_or(NodeId::INPUT);
        let input = || of(values, read);
        let layout = || -> Result<Layout> {
            let image = self.layouts[step.output().0];
            image.ok_or_else(|| Error::shape("a planned layer", "an image", &[]))
        };
        let value = match &step.work {
            Work::Convolution(conv, epilogue) => {
                let (written, epilogue) = (layout()?, epilogue.with(values, slopes)?);
                let given = match lent.filter(|_| read == NodeId::INPUT) {
                    Some(tensor) => Form::Rows(tensor),
                    None => input()?.form(),
                };
                match given {
                    Form::Rows(tensor) => {
                        let ([.., height, width], read) = (nchw("conv2d", tensor.shape())?, row_major(tensor));
                        let size = [height, width];
                        Image::new(written, workspace, |output| {
                            conv.run_planes(size, &read, &epilogue, workspace, written, output)
                        })?
                    }
                    Form::Blocks(read) => {
                        Image::new(written, workspace, |output| conv.run(read, &epilogue, workspace, written, output))?
                    }
                }
            }
            Work::Map(epilogue) => {
                let (read, written) = (input()?.view()?, layout()?);
                let epilogue = epilogue.with(values, slopes)?;
                Image::new(written, workspace, |output| map(level, read, &epilogue, written, output))?
            }
            Work::MaxPool(shape) => {
                let (read, written) = (input()?.view()?, layout()?);
                Image::new(written, workspace, |output| max_pool_blocked(level, shape, read, argmax, written, output))?
            }
            Work::AveragePool(shape) => {
                let (read, written) = (input()?.view()?, layout()?);
                Image::new(written, workspace, |output| average_pool_blocked(level, shape, read, written, output))?
            }
            Work::Same => return Ok(Arc::clone(input()?)),
            Work::Layer => return self.layer(network, step, values),
        };
        Ok(Arc::new(Value::image(value)))
    }

    fn layer(&self, network: &Network, step: &Step, values: &Values) -> Result<Arc<Value>> {
        let node = network.graph().node(step.head());
        let inputs: Result<Vec<&Tensor>> = node.inputs.iter().map(|id| of(values, *id)?.tensor()).collect();
        let (output, _) = node.op.forward(network.params(step.head()), &inputs?)?;
        match self.layouts[step.output().0] {
            Some(_) => self.give(network, step.output(), &output),
            None => Ok(Arc::new(Value::Plain(output))),
        }
    }
}

impl Epilogue {
    fn with<'v>(&'v self, values: &'v Values, slopes: Option<&'v Slopes>) -> Result<blocked::Epilogue<'v>> {
        let residual = self.residual.map(|id| of(values, id)?.view()).transpose()?;
        let norm = self.scales.as_ref().map(|scales| scales.norm());
        Ok(blocked::Epilogue { norm, residual, activation: self.activation, slopes, gate: None })
    }
}

fn of(values: &Values, id: NodeId) -> Result<&Arc<Value>> {
    values[id.0].as_ref().ok_or(Error::NotRetained("input of this node"))
}
