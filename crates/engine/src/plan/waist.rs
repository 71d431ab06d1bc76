//! Where many images had better go on together.

use gradex_kernels::Level;

use super::choice::Choice;
use super::fuse::Demand;
use super::outline::bytes;
use super::step::Kind;
use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// A program for a page must be small: it has every batch go together, and nothing that a waist needs is in it.
pub(crate) const IS_SOUGHT: bool = cfg!(not(target_family = "wasm"));

impl Graph {
    /// The node up to which images `[n, c, h, w]` had better go one after the other, and together from there on: on its output
    /// alone depends what comes after.
    ///
    /// One after the other each reads the weights, but finds what the last step wrote still near. Together they read them
    /// once, but each step writes all of their outputs, which the next reads from afar. Least is moved where the first outgrows
    /// the second; none where that is in front of all steps, as for a single image.
    ///
    /// # Errors
    /// As [`Graph::outline`].
    pub(crate) fn waist(&self, images: &[usize], choice: Choice) -> Result<Option<NodeId>> {
        let again = images.first().map_or(0, |images| images.saturating_sub(1));
        if !IS_SOUGHT || again == 0 {
            return Ok(None);
        }
        let (level, logits, shapes) = (Level::current()?, self.logits(), self.shapes(images)?);
        let wanted: Vec<bool> = self.ids().map(|id| id == logits).collect();
        let demand = Demand::new(self, &shapes, &[NodeId::INPUT], &wanted);
        let steps = demand.steps(choice)?;
        let last_step = self.last_steps(steps.iter().map(|(nodes, _)| &nodes[..]));
        let output = |nodes: &[NodeId]| nodes.last().copied().unwrap_or(NodeId::INPUT);
        // Written and read.
        let moved = |id: NodeId| 2 * bytes(&shapes[id.0]);
        let mut cost: usize = steps.iter().map(|(nodes, _)| moved(output(nodes))).sum();
        let (mut best, mut alive) = ((cost, None), vec![NodeId::INPUT]);
        for (index, (nodes, kind)) in steps.iter().enumerate() {
            let weights = match (kind, &self.node(nodes[0]).op) {
                (Kind::Convolution(shape, algorithm, _), _) => algorithm.packed_bytes(level, shape, false),
                (_, Op::Linear(layer)) => size_of::<f32>() * layer.in_features * layer.out_features,
                _ => 0,
            };
            let output = output(nodes);
            cost = cost + again * weights - moved(output);
            alive.push(output);
            alive.retain(|id| last_step[id.0] > index);
            if alive == [output] && demand.is_image(output) && cost < best.0 {
                best = (cost, Some(output));
            }
        }
        Ok(best.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::layers::{Add, Conv2d, Flatten, Linear, MaxPool2d, Relu};
    use crate::network::Network;
    use crate::tape::Retain;
    use crate::tensor::Tensor;

    /// A convolution with more pixels than weights, where asked for with a sum round it, and two layers with more weights.
    fn graph(is_residual: bool) -> Graph {
        let mut graph = GraphBuilder::new(16);
        let mut wide = graph.add("wide", Conv2d::new(16, 16, 3).padding(1), NodeId::INPUT);
        if is_residual {
            wide = graph.join("sum", Add, &[NodeId::INPUT, wide]);
        }
        let pool = graph.add("pool", MaxPool2d::new(8, 8), wide);
        let deep = graph.add("deep", Conv2d::new(16, 256, 3).padding(1), pool);
        let relu = graph.add("relu", Relu, deep);
        let flat = graph.add("flat", Flatten, relu);
        graph.add("linear", Linear::new(256 * 9, 4), flat);
        graph.finish().unwrap()
    }

    fn noise(shape: &[usize]) -> Tensor {
        let count = shape.iter().product::<usize>();
        Tensor::from_shape_vec(shape, (0..count).map(|i| (i * 37 % 101) as f32 / 500.0 - 0.1).collect()).unwrap()
    }

    fn network(graph: Graph) -> Network {
        let state: BTreeMap<String, Tensor> =
            graph.parameters().into_iter().map(|parameter| (parameter.name, noise(&parameter.shape))).collect();
        graph.bind(state).unwrap()
    }

    fn waist(graph: &Graph, images: [usize; 4]) -> Option<&str> {
        let waist = graph.waist(&images, Choice::Fastest).unwrap();
        waist.map(|waist| &*graph.node(waist).name)
    }

    fn assert_as_together(network: &Network, images: &Tensor) {
        let waist = network.graph().waist(images.shape(), Choice::Fastest).unwrap().unwrap();
        let apart = network.in_turn(images.view(), waist).unwrap().expect("a waist in blocks");
        assert_eq!(apart, network.forward(images, &Retain::logits()).unwrap().logits().unwrap());
    }

    #[test]
    fn images_go_on_together_where_weights_outgrow_them() {
        for is_residual in [false, true] {
            let network = network(graph(is_residual));
            assert_eq!(waist(network.graph(), [3, 16, 24, 24]), Some("pool"));
            assert_as_together(&network, &noise(&[3, 16, 24, 24]));
        }
    }

    /// Steps are in the order of their first nodes, and what they put out is not.
    #[test]
    fn a_branch_that_begins_later_lies_behind_the_waist_with_all_it_reads() {
        let mut graph = GraphBuilder::new(16);
        let one = graph.add("one", Conv2d::new(16, 16, 1), NodeId::INPUT);
        let other = graph.add("other", Conv2d::new(16, 16, 8).stride(8), NodeId::INPUT);
        let one = graph.add("one's relu", Relu, one);
        let other = graph.add("other's relu", Relu, other);
        let deep = graph.add("deep", Conv2d::new(16, 16, 8).stride(8), one);
        let sum = graph.join("sum", Add, &[deep, other]);
        let flat = graph.add("flat", Flatten, sum);
        graph.add("linear", Linear::new(16 * 16, 400), flat);
        let graph = graph.finish().unwrap();
        assert_eq!(waist(&graph, [4, 16, 32, 32]), Some("sum"));
        assert_as_together(&network(graph), &noise(&[4, 16, 32, 32]));
    }

    #[test]
    fn a_single_image_has_none_to_go_together_with() {
        assert_eq!(waist(&graph(false), [1, 16, 24, 24]), None);
    }

    #[test]
    fn small_images_are_together_from_the_start() {
        let mut graph = GraphBuilder::new(16);
        graph.add("deep", Conv2d::new(16, 256, 3).padding(1), NodeId::INPUT);
        assert_eq!(waist(&graph.finish().unwrap(), [3, 16, 3, 3]), None);
    }
}
