//! Generated parameters: whole networks can be tested and timed without a stored weight.
//!
//! A counter-based generator (an FNV-1a hash of the tensor's name, then SplitMix64 of the index), the same bit for bit in
//! `fixtures/scripts/generator.py`.

use std::collections::BTreeMap;

use gradex_engine::{Graph, Parameter, Tensor};
use ndarray::{ArrayD, IxDyn};

/// The stream of this name: uniform in `[-1, 1)`, 24 bits each.
pub fn uniform(seed: u64, name: &str) -> impl Iterator<Item = f32> + use<> {
    let hash = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let stream = name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, hash);
    (1u64..).map(move |counter| {
        let mut z = stream.wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f32 / 8_388_608.0 - 1.0
    })
}

/// Parameters for every name of `graph`.
#[must_use]
pub fn generated_parameters(graph: &Graph, seed: u64) -> BTreeMap<String, Tensor> {
    let tensor = |parameter: Parameter| {
        let tensor = generated_tensor(&parameter.name, &parameter.shape, seed);
        (parameter.name, tensor)
    };
    graph.parameters().into_iter().map(tensor).collect()
}

/// A parameter by its name in a state dict: weights scaled by their fan-in, batch norms near the identity.
#[must_use]
pub fn generated_tensor(name: &str, shape: &[usize], seed: u64) -> Tensor {
    let (scale, offset) = scale_and_offset(name, shape);
    fill(shape, uniform(seed, name).map(|value| value * scale + offset))
}

/// Images of this shape, uniform in `[-2, 2)`.
#[must_use]
pub fn generated_input(shape: &[usize], seed: u64) -> Tensor {
    fill(shape, uniform(seed, "input").map(|value| value * 2.0))
}

fn scale_and_offset(name: &str, shape: &[usize]) -> (f32, f32) {
    match (name.rsplit('.').next(), shape) {
        (Some("weight"), [_, rest @ ..]) if !rest.is_empty() => {
            let fan_in: usize = rest.iter().product();
            ((6.0 / fan_in as f64).sqrt() as f32, 0.0)
        }
        (Some("weight"), _) => (0.25, 1.0),
        (Some("running_var"), _) => (0.5, 1.0),
        _ => (0.1, 0.0),
    }
}

fn fill(shape: &[usize], mut values: impl Iterator<Item = f32>) -> Tensor {
    ArrayD::from_shape_simple_fn(IxDyn(shape), || values.next().unwrap_or_default())
}
