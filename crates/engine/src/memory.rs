//! The memory of passes, from shapes alone: before there are weights, and before anything is allocated.
//!
//! A forward pass is followed node by node: an output lives from the step that makes it to the last that reads it, or as
//! long as the tape if that keeps it. A walk back is followed in reverse. Images count as kernels hold them: blocks of
//! [`BLOCK`] channels with a frame of a pixel; those that layers read or write row by row count as both.

use gradex_kernels::blocked::{Algorithm, BLOCK, Direction};
use gradex_kernels::{Level, threads};

use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::layer::Layer;
use crate::op::Op;
use crate::plan::Choice;
use crate::tape::{Keep, Retain};
use crate::tensor::of_batch;

/// Bytes of a number.
const FLOAT: usize = size_of::<f32>();

/// Bytes that passes over inputs of one shape take at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// The parameters.
    pub parameters: usize,
    /// Of those, what is let go of once it is packed.
    pub packed_alone: usize,
    /// Convolutions' weights in the order in which kernels read them, one direction.
    pub packed: usize,
    /// What is there beside them while the largest is packed: its numbers, those of another form that they were made from,
    /// and those of the one before, which the system may not have back yet.
    pub packing: usize,
    /// What the tape keeps.
    pub tape: usize,
    /// The most that is alive during the forward pass beyond what the tape keeps.
    pub forward: usize,
    /// The most that is alive during a walk back beyond the tape.
    pub backward: usize,
}

/// Bytes that weights take less than [`Footprint`] says where they are halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Saved {
    /// Of the weights as they came; a convolution that packs halves keeps no others.
    pub parameters: usize,
    /// Of the packed ones.
    pub copies: usize,
}

impl Graph {
    /// What a forward pass over inputs of this shape takes that keeps what `retain` asks for, and a walk back to `points`.
    ///
    /// # Errors
    /// [`Error::Node`](crate::Error::Node) where a layer cannot take what reaches it; [`Error::Kernel`](crate::Error::Kernel)
    /// where `GRADEX_LEVEL` names no level.
    pub fn footprint(&self, input: &[usize], retain: &Retain, points: &[NodeId], choice: Choice) -> Result<Footprint> {
        let level = Level::current()?;
        let shapes = self.shapes(input)?;
        let sizes: Vec<usize> = shapes.iter().map(|shape| blocked(shape)).collect();
        let numbers = |id: NodeId| shapes[id.0].iter().product::<usize>();
        let is_kept = self.keeps(retain, &shapes);
        let keeps = |id: NodeId| is_kept[id.0];
        // A walk back reads every other output, the rectifiers', in rows: a second form.
        let kept = |id: NodeId| sizes[id.0] + numbers(id) / 2;
        let sums = retain.channel_sums.iter().map(|id| 2 * plane(&shapes[id.0]));
        let marked = retain.marks.iter().filter(|id| !keeps(**id)).map(|id| marks(&self.node(*id).op, sizes[id.0]));
        let tape: usize = self.ids().filter(|id| keeps(*id)).map(kept).chain(sums).chain(marked).sum();
        let parameters: usize =
            self.parameters().iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum();
        let read = |id: NodeId| self.node(id).inputs.first().map_or(&[][..], |read| &shapes[read.0]);
        let packed: usize =
            self.ids().map(|id| packed(&self.node(id).op, read(id), choice, level)).sum::<Result<_>>()?;
        let packed_alone: usize =
            self.ids().map(|id| packed_alone(&self.node(id).op, read(id), choice, level)).sum::<Result<_>>()?;
        let held = self.held(&shapes, choice)?;
        Ok(Footprint {
            parameters: parameters * FLOAT,
            packed_alone,
            packed,
            packing: 3 * self.largest_weight(|op| matches!(op, Op::Conv2d(_))),
            tape: tape * FLOAT,
            forward: self.alive_forward(&held, keeps) * FLOAT,
            backward: self.alive_backward(&sizes, points) * FLOAT,
        })
    }

