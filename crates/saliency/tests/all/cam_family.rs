//! Class activation maps against their formulas, pixel by pixel in float64, and what must hold between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::common::{assert_close, attribute, explain, find, network, noise, noise_for, pooled, tape};
use gradex_engine::{Network, NodeId, Tape, Tensor};
use gradex_saliency::methods::{
    AblationCam, Cam, EigenCam, ElementWiseCam, GradCam, GradCamPlusPlus, HiResCam, LayerCam, ScoreCam, Settings,
    XGradCam, all,
};
use gradex_saliency::{CoarseMap, Error, Explainer, Method, Target};
use ndarray::{Array2, Array3, Axis, concatenate};

const POINTS: [&str; 5] = ["input", "relu1", "conv2", "relu2", "pool2"];

/// Activation and gradient of one image at a point.
struct Site {
    x: Array3<f64>,
    g: Array3<f64>,
}

impl Site {
    fn new(network: &Network, tape: &Tape, point: NodeId, image: usize, class: usize) -> Self {
        let mut seed = Tensor::zeros(tape.logits().unwrap().shape());
        seed[[image, class]] = 1.0;
        let gradient = network.gradient(tape, seed, &[point]).unwrap().remove(&point).unwrap();
        let part = |tensor: &Tensor| tensor.index_axis(Axis(0), image).mapv(f64::from).into_dimensionality().unwrap();
        Self { x: part(tape.output(point).unwrap()), g: part(&gradient) }
    }

    /// `Σ_c term(c, y, x)`.
    fn sum(&self, term: impl Fn(usize, usize, usize) -> f64) -> Array2<f64> {
        let (channels, height, width) = self.x.dim();
        Array2::from_shape_fn((height, width), |(row, column)| (0..channels).map(|c| term(c, row, column)).sum())
    }

    /// `Σ_pixels term(y, x)`.
    fn over_pixels(&self, term: impl Fn(usize, usize) -> f64) -> f64 {
        let (_, height, width) = self.x.dim();
        (0..height * width).map(|pixel| term(pixel / width, pixel % width)).sum()
    }

    /// The map of `method` as its paper has it.
    fn expected(&self, method: &str) -> Array2<f64> {
        let (x, g) = (&self.x, &self.g);
        let pixels = (x.dim().1 * x.dim().2) as f64;
        let weight = |c: usize| match method {
            "grad-cam" => self.over_pixels(|i, j| g[[c, i, j]]) / pixels,
            "xgrad-cam" => {
                let activation = self.over_pixels(|i, j| x[[c, i, j]]) + 1e-7;
                self.over_pixels(|i, j| g[[c, i, j]] * x[[c, i, j]] / activation)
            }
            "grad-cam++" => {
                let activation = self.over_pixels(|i, j| x[[c, i, j]]);
                self.over_pixels(|i, j| {
                    let g = g[[c, i, j]];
                    let a = if g == 0.0 { 0.0 } else { g.powi(2) / (2.0 * g.powi(2) + g.powi(3) * activation) };
                    if g > 0.0 { a * g } else { 0.0 }
                })
            }
            other => panic!("{other} has no weights"),
        };
        match method {
            "hires-cam" => self.sum(|c, i, j| g[[c, i, j]] * x[[c, i, j]]),
            "layer-cam" => self.sum(|c, i, j| g[[c, i, j]].max(0.0) * x[[c, i, j]]).mapv(|value| value.max(0.0)),
            "element-wise-cam" => self.sum(|c, i, j| (g[[c, i, j]] * x[[c, i, j]]).max(0.0)),
            _ => {
                let weights: Vec<f64> = (0..x.dim().0).map(weight).collect();
                self.sum(|c, i, j| weights[c] * x[[c, i, j]]).mapv(|value| value.max(0.0))
            }
        }
    }
}

