//! The rest of a forward pass, with other values at one node.

use gradex_kernels::together;
use ndarray::Axis;

use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::network::Network;
use crate::tape::Tape;
use crate::tensor::{Tensor, is_finite, of_batch};

impl Network {
    /// The logits `[m, classes]` if the output of `point` were `values [m, ...]`: what does the network make of it?
    ///
    /// Nodes that do not depend on the point ([`Graph::beside`](crate::Graph::beside)) keep what image number `image` of
    /// the tape gave them; the tape must hold them.
    ///
    /// # Errors
    /// [`Error::Shape`] where `values` has not the shape of the point's output, [`Error::NotRetained`] where the tape lacks
    /// a node beside the point, [`Error::NonFinite`] where the logits are not finite.
    pub fn resume(&self, tape: &Tape, image: usize, point: NodeId, values: &Tensor) -> Result<Tensor> {
        let (graph, logits) = (self.graph(), self.graph().logits());
        let fits = values.ndim() > 0 && values.shape()[1..] == tape.shape(point)[1..];
        if !fits || image >= tape.input_shape()[0] {
            let expected = format!("values of shape [m, ..] with the rest of {:?}", tape.shape(point));
            return Err(Error::shape("the rest of a forward pass", expected, values.shape()));
        }
        let depend = graph.depend_on(&[point]);
        if !depend[logits.index()] {
            return Err(Error::Graph(format!("the logits do not depend on `{}`", graph.node(point).name)));
        }
        let beside = graph.beside(point);
        let count = values.shape()[0];
        let shapes = graph.shapes(&of_batch(tape.input_shape(), count))?;
        let sources: Vec<NodeId> = beside.iter().copied().chain([point]).collect();
        let wanted: Vec<bool> = graph.ids().map(|id| id == logits).collect();
        let plan = self.plan(&shapes, sources, wanted)?;
        let mut given = vec![(point, plan.give(self, point, values)?)];
        for id in beside {
            let one = tape.output(id)?.index_axis(Axis(0), image).insert_axis(Axis(0));
            let shape = of_batch(one.shape(), count);
            let repeated = one.broadcast(shape.clone()).map(|all| all.as_standard_layout().into_owned());
            let repeated = repeated.ok_or_else(|| Error::shape("the rest of a forward pass", "one image", &shape))?;
            given.push((id, plan.give(self, id, &repeated)?));
        }
        let found = together(|| plan.of_given(self, None, given, logits))?;
        match found.tensor()? {
            found if is_finite(found.view()) => Ok(found.clone()),
            _ => Err(Error::NonFinite { what: "output of node", name: graph.node(logits).name.clone() }),
        }
    }
}
