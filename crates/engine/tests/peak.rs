//! The most memory that a forward pass takes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{network, noise};
use gradex_engine::layers::{Conv2d, Flatten, Linear, MaxPool2d, Relu};
use gradex_engine::{Graph, GraphBuilder, Network, NodeId, Retain};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Convolutions whose outputs take a mebibyte each.
fn chain(graph: &mut GraphBuilder) -> NodeId {
    (0..8).fold(NodeId::INPUT, |node, index| {
        let conv = graph.add(format!("conv{index}"), Conv2d::new(16, 16, 1), node);
        graph.add(format!("relu{index}"), Relu, conv)
    })
}

/// A chain whose last image becomes small, and then many weights.
fn classifier() -> Network {
    network(16, |graph| {
        let last = chain(graph);
        let pool = graph.add("pool", MaxPool2d::new(32, 32), last);
        let flat = graph.add("flat", Flatten, pool);
        graph.add("fc", Linear::new(256, 64), flat);
    })
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

    // Of 16 images what became of them at the pool, and of one at a time what lies before.
    let images = noise(1, &[16, 16, 128, 128]);
    let network = classifier();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let _logits = one.install(|| network.logits(&images)).unwrap();
    let taken = (MEMORY.peak_usage() - before) >> 20;
    assert!(taken <= 5, "{taken} MiB");
    // The images themselves are counted.
    let planned = one.install(|| network.graph().alive_for_logits(images.shape(), network.choice())).unwrap() >> 20;
    assert!((16 + taken..=16 + 2 * taken).contains(&planned), "{planned} MiB planned, {taken} taken");

    // Sums that stay are made where a pass has left room.
    let fc = network.graph().find("fc").unwrap();
    let before = MEMORY.current_usage();
    network.channel_gradient(fc, 16, &noise(1, &[1, 64])).unwrap();
    let left = MEMORY.current_usage();
    assert!(left + (2 << 20) < before, "{before} bytes before, {left} after");
}