#[test]
fn maps_of_gradients_are_their_formulas() {
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[2, 3, 12, 10]));
    let classes = [3, 1];
    let check = |method: &dyn Fn(NodeId) -> Vec<CoarseMap>, name: &str| {
        for point in POINTS.map(|name| find(&network, name)) {
            let maps = method(point);
            for (image, (class, map)) in classes.iter().zip(&maps).enumerate() {
                let expected = Site::new(&network, &tape, point, image, *class).expected(name);
                let what = format!("{name} at `{}`, image {image}", network.graph().node(point).name);
                assert_close(map, &expected, 2e-5, &what);
                assert!(expected.iter().any(|value| *value > 0.0), "{what}: a blank map shows nothing");
            }
        }
    };
    let targets = classes.map(Target::from);
    macro_rules! check {
        ($($method:expr),*) => {
            $(check(&|point| attribute(&network, &tape, $method, point, &targets).unwrap(), $method.about().name);)*
        };
    }
    check!(GradCam, GradCamPlusPlus, XGradCam, HiResCam, LayerCam, ElementWiseCam);
}

/// `max(0, Σ_c w_c x_c)`.
fn weighted(site: &Site, weights: &[f64]) -> Array2<f64> {
    site.sum(|c, i, j| weights[c] * site.x[[c, i, j]]).mapv(|value| value.max(0.0))
}

fn logit(network: &Network, input: &Tensor, class: usize) -> f64 {
    f64::from(tape(network, input).logits().unwrap()[[0, class]])
}

