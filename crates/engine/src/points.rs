//! Named points: what there is to look at in a network, and where class activation maps are usually taken.

use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::layer::Layer;
use crate::op::Op;

/// Where a point lies relative to the rectifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// A rectifier follows before the next weights.
    Before,
    /// No value is negative: a rectifier's output, or a pooling or sum of such.
    After,
    /// Neither.
    Neither,
}

/// A node as a listing shows it.
#[derive(Debug, Clone)]
pub struct Point {
    /// The node.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The kind of layer.
    pub kind: &'static str,
    /// The output's shape.
    pub shape: Vec<usize>,
    /// Input pixels a step of the output, `[rows, columns]`, where that is the same everywhere.
    pub stride: Option<[usize; 2]>,
    /// Before or after a rectifier.
    pub activation: Activation,
}

impl Graph {
    /// The default point of class activation maps: the last rectifier whose output is an image, so the end of the last
    /// convolutional stage (`features.29` of VGG16, `layer4` of a ResNet). The input where there is none.
    #[must_use]
    pub fn default_point(&self) -> NodeId {
        let mut image: Vec<bool> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let flattens = matches!(node.op, Op::Flatten(_) | Op::Linear(_));
            image.push(!flattens && node.inputs.iter().all(|id| image[id.0]));
        }
        let leads = self.leads_to(self.logits());
        let is_last = |id: &NodeId| image[id.0] && leads[id.0] && self.node(*id).op.is_activation();
        self.ids().rev().find(is_last).unwrap_or(NodeId::INPUT)
    }

    /// Every node, for an input of shape `[n, c, h, w]`.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn points(&self, input: &[usize]) -> Result<Vec<Point>> {
        let shapes = self.shapes(input)?;
        let after = self.non_negative();
        let before = self.rectified_later();
        let strides = self.strides();
        let point = |(id, shape): (NodeId, Vec<usize>)| Point {
            id,
            name: self.node(id).name.clone(),
            kind: self.node(id).op.kind(),
            shape,
            stride: strides[id.0],
            activation: match (after[id.0], before[id.0]) {
                (true, _) => Activation::After,
                (false, true) => Activation::Before,
                (false, false) => Activation::Neither,
            },
        };
        Ok(self.ids().zip(shapes).map(point).collect())
    }

    /// Whether each node's values meet a rectifier before the next weights.
    fn rectified_later(&self) -> Vec<bool> {
        let mut later = vec![false; self.nodes().len()];
        for (index, node) in self.nodes().iter().enumerate().rev() {
            let passes = match &node.op {
                Op::Relu(_) | Op::Relu6(_) => true,
                Op::Conv2d(_) | Op::Linear(_) | Op::Softmax(_) | Op::Input(_) => false,
                Op::BatchNorm2d(_)
                | Op::MaxPool2d(_)
                | Op::AvgPool2d(_)
                | Op::AdaptiveAvgPool2d(_)
                | Op::Add(_)
                | Op::Concat(_)
                | Op::Flatten(_)
                | Op::Dropout(_) => later[index],
            };
            node.inputs.iter().for_each(|id| later[id.0] |= passes);
        }
        later
    }

    fn strides(&self) -> Vec<Option<[usize; 2]>> {
        let mut strides: Vec<Option<[usize; 2]>> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let mut reads = node.inputs.iter().map(|id| strides[id.0]);
            let first = reads.next().unwrap_or(Some([1, 1]));
            let before = first.filter(|_| reads.all(|other| other == first));
            let own = node.op.stride();
            strides.push(before.zip(own).map(|(before, own)| [before[0] * own[0], before[1] * own[1]]));
        }
        strides
    }
}
