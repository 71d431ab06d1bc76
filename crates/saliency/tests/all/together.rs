//! Many classes about one tape: their gradients leave the classifier together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{INPUT, classify, network, noise, noise_for};
use gradex_engine::GraphBuilder;
use gradex_engine::layers::{Add, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Relu};
use gradex_saliency::methods::{GradCam, GradCamPlusPlus, Gradient, LayerCam, Lrp, Occlusion};
use gradex_saliency::{Explainer, Method, Progress, Target};

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

/// Convolutions, rectifiers and max-pools, whose maxima the first walk finds.
fn pools(graph: &mut GraphBuilder) {
    let (mut x, mut channels) = (INPUT, 3);
    for stage in ["1", "2", "3", "4"] {
        let conv = graph.add(format!("conv{stage}"), Conv2d::new(channels, 32, 3).padding(1), x);
        let relu = graph.add(format!("relu{stage}"), Relu, conv);
        (x, channels) = (graph.add(format!("pool{stage}"), MaxPool2d::new(2, 2), relu), 32);
    }
    let flat = graph.add("flat", Flatten, x);
    graph.add("fc", Linear::new(32 * 4 * 4, 5), flat);
}

#[test]
fn threads_that_ask_about_one_tape_all_get_an_answer() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let network = network(3, pools, noise_for);
        let explainer = Explainer::new(&network).method(Lrp::epsilon_plus());
        for _ in 0..150 {
            let tape = explainer.forward(&noise(1, &[1, 3, 64, 64])).unwrap();
            thread::scope(|scope| {
                let (explainer, tape) = (&explainer, &tape);
                let ask = |class: usize| scope.spawn(move || explainer.explain(tape, &[class]));
                let asked: Vec<_> = (0..4).map(ask).collect();
                asked.into_iter().for_each(|asked| assert_eq!(asked.join().unwrap().unwrap().len(), 1));
            });
        }
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(120)).expect("answers");
}

/// Wherever the work is done.
#[test]
fn who_watches_is_told_by_the_thread_that_asks() {
    let network = network(3, vgg, noise_for);
    let (told, tells) = mpsc::channel();
    let told = Mutex::new(told);
    let watch = move |_: &Progress<'_>| {
        told.lock().unwrap().send(thread::current().id()).unwrap();
        ControlFlow::Continue(())
    };
    let explainer = Explainer::new(&network).method(Occlusion::default()).watch(watch);
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    explainer.explain(&tape, &[1]).unwrap();
    let tellers: Vec<_> = tells.try_iter().collect();
    assert!(!tellers.is_empty() && tellers.iter().all(|id| *id == thread::current().id()));
}