#[test]
fn score_cam_is_a_pass_a_mask() {
    let network = network(3, pooled, noise_for);
    let (input, class) = (noise(5, &[1, 3, 12, 10]), 3);
    let tape = tape(&network, &input);
    // At `relu1` the map has the input's size: its masks need no resizing. At `input` no channel is silent.
    for point in ["relu1", "input"].map(|name| find(&network, name)) {
        let site = Site::new(&network, &tape, point, 0, class);
        let score = |channel: Array2<f64>| {
            let (min, max) = channel.iter().fold((f64::MAX, f64::MIN), |(min, max), v| (min.min(*v), max.max(*v)));
            let mask = channel.mapv(|value| if max > min { ((value - min) / (max - min)) as f32 } else { 0.0 });
            logit(&network, &(&input * &mask), class)
        };
        let exponentials: Vec<f64> = site.x.outer_iter().map(|channel| score(channel.to_owned()).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        let weights: Vec<f64> = exponentials.iter().map(|value| value / total).collect();
        let expected = weighted(&site, &weights);
        for batch in [1, 4, 100] {
            let map = attribute(&network, &tape, ScoreCam { batch }, point, &[class.into()]).unwrap();
            assert_close(&map[0], &expected, 1e-5, &format!("batches of {batch}"));
        }
    }
}

#[test]
fn channels_that_are_the_same_everywhere_share_one_pass_of_score_cam() {
    // Biases of -100 silence every second channel.
    let silenced = |index: u32, parameter: &gradex_engine::Parameter| {
        let mut values = noise_for(index, parameter);
        if parameter.name == "conv1.bias" {
            values.iter_mut().step_by(2).for_each(|value| *value = -100.0);
        }
        values
    };
    let network = network(3, pooled, silenced);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    let point = find(&network, "relu1");
    let explainer = Explainer::new(&network).method(ScoreCam::default()).point(point);
    let run = explainer.run(&tape, &[Target::Class(1)]).unwrap();
    ScoreCam::default().attribute(&run, point).unwrap();
    assert_eq!(run.cost().forwards, 3 + 1);
    AblationCam::default().attribute(&run, point).unwrap();
    assert_eq!(run.cost().forwards, 3 + 1 + 3);
}

#[test]
fn ablation_cam_is_a_pass_a_channel() {
    let network = network(3, pooled, noise_for);
    let (input, class) = (noise(5, &[1, 3, 12, 10]), 3);
    let tape = tape(&network, &input);
    // At the input a channel is ablated in the image itself.
    let site = Site::new(&network, &tape, NodeId::INPUT, 0, class);
    let score = logit(&network, &input, class);
    let without = |channel: usize| {
        let mut ablated = input.clone();
        ablated.index_axis_mut(Axis(1), channel).fill(0.0);
        logit(&network, &ablated, class)
    };
    let weights: Vec<f64> = (0..3).map(|channel| (score - without(channel)) / score).collect();
    for batch in [1, 2, 16] {
        let map = attribute(&network, &tape, AblationCam { batch }, NodeId::INPUT, &[class.into()]).unwrap();
        assert_close(&map[0], &weighted(&site, &weights), 1e-5, &format!("batches of {batch}"));
    }
    // After the last pool everything is linear: what is lost with a channel is its share of the logit.
    let point = find(&network, "pool2");
    let site = Site::new(&network, &tape, point, 0, class);
    let share = |c: usize| site.over_pixels(|i, j| site.g[[c, i, j]] * site.x[[c, i, j]]) / score;
    let shares: Vec<f64> = (0..8).map(share).collect();
    let map = attribute(&network, &tape, AblationCam::default(), point, &[class.into()]).unwrap();
    assert_close(&map[0], &weighted(&site, &shares), 1e-4, "a linear head");
}

#[test]
fn batches_and_scores_of_zero_are_refused() {
    let zero = network(3, pooled, crate::common::constants(&[("conv1.weight", 1.0), ("conv2.weight", 1.0)]));
    let tape = tape(&zero, &noise(5, &[1, 3, 8, 8]).mapv(f32::abs));
    let point = find(&zero, "relu2");
    let refused = |error: Error| {
        let Error::Inapplicable { method, why } = error else { panic!("{error}") };
        (method, why)
    };
    let score = ScoreCam { batch: 0 };
    let (method, why) = refused(attribute(&zero, &tape, score, point, &[Target::Class(0)]).unwrap_err());
    assert!(method == "score-cam" && why.contains("one image or more"), "{why}");
    let ablation = AblationCam::default();
    let (method, why) = refused(attribute(&zero, &tape, ablation, point, &[Target::Class(0)]).unwrap_err());
    assert!(method == "ablation-cam" && why.contains("the score is zero"), "{why}");
}

#[test]
fn the_mean_of_cam_is_the_logit_less_the_bias() {
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[2, 3, 12, 10]));
    let point = find(&network, "pool2");
    assert_eq!(Cam.default_point(network.graph()), point);
    let bias = network.params(find(&network, "fc")).bias.clone().unwrap();
    let classes = [1, 0];
    let targets = classes.map(Target::from);
    let maps = attribute(&network, &tape, Cam, point, &targets).unwrap();
    let hires = attribute(&network, &tape, HiResCam, point, &targets).unwrap();
    let grad_cam = attribute(&network, &tape, GradCam, point, &targets).unwrap();
    assert!(maps.iter().any(|map| map.values.iter().any(|value| *value < 0.0)), "signed");
    for (image, class) in classes.into_iter().enumerate() {
        let map = maps[image].map().mapv(f64::from);
        let logit = f64::from(tape.logits().unwrap()[[image, class]] - bias[class]);
        assert!((map.mean().unwrap() - logit).abs() < 1e-5, "{map} {logit}");
        // Each pixel's gradient is the weight over the number of pixels.
        let mean = map.mapv(|value| value / map.len() as f64);
        assert_close(&hires[image], &mean, 1e-5, "HiResCAM");
        assert_close(&grad_cam[image], &mean.mapv(|value| value.max(0.0)), 1e-5, "Grad-CAM");
    }
}

