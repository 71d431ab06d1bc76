//! Whole networks with generated parameters at tiny sizes: they run, and neither the number of threads nor the batch
//! changes a bit. That the numbers are right is for the goldens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gradex_engine::{NodeId, Retain, Tensor};
use gradex_models::{Architecture, Model, generated_input};
use ndarray::{Axis, Slice};

fn model(name: &str) -> Model {
    Model::generated(Architecture::find(name).unwrap(), 3).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.iter().map(|value| value.to_bits()).collect()
}

fn logits(model: &Model, input: &Tensor) -> Tensor {
    model.network.forward(input, &Retain::logits()).unwrap().logits().unwrap().clone()
}

/// All but the giants; of the VGGs, which differ in depth alone, one.
#[test]
fn the_smallest_images_and_odd_ones_give_logits_that_depend_on_them() {
    for (name, smallest) in [
        ("efficientnet-lite0", [1, 1]),
        ("vgg11_bn", [32, 32]),
        ("resnet18", [1, 1]),
        ("resnet34", [1, 9]),
        ("resnet50", [9, 1]),
        ("resnet101", [1, 1]),
        ("resnext50_32x4d", [1, 1]),
        ("wide_resnet50_2", [1, 1]),
    ] {
        let model = model(name);
        for [height, width] in [smallest, [33, 47]] {
            let [one, other] = [1, 2].map(|seed| logits(&model, &generated_input(&[1, 3, height, width], seed)));
            assert_eq!(one.shape(), [1, 1000], "{name}");
            assert!(one.iter().all(|value| value.is_finite()), "{name}");
            assert_ne!(one, other, "{name} [{height}, {width}]");
        }
    }
}

#[test]
fn one_thread_gives_bit_for_bit_what_two_give() {
    let model = model("resnet18");
    let input = generated_input(&[1, 3, 64, 64], 1);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tape = model.network.forward(&input, &Retain::all()).unwrap();
            let seed = generated_input(&[1, 1000], 2);
            let gradient = model.network.gradient(&tape, seed, &[NodeId::INPUT]).unwrap();
            (bits(tape.logits().unwrap()), bits(&gradient[&NodeId::INPUT]))
        })
    };
    assert!(on(1) == on(2));
}

#[test]
fn a_batch_gives_bit_for_bit_what_its_images_give_alone() {
    for name in ["resnet18", "efficientnet-lite0"] {
        let model = model(name);
        let batch = generated_input(&[2, 3, 33, 47], 1);
        let together = logits(&model, &batch);
        for image in 0..2 {
            let only = |tensor: &Tensor| tensor.slice_axis(Axis(0), Slice::from(image..=image)).to_owned();
            assert_eq!(bits(&only(&together)), bits(&logits(&model, &only(&batch))), "{name} {image}");
        }
    }
}
