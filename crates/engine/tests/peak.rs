//! The most memory that a forward pass takes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{network, noise};
use gradex_engine::layers::{Conv2d, Relu};
use gradex_engine::{Graph, GraphBuilder, NodeId, Retain};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Convolutions whose outputs take a mebibyte each.
fn chain(graph: &mut GraphBuilder) {
    (0..8).fold(NodeId::INPUT, |node, index| {
        let conv = graph.add(format!("conv{index}"), Conv2d::new(16, 16, 1), node);
        graph.add(format!("relu{index}"), Relu, conv)
    });
}

#[test]
fn what_is_not_kept_is_let_go_of() {
    let input = noise(1, &[1, 16, 128, 128]);
    let peak = |retain: &dyn Fn(&Graph, &[NodeId]) -> Retain| {
        let network = network(16, chain);
        let ids: Vec<NodeId> = network.graph().ids().collect();
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let _tape = network.forward(&input, &retain(network.graph(), &ids)).unwrap();
        (MEMORY.peak_usage() - before) >> 20
    };
    let sums = peak(&|_, ids| Retain::logits().channel_sums(ids));
    let all = peak(&|_, ids| Retain::logits().nodes(ids));
    let slopes = peak(&|graph, _| Retain::gradient(graph, NodeId::INPUT));
    // The image that is read and the one that is written; and 17 planes of sums, an eighth of an image each, are kept.
    assert!(sums <= 2 + 3, "{sums} MiB");
    assert!(all >= 16, "{all} MiB");
    // Of 8 rectifiers a bit for each number, and the last one's numbers, which are the logits, in rows too.
    assert!(slopes <= 2 + 1 + 1, "{slopes} MiB");

    let network = network(16, chain);
    let before = MEMORY.current_usage();
    drop(network.forward(&input, &Retain::logits()).unwrap());
    let spare = MEMORY.current_usage() - before;
    network.trim();
    let left = MEMORY.current_usage() - before;
    assert!(spare >= 2 << 20 && left < 1 << 20, "{spare} bytes, {left} after trimming");
}
