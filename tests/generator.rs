//! The generator of parameters and inputs, bit for bit what Python makes.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_models::{generated_input, uniform};
use gradex_tests::cases;

#[test]
fn streams_are_pythons_bit_for_bit() {
    let case = cases("generator").remove(0);
    let streams = case.manifest["attributes"]["streams"].as_object().expect("streams");
    let seed = case.number("seed") as u64;
    for (file, stream) in streams {
        if file == "expected_bits" {
            continue;
        }
        let expected = case.tensor(file);
        let name = stream["name"].as_str().expect("a name");
        let actual = match file.as_str() {
            "expected_uniform" => uniform(seed, name).take(expected.len()).collect(),
            "expected_input" => generated_input(expected.shape(), seed).into_iter().collect(),
            _ => gradex_models::generated_tensor(name, expected.shape(), seed).into_iter().collect::<Vec<f32>>(),
        };
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&actual), bits(expected.as_slice().expect("row-major")), "{file}");
    }
}