    /// The most that is alive while [`Network::logits`](crate::Network::logits), on the threads that are there now, sends images of
    /// this shape `[n, c, h, w]` through: up to the waist one for each thread, beside what became of the others there, and
    /// all from there on. And the images, with a copy of what is on its way.
    ///
    /// # Errors
    /// As [`Graph::footprint`].
    pub fn alive_for_logits(&self, images: &[usize], choice: Choice) -> Result<usize> {
        let (count, given) = (images.first().copied().unwrap_or(0), images.iter().product::<usize>());
        let side_by_side = count.min(threads());
        let alive = |held: &[usize]| self.alive_forward(held, |_| false);
        let mut held = self.held(&self.shapes(images)?, choice)?;
        let share = of_batch(images, count.div_ceil(side_by_side.max(1)));
        let Some(waist) = self.waist(&share, choice)? else {
            return Ok((2 * given + alive(&held)) * FLOAT);
        };
        let one_each = of_batch(images, side_by_side);
        let mut before = self.held(&self.shapes(&one_each)?, choice)?;
        before[waist.0..].fill(0);
        held[..waist.0].fill(0);
        let copies: usize = one_each.iter().product();
        Ok((given + (copies + held[waist.0] + alive(&before)).max(alive(&held))) * FLOAT)
    }

    /// The numbers of each output as a run for the logits holds it.
    fn held(&self, shapes: &[Vec<usize>], choice: Choice) -> Result<Vec<usize>> {
        let rows = self.in_rows(shapes, choice)?;
        let held = |(shape, rows): (&Vec<usize>, bool)| blocked(shape) + if rows { shape.iter().product() } else { 0 };
        Ok(shapes.iter().zip(rows).map(held).collect())
    }

    /// What passes over inputs of this shape take less where the weights of such nodes are halves.
    pub(crate) fn saved_by_halves(
        &self,
        input: &[usize],
        choice: Choice,
        is_half: impl Fn(&NodeId) -> bool,
    ) -> Result<Saved> {
        let level = Level::current()?;
        let shapes = self.shapes(input)?;
        let mut saved = Saved::default();
        for id in self.ids().filter(is_half) {
            let node = self.node(id);
            let read = node.inputs.first().map_or(&[][..], |read| &shapes[read.0]);
            let weight = node.op.parameters().first().map_or(0, |(_, shape)| FLOAT * shape.iter().product::<usize>());
            let counted = weight - packed_alone(&node.op, read, choice, level)?;
            saved.parameters += counted / 2;
            let Op::Conv2d(conv) = &node.op else { continue };
            let shape = conv.shape(read)?;
            let algorithm = choice.of(level, &shape);
            if algorithm.keeps_halves(level, &shape, Direction::Forward) {
                saved.parameters += counted - counted / 2;
                let [numbers, halves] = [false, true].map(|halves| algorithm.packed_bytes(level, &shape, halves));
                saved.copies += numbers - halves;
            }
        }
        Ok(saved)
    }

    /// Bytes of the largest weight of such layers.
    #[must_use]
    pub fn largest_weight(&self, of: impl Fn(&Op) -> bool) -> usize {
        let weights = self.nodes().iter().filter(|node| of(&node.op)).flat_map(|node| node.op.parameters());
        FLOAT * weights.map(|(_, shape)| shape.iter().product()).max().unwrap_or(0)
    }

    /// Of which nodes all numbers are kept: of rectifiers and max-pools over images it may be marks. What a max-pool read is kept
    /// where marks are not.
    fn keeps(&self, retain: &Retain, shapes: &[Vec<usize>]) -> Vec<bool> {
        let keeps = |id: NodeId| match self.keep(retain, id) {
            Keep::All => true,
            Keep::Marks => shapes[id.0].len() != 4,
            Keep::Nothing => false,
        };
        let mut kept: Vec<bool> = self.ids().map(keeps).collect();
        let pools = self.ids().filter(|id| keeps(*id) && matches!(self.node(*id).op, Op::MaxPool2d(_)));
        pools.flat_map(|id| &self.node(id).inputs).for_each(|read| kept[read.0] = true);
        kept
    }

