//! Many classes about one tape: their gradients leave the classifier together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use crate::common::{INPUT, classify, network, noise, noise_for};
use gradex_engine::GraphBuilder;
use gradex_engine::layers::{Add, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu};
use gradex_saliency::methods::{GradCam, GradCamPlusPlus, Gradient, LayerCam};
use gradex_saliency::{Explainer, Method, Target};

/// More than go together.
const CLASSES: usize = 19;

/// As VGG: three linear layers.
fn vgg(graph: &mut GraphBuilder) {
    let x = graph.add("conv1", Conv2d::new(3, 6, 3).padding(1), INPUT);
    let x = graph.add("relu1", Relu, x);
    let x = graph.add("pool1", MaxPool2d::new(2, 2), x);
    let x = graph.add("conv2", Conv2d::new(6, 8, 3).padding(1), x);
    let x = graph.add("relu2", Relu, x);
    let x = graph.add("pool2", MaxPool2d::new(2, 2), x);
    let x = graph.add("flat", Flatten, x);
    let x = graph.add("fc1", Linear::new(8 * 3 * 2, 70), x);
    let x = graph.add("relu3", Relu, x);
    let x = graph.add("drop", Dropout, x);
    let x = graph.add("fc2", Linear::new(70, 50), x);
    let x = graph.add("relu4", Relu, x);
    graph.add("fc3", Linear::new(50, CLASSES), x);
}

/// As ResNet: sums, batch norms, and one linear layer.
fn resnet(graph: &mut GraphBuilder) {
    let mut x = graph.add("stem", Conv2d::new(3, 8, 3).padding(1).stride(2), INPUT);
    for block in ["layer1", "layer2"] {
        let y = graph.add(format!("{block}.conv"), Conv2d::new(8, 8, 3).padding(1), x);
        let y = graph.add(format!("{block}.bn"), BatchNorm2d::new(8), y);
        let sum = graph.join(format!("{block}.add"), Add, &[y, x]);
        x = graph.add(format!("{block}.relu"), Relu, sum);
    }
    classify(graph, 8, CLASSES, x);
}

#[test]
fn classes_together_give_the_bits_of_each_alone() {
    let networks = [("vgg", network(3, vgg, noise_for)), ("resnet", network(3, resnet, noise_for))];
    for (name, network) in &networks {
        let gradient: Vec<Arc<dyn Method>> = vec![Arc::new(GradCamPlusPlus), Arc::new(LayerCam), Arc::new(Gradient)];
        for methods in [vec![Arc::new(GradCam) as Arc<dyn Method>], gradient] {
            let explainer = Explainer::new(network).methods(methods.clone());
            let tape = explainer.forward(&noise(5, &[2, 3, 12, 10])).unwrap();
            let question = |class: usize| vec![Target::Class(class), Target::Difference(class, (class + 3) % CLASSES)];
            let runs = explainer.runs(&tape, (0..CLASSES).map(question).collect()).unwrap();
            // In an order of their own, and one of them never.
            for class in (0..CLASSES).map(|class| class * 7 % CLASSES).filter(|class| *class != 2) {
                let alone = explainer.run(&tape, &question(class)).unwrap();
                for method in &methods {
                    let [together, expected] =
                        [&runs[class], &alone].map(|run| explainer.explain_by(run, method.as_ref()));
                    for (together, expected) in together.unwrap().iter().zip(expected.unwrap()) {
                        let about = format!("{name} {} class {class}", method.about().name);
                        let bits = |values: &ndarray::Array3<f32>| values.mapv(f32::to_bits);
                        assert_eq!(bits(&together.coarse.values), bits(&expected.coarse.values), "{about}");
                        assert_eq!(bits(&together.fine.values), bits(&expected.fine.values), "{about}");
                    }
                }
            }
        }
    }
}