#[test]
fn cam_is_refused_where_the_head_is_not_a_mean_and_one_linear_layer() {
    use gradex_engine::layers::{AdaptiveAvgPool2d, Flatten, Linear};
    let refused = |network: &Network, point: &str| {
        let tape = tape(network, &noise(5, &[1, 3, 8, 8]));
        let error = attribute(network, &tape, Cam, find(network, point), &[Target::Class(0)]).unwrap_err();
        assert!(matches!(error, Error::Inapplicable { method: "cam", .. }), "{error}");
        error.to_string()
    };
    let said = refused(&network(3, pooled, noise_for), "relu2");
    assert!(said.contains("only the output of `pool2`") && said.contains("not that of `relu2`"), "{said}");
    let two_by_two = |graph: &mut gradex_engine::GraphBuilder| {
        let pool = graph.add("pool", AdaptiveAvgPool2d::new(2), NodeId::INPUT);
        let flat = graph.add("flat", Flatten, pool);
        graph.add("fc", Linear::new(12, 2), flat);
    };
    let said = refused(&network(3, two_by_two, noise_for), "input");
    assert!(said.contains("not in `pool` (adaptive_avg_pool2d)") && said.contains("use grad-cam"), "{said}");
}

#[test]
fn eigen_cam_is_the_projection_that_varies_most() {
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    for point in POINTS.map(|name| find(&network, name)) {
        let Site { x, .. } = Site::new(&network, &tape, point, 0, 0);
        let (channels, height, width) = x.dim();
        let pixels = height * width;
        let means: Vec<f64> = x.outer_iter().map(|plane| plane.mean().unwrap()).collect();
        let centred = Array2::from_shape_fn((pixels, channels), |(p, c)| x[[c, p / width, p % width]] - means[c]);
        // The slow way: powers of the covariance on a vector.
        let mut axis = ndarray::Array1::from_elem(channels, 1.0);
        for _ in 0..20_000 {
            axis = centred.t().dot(&centred.dot(&axis));
            axis /= axis.dot(&axis).sqrt();
        }
        let projection = centred.dot(&axis);
        let active = |p: usize| (0..channels).map(|c| x[[c, p / width, p % width]]).sum::<f64>();
        let mean_activation: f64 = (0..pixels).map(|p| projection[p] * active(p)).sum();
        let sign = if mean_activation < 0.0 { -1.0 } else { 1.0 };
        let expected = projection.to_shape((height, width)).unwrap().mapv(|value| sign * value);
        let map = attribute(&network, &tape, EigenCam, point, &[Target::Class(0)]).unwrap();
        assert_close(&map[0], &expected, 1e-4, &network.graph().node(point).name);
    }
}

#[test]
fn every_method_explains_an_image_of_a_batch_as_it_does_alone() {
    let network = network(3, pooled, noise_for);
    let images = [(1, 1.0), (2, 100.0), (3, 0.01)].map(|(seed, scale)| noise(seed, &[1, 3, 12, 10]) * scale);
    let batch = concatenate(Axis(0), &images.each_ref().map(|image| image.view())).unwrap();
    let classes = [4, 1, 2];
    for method in all(&Settings { samples: Some(4), ..crate::common::complete() }) {
        let name = method.about().name;
        let explainer = Explainer::new(&network).methods(vec![method]);
        let together = explain(&explainer, &batch, &classes);
        for ((image, class), actual) in images.iter().zip(classes).zip(&together) {
            let alone = explain(&explainer, image, &[class]).remove(0);
            assert_eq!((&actual.coarse, &actual.fine), (&alone.coarse, &alone.fine), "{name}");
        }
    }
}

#[test]
fn long_methods_tell_how_far_they_are_and_can_be_stopped() {
    use std::ops::ControlFlow;
    use std::sync::{Arc, Mutex};
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let explainer = Explainer::new(&network).point(find(&network, "relu1")).method(ScoreCam { batch: 4 });
    let watched = explainer.clone().watch(move |progress| {
        listener.lock().unwrap().push((progress.method.to_owned(), progress.done, progress.total));
        ControlFlow::Continue(())
    });
    watched.explain(&tape, &[1]).unwrap();
    let expected = [4, 6].map(|done| ("score-cam".to_owned(), done, 6));
    assert_eq!(*told.lock().unwrap(), expected);
    let stopped = explainer.watch(|_| ControlFlow::Break(()));
    assert_eq!(stopped.explain(&tape, &[1]).unwrap_err(), Error::Stopped { done: 4, total: 6 });
}