    fn alive_forward(&self, sizes: &[usize], keeps: impl Fn(NodeId) -> bool) -> usize {
        let mut last: Vec<NodeId> = self.ids().collect();
        self.ids().for_each(|id| self.node(id).inputs.iter().for_each(|read| last[read.0] = id));
        let (mut alive, mut most) = (0, 0);
        for id in self.ids() {
            alive += if keeps(id) { 0 } else { sizes[id.0] };
            let read: usize = self.node(id).inputs.iter().filter(|read| keeps(**read)).map(|read| sizes[read.0]).sum();
            most = most.max(alive + read);
            let mut inputs = self.node(id).inputs.clone();
            inputs.sort();
            inputs.dedup();
            let freed = inputs.iter().filter(|read| last[read.0] == id && !keeps(**read));
            alive -= freed.map(|read| sizes[read.0]).sum::<usize>();
        }
        most
    }

    /// What arrived and was not sent on yet, and beside what a node sends its blocked form and that of what arrived.
    fn alive_backward(&self, sizes: &[usize], points: &[NodeId]) -> usize {
        let wanted = self.depend_on(points);
        let mut arrived = vec![false; sizes.len()];
        let (mut alive, mut most, mut kept) = (0, 0, 0);
        if let Some(logits) = arrived.get_mut(self.logits().0) {
            *logits = true;
        }
        for id in self.ids().rev().filter(|id| wanted[id.0]) {
            let sent = self.node(id).inputs.iter().filter(|input| wanted[input.0]);
            let sends: usize = sent.clone().map(|input| sizes[input.0]).sum();
            let op = &self.node(id).op;
            // The maxima that a tape without marks has to find again.
            let found = if matches!(op, Op::MaxPool2d(_)) { sizes[id.0] + marks(op, sizes[id.0]) } else { 0 };
            most = most.max(alive + kept + 2 * sends + sizes[id.0] + found);
            for input in sent {
                alive += if std::mem::replace(&mut arrived[input.0], true) { 0 } else { sizes[input.0] };
            }
            alive = alive.saturating_sub(sizes[id.0]);
            kept += if points.contains(&id) { sizes[id.0] } else { 0 };
        }
        most
    }
}

/// The numbers of a tensor as kernels hold it.
fn blocked(shape: &[usize]) -> usize {
    match shape {
        [batch, channels, height, width] => batch * channels.next_multiple_of(BLOCK) * (height + 2) * (width + 2),
        _ => shape.iter().product(),
    }
}

/// The marks of a node whose output has so many numbers, in numbers: a bit for each, and of a max-pool for each tap.
fn marks(op: &Op, numbers: usize) -> usize {
    let taps = if let Op::MaxPool2d(pool) = op { pool.taps() } else { 1 };
    numbers.saturating_mul(taps).div_ceil(FLOAT * u8::BITS as usize)
}

/// Batch and pixels.
fn plane(shape: &[usize]) -> usize {
    match shape {
        [batch, _, height, width] => batch * height * width,
        _ => 0,
    }
}

/// The bytes of a layer's packed weights, for inputs of this shape.
fn packed(op: &Op, input: &[usize], choice: Choice, level: Level) -> Result<usize> {
    let Op::Conv2d(conv) = op else { return Ok(0) };
    let shape = conv.shape(input)?;
    Ok(choice.of(level, &shape).packed_bytes(level, &shape, false))
}

/// The bytes of a layer's weight, where only its packed form is kept.
fn packed_alone(op: &Op, input: &[usize], choice: Choice, level: Level) -> Result<usize> {
    let Op::Conv2d(conv) = op else { return Ok(0) };
    let is_alone = choice == Choice::Exact && choice.of(level, &conv.shape(input)?) == Algorithm::Direct;
    let weight = conv.out_channels * conv.in_channels / conv.groups.max(1) * conv.kernel[0] * conv.kernel[1];
    Ok(if is_alone { weight * FLOAT } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;
    use crate::layers::{Add, Concat, Conv2d, MaxPool2d, Relu};

    /// Three images of 16 channels and 4 x 4 pixels, 576 numbers each as kernels hold them.
    fn chain() -> Graph {
        let mut graph = GraphBuilder::new(16);
        let conv = graph.add("conv", Conv2d::new(16, 16, 1).no_bias(), NodeId::INPUT);
        graph.add("relu", Relu, conv);
        graph.finish().unwrap()
    }

    #[test]
    fn a_chain_holds_two_images_and_a_tape_holds_all() {
        let shape = |batch| [batch, 16, 4, 4];
        let bare = chain().footprint(&shape(1), &Retain::logits(), &[], Choice::Exact).unwrap();
        assert_eq!((bare.parameters, bare.packed_alone, bare.packed), (4 * 256, 4 * 256, 4 * 256));
        assert_eq!((bare.tape, bare.forward, bare.backward), (4 * (576 + 128), 4 * 2 * 576, 0));
        let whole = chain().footprint(&shape(1), &Retain::all(), &[NodeId::INPUT], Choice::Exact).unwrap();
        assert_eq!(whole.tape, 4 * 3 * (576 + 128));
        assert!(whole.backward >= 4 * 2 * 576, "{whole:?}");
        let slopes = Retain::gradient(&chain(), NodeId::INPUT);
        let slopes = chain().footprint(&shape(1), &slopes, &[], Choice::Exact).unwrap();
        assert_eq!(slopes.tape, 4 * (576 + 128), "the logits are the rectifier's output");
        let batch = chain().footprint(&shape(5), &Retain::all(), &[NodeId::INPUT], Choice::Exact).unwrap();
        assert_eq!((batch.tape, batch.backward), (5 * whole.tape, 5 * whole.backward));
        assert_eq!(batch.parameters, whole.parameters);
    }

    /// Of 16 channels and 2 x 2 pixels each window keeps 4 bits a channel, or what it reads.
    #[test]
    fn max_pools_keep_bits_or_what_they_read() {
        let footprint = |pool: MaxPool2d| {
            let mut graph = GraphBuilder::new(16);
            let pool = graph.add("pool", pool, NodeId::INPUT);
            graph.add("conv", Conv2d::new(16, 16, 1).no_bias(), pool);
            let graph = graph.finish().unwrap();
            let retain = Retain::gradient(&graph, NodeId::INPUT);
            graph.footprint(&[1, 16, 4, 4], &retain, &[NodeId::INPUT], Choice::Exact).unwrap()
        };
        let (small, large) = (footprint(MaxPool2d::new(2, 2)), footprint(MaxPool2d::new(7, 1).padding(3)));
        let logits = 4 * (16 * 16 + 16 * 4 / 2);
        assert_eq!(small.tape, logits + 4 * (16 * 16 * 4 / 32));
        assert!(large.tape > 4 * 2 * 576, "{large:?}");
        assert!(large.backward >= 4 * 576 * 49 / 32, "{large:?}");
    }

    #[test]
    fn what_is_read_several_times_is_let_go_of_once() {
        let mut graph = GraphBuilder::new(16);
        let [a, b] = ["a", "b"].map(|name| graph.add(name, Conv2d::new(16, 16, 1).no_bias(), NodeId::INPUT));
        let sum = graph.join("sum", Add, &[a, b, a]);
        graph.add("relu", Relu, sum);
        let footprint =
            graph.finish().unwrap().footprint(&[1, 16, 4, 4], &Retain::logits(), &[], Choice::Exact).unwrap();
        assert_eq!(footprint.forward, 4 * 3 * (576 + 256));
    }

    #[test]
    fn what_a_layer_reads_and_writes_row_by_row_is_held_twice() {
        let mut graph = GraphBuilder::new(16);
        let [a, b] = ["a", "b"].map(|name| graph.add(name, Conv2d::new(16, 16, 1).no_bias(), NodeId::INPUT));
        let both = graph.join("both", Concat { axis: 1 }, &[a, b]);
        graph.add("relu", Relu, both);
        let footprint =
            graph.finish().unwrap().footprint(&[1, 16, 4, 4], &Retain::logits(), &[], Choice::Exact).unwrap();
        assert_eq!(footprint.forward, 4 * 2 * (2 * 576 + 2 * 256));
    }
}
