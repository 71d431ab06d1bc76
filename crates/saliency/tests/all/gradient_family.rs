//! Methods of the gradient at the pixels: against slow sums, and what may be asked of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::common::{INPUT, classify, find, network, noise, noise_for, pooled};
use gradex_engine::layers::{Add, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Relu, Relu6, Softmax};
use gradex_engine::{GraphBuilder, Network, NodeId, Parameter, Tensor};
use gradex_saliency::methods::{
    Baseline, FullGrad, Gradient, GradientXInput, IntegratedGradients, Noise, Settings, SmoothGrad, VarGrad, all,
    full_gradient, integrated_gradients, noisy_gradients,
};
use gradex_saliency::{Error, Explainer, Extrapolation, Method, Run, Target};
use ndarray::{Array2, Array3, ArrayView3, Axis, Ix4, concatenate};

/// Every kind of bias: of convolutions, a batch norm, saturated rectifiers, a softmax and a linear layer; and a sum.
fn biased(graph: &mut GraphBuilder) {
    let x = graph.add("conv1", Conv2d::new(3, 6, 3).padding(1), INPUT);
    let x = graph.add("norm", BatchNorm2d::new(6), x);
    let x = graph.add("ceiling", Relu6, x);
    let pooled = graph.add("pool", MaxPool2d::new(2, 2), x);
    let x = graph.add("conv2", Conv2d::new(6, 6, 1), pooled);
    let x = graph.add("softmax", Softmax, x);
    let x = graph.join("sum", Add, &[x, pooled]);
    let x = graph.add("relu", Relu, x);
    classify(graph, 6, 5, x);
}

/// Large enough for `relu6` to saturate.
fn large(index: u32, parameter: &Parameter) -> Tensor {
    noise_for(index, parameter) * if parameter.name == "conv1.weight" { 4.0 } else { 1.0 }
}

/// `ask` on a run over `input`, of `targets`.
fn with_run<T>(
    network: &Network,
    method: impl Method + 'static,
    input: &Tensor,
    targets: &[Target],
    ask: impl FnOnce(&Run<'_>) -> T,
) -> T {
    let explainer = Explainer::new(network).method(method);
    let tape = explainer.forward(input).unwrap();
    let run = explainer.run(&tape, targets).unwrap();
    ask(&run)
}

/// The map of each image, at the input.
fn maps(
    network: &Network,
    method: impl Method + Clone + 'static,
    input: &Tensor,
    classes: &[usize],
) -> Vec<Array2<f32>> {
    let targets: Vec<Target> = classes.iter().copied().map(Target::from).collect();
    with_run(network, method.clone(), input, &targets, |run| {
        let maps = method.attribute(run, INPUT).unwrap();
        maps.into_iter().map(|map| map.map().to_owned()).collect()
    })
}

fn close(actual: f64, expected: f64, within: f64, what: &str) {
    assert!((actual - expected).abs() <= within * expected.abs().max(1.0), "{what}: {actual} {expected}");
}

fn image(input: &Tensor, index: usize) -> ArrayView3<'_, f32> {
    input.index_axis(Axis(0), index).into_dimensionality().unwrap()
}

#[test]
fn a_linear_network_by_hand() {
    let linear = |graph: &mut GraphBuilder| {
        let flat = graph.add("flat", Flatten, INPUT);
        graph.add("fc", Linear::new(8, 1), flat);
    };
    let weight = [1.0, -2.0, 0.0, 3.0, -4.0, 1.0, 0.5, -1.0];
    let parameter = |_: u32, parameter: &Parameter| match parameter.shape[..] {
        [1] => crate::common::tensor(&[1], &[7.0]),
        _ => crate::common::tensor(&[1, 8], &weight),
    };
    let network = network(2, linear, parameter);
    let input = crate::common::tensor(&[1, 2, 2, 2], &[1.0, 1.0, 2.0, 2.0, 0.5, 3.0, 4.0, -2.0]);
    let map = |values: [f32; 4]| Array2::from_shape_vec((2, 2), values.to_vec()).unwrap();
    assert_eq!(maps(&network, Gradient, &input, &[0])[0], map([4.0, 2.0, 0.5, 3.0]));
    assert_eq!(maps(&network, GradientXInput, &input, &[0])[0], map([-1.0, 1.0, 2.0, 8.0]));
    let one_step = IntegratedGradients { steps: 1, ..IntegratedGradients::default() };
    assert_eq!(maps(&network, one_step, &input, &[0])[0], map([-1.0, 1.0, 2.0, 8.0]));
    let still = Noise { samples: 3, ..Noise::default() };
    assert_eq!(maps(&network, SmoothGrad(still), &input, &[0])[0], map([4.0, 2.0, 0.5, 3.0]));
    assert_eq!(maps(&network, VarGrad(still), &input, &[0])[0], map([0.0; 4]));
    // Magnitudes of each colour's parts, 1 2 0 6 and 2 3 2 2, stretched to [0, 1] and summed. The bias has no place.
    let expected = map([1.0 / 6.0, 1.0 / 3.0 + 1.0, 0.0, 1.0]);
    let actual = &maps(&network, FullGrad, &input, &[0])[0];
    assert!((actual - &expected).iter().all(|difference| difference.abs() < 1e-6), "{actual} {expected}");
}

#[test]
fn without_biases_gradient_times_input_sums_to_the_score() {
    let no_bias = |index: u32, parameter: &Parameter| match parameter.name.ends_with("bias") {
        true => Tensor::zeros(&parameter.shape[..]),
        false => noise_for(index, parameter),
    };
    let network = network(3, pooled, no_bias);
    let input = noise(4, &[2, 3, 12, 10]);
    let targets = [Target::Class(2), Target::Difference(1, 4)];
    with_run(&network, GradientXInput, &input, &targets, |run| {
        for (index, map) in GradientXInput.attribute(run, INPUT).unwrap().iter().enumerate() {
            let sum: f64 = map.values.iter().map(|value| f64::from(*value)).sum();
            close(sum, f64::from(run.objective(index).unwrap().score), 1e-5, &format!("image {index}"));
        }
    });
}

#[test]
fn the_full_gradient_is_complete() {
    let network = network(3, biased, large);
    let input = noise(9, &[2, 3, 9, 11]);
    for targets in [[Target::Class(2), Target::Class(0)], [Target::Difference(1, 4), Target::Difference(3, 3)]] {
        with_run(&network, FullGrad, &input, &targets, |run| {
            let full = full_gradient(run).unwrap();
            let names: Vec<&str> = full.biases.iter().map(|(id, _)| run.graph().node(*id).name.as_str()).collect();
            assert_eq!(names, ["conv1", "norm", "ceiling", "conv2", "softmax", "fc"]);
            for (node, part) in &full.biases {
                let moves = targets[1].objective(run.tape().image_logits(1).unwrap()).unwrap().score != 0.0;
                assert!(!moves || part.iter().any(|value| *value != 0.0), "{}", run.graph().node(*node).name);
            }
            for index in 0..2 {
                let score = f64::from(run.objective(index).unwrap().score);
                close(full.sum(index), score, 1e-4, &format!("{targets:?} image {index}"));
            }
        });
    }
}

#[test]
fn noisy_gradients_are_a_slow_loop_over_the_noise() {
    let network = network(3, pooled, noise_for);
    let input = noise(6, &[2, 3, 9, 8]);
    let given: Vec<Array3<f32>> =
        (0..19).map(|seed| (noise(seed + 50, &[3, 9, 8]) * 0.4).into_dimensionality().unwrap()).collect();
    with_run(&network, SmoothGrad::default(), &input, &[Target::Class(1), Target::Class(3)], |run| {
        let moments = noisy_gradients(run, 1, given.len(), |sample| given[sample].clone()).unwrap();
        let gradients: Vec<Array3<f64>> = given
            .iter()
            .map(|noise| {
                let noisy = (&image(&input, 1) + noise).insert_axis(Axis(0)).into_dyn();
                let (_, gradient) = run.input_gradients(1, &noisy).unwrap();
                image(&gradient, 0).mapv(f64::from)
            })
            .collect();
        let count = gradients.len() as f64;
        for (place, mean) in moments.mean.indexed_iter() {
            let expected = gradients.iter().map(|g| g[place]).sum::<f64>() / count;
            let variance = gradients.iter().map(|g| (g[place] - expected).powi(2)).sum::<f64>() / count;
            close(f64::from(*mean), expected, 1e-6, "mean");
            close(f64::from(moments.variance[place]), variance, 1e-6, "variance");
        }
        assert!(moments.variance.iter().any(|variance| *variance > 0.0));
        let wrong = noisy_gradients(run, 1, 2, |_| Array3::zeros((3, 8, 9))).unwrap_err().to_string();
        assert!(wrong.contains("noise") && wrong.contains("[3, 8, 9]"), "{wrong}");
        assert_eq!(
            noisy_gradients(run, 2, 2, |_| given[0].clone()).unwrap_err(),
            Error::NoSuchImage { image: 2, images: 2 }
        );
    });
}

#[test]
fn noise_is_a_part_of_the_range_and_follows_from_the_seed() {
    let flat = Array3::from_shape_fn((3, 40, 50), |(_, _, x)| x as f32);
    let sample = |seed, level| Noise { seed, level, ..Noise::default() }.sample(4, flat.view());
    let values = sample(1, 0.1);
    let deviation = (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt();
    assert!((deviation / 4.9 - 1.0).abs() < 0.03, "{deviation} is a tenth of the range 49");
    assert_eq!(values, sample(1, 0.1));
    assert_ne!(values, sample(2, 0.1));
    assert_ne!(values, Noise { seed: 1, level: 0.1, ..Noise::default() }.sample(5, flat.view()));
    assert!(sample(1, 0.0).iter().all(|value| *value == 0.0));
}

#[test]
fn the_completeness_gap_falls_with_the_steps() {
    let network = network(3, pooled, noise_for);
    let input = noise(2, &[1, 3, 12, 10]) * 3.0;
    let blurred = Baseline::Blur(2.0).of("test", image(&input, 0)).unwrap();
    let far = noise(77, &[3, 12, 10]).into_dimensionality().unwrap();
    for (name, baseline) in [("zero", Array3::zeros((3, 12, 10))), ("blur", blurred), ("given", far)] {
        with_run(&network, IntegratedGradients::default(), &input, &[Target::Class(3)], |run| {
            let ask = |steps| integrated_gradients(run, 0, baseline.view(), steps, 16).unwrap();
            let [few, some, many] = [2, 64, 2048].map(ask);
            let score =
                run.scores(0, &run.logits(&baseline.clone().insert_axis(Axis(0)).into_dyn()).unwrap()).unwrap()[0];
            close(many.difference, f64::from(run.objective(0).unwrap().score - score), 1e-6, name);
            let gaps = [few.gap, some.gap, many.gap].map(f64::abs);
            assert!(
                gaps[1] < gaps[0] && gaps[2] < gaps[1] && gaps[2] < 2e-3 * many.difference.abs(),
                "{name}: {gaps:?}"
            );
            let sum: f64 = many.attribution.iter().map(|value| f64::from(*value)).sum();
            close(sum - many.difference, many.gap, 1e-5, name);
        });
    }
}

#[test]
fn an_image_is_not_explained_against_itself() {
    let network = network(3, pooled, noise_for);
    let input = noise(2, &[1, 3, 6, 7]);
    with_run(&network, IntegratedGradients::default(), &input, &[Target::Class(3)], |run| {
        let same = integrated_gradients(run, 0, image(&input, 0), 5, 2).unwrap();
        assert!(same.attribution.iter().all(|value| *value == 0.0));
        assert_eq!((same.difference, same.gap), (0.0, 0.0));
        let wrong = integrated_gradients(run, 0, Array3::zeros((3, 7, 6)).view(), 5, 2).unwrap_err().to_string();
        assert!(wrong.contains("baseline") && wrong.contains("[3, 7, 6]"), "{wrong}");
    });
}

#[test]
fn integrated_gradients_say_how_complete_they_are() {
    let network = network(3, pooled, noise_for);
    let explainer = Explainer::new(&network).method(IntegratedGradients::default());
    let tape = explainer.forward(&noise(2, &[1, 3, 6, 7])).unwrap();
    let explanation = explainer.explain(&tape, &[1]).unwrap().remove(0);
    let note = explanation.coarse.note.unwrap();
    assert!(note.starts_with("completeness gap ") && note.contains("score difference"), "{note}");
}

#[test]
fn neither_batch_nor_company_changes_a_map() {
    let network = network(3, pooled, noise_for);
    let images = [(1, 1.0), (2, 40.0)].map(|(seed, scale)| noise(seed, &[1, 3, 7, 8]) * scale);
    let together = concatenate(Axis(0), &images.each_ref().map(|image| image.view())).unwrap();
    let with_batch = |batch| {
        let settings = Settings { samples: Some(7), batch: Some(batch), seed: 5, ..crate::common::complete() };
        all(&settings).into_iter().filter(|method| method.default_point(network.graph()) == INPUT).collect::<Vec<_>>()
    };
    let explain = |batch, input: &Tensor, classes: &[usize]| {
        let explainer = Explainer::new(&network).methods(with_batch(batch)).extrapolation(Extrapolation::NONE);
        let tape = explainer.forward(input).unwrap();
        let explanations = explainer.explain(&tape, classes).unwrap();
        explanations.into_iter().map(|explanation| (explanation.method, explanation.coarse)).collect::<Vec<_>>()
    };
    let expected = explain(1, &together, &[4, 2]);
    assert!(expected.len() >= 16, "all images by every method");
    for batch in [2, 3, 7, 100] {
        for (actual, expected) in explain(batch, &together, &[4, 2]).iter().zip(&expected) {
            assert_eq!(actual, expected, "batch {batch}");
        }
    }
    for (index, class) in [(0, 4), (1, 2)] {
        let alone = explain(3, &images[index], &[class]);
        for (actual, expected) in alone.iter().zip(expected.iter().skip(index).step_by(2)) {
            assert_eq!(actual, expected, "image {index} alone");
        }
    }
}

#[test]
fn tiny_images_have_maps() {
    let tiny = |graph: &mut GraphBuilder| {
        let x = graph.add("conv", Conv2d::new(3, 4, 3).padding(1), INPUT);
        let x = graph.add("relu", Relu, x);
        classify(graph, 4, 5, x);
    };
    let network = network(3, tiny, noise_for);
    let settings = Settings { samples: Some(3), ..crate::common::complete() };
    for size in [[1, 1], [5, 3], [1, 9]] {
        let explainer = Explainer::new(&network).methods(all(&settings));
        let input = noise(3, &[1, 3, size[0], size[1]]);
        let tape = explainer.forward(&input).unwrap();
        for explanation in explainer.explain(&tape, &[1]).unwrap() {
            crate::common::check_heatmap(&explanation.fine, &input, &format!("{} {size:?}", explanation.method));
        }
    }
}

#[test]
fn a_watcher_may_stop_them() {
    let network = network(3, pooled, noise_for);
    let settings = Settings { samples: Some(10), batch: Some(4), ..Settings::default() };
    for name in ["smooth-grad", "var-grad", "integrated-gradients"] {
        let method = gradex_saliency::methods::find(name, &settings).unwrap();
        let explainer = Explainer::new(&network).methods(vec![Arc::clone(&method)]).watch(move |progress| {
            assert_eq!((progress.method, progress.total), (name, 20));
            if progress.done >= 14 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let tape = explainer.forward(&noise(1, &[2, 3, 6, 6])).unwrap();
        assert_eq!(explainer.explain(&tape, &[0, 1]).unwrap_err(), Error::Stopped { done: 14, total: 20 });
    }
}

/// The error of a method at a point.
fn refused(method: impl Method + 'static, point: &str) -> String {
    let network = network(3, pooled, noise_for);
    let explainer = Explainer::new(&network).method(method).point(find(&network, point));
    let tape = explainer.forward(&noise(1, &[1, 3, 6, 6])).unwrap();
    let error = explainer.explain(&tape, &[0]).unwrap_err();
    assert!(matches!(error, Error::Inapplicable { .. }), "{error}");
    error.to_string()
}

#[test]
fn what_makes_no_sense_is_refused_with_advice() {
    let noise = Noise::default();
    for (error, words) in [
        (refused(SmoothGrad(Noise { samples: 0, ..noise }), "input"), ["smooth-grad", "at least 1"]),
        (refused(VarGrad(Noise { batch: 0, ..noise }), "input"), ["var-grad", "at least 1"]),
        (refused(SmoothGrad(Noise { level: -0.1, ..noise }), "input"), ["-0.1", "0.15"]),
        (refused(SmoothGrad(Noise { level: f32::NAN, ..noise }), "input"), ["NaN", "0.15"]),
        (refused(SmoothGrad(Noise { level: 1e30, ..noise }), "input"), ["smooth-grad", "at most 10"]),
        (refused(VarGrad(Noise { level: 0.0, ..noise }), "input"), ["var-grad", "above 0"]),
        (refused(VarGrad(Noise { samples: 1, ..noise }), "input"), ["var-grad", "at least 2"]),
        (refused(SmoothGrad(noise), "relu2"), ["`relu2`", "`input`"]),
        (refused(FullGrad, "relu2"), ["full-grad", "`input`"]),
        (refused(integrated(0, Baseline::Zero), "input"), ["integrated-gradients", "at least 1"]),
        (refused(integrated(3, Baseline::Zero), "relu1"), ["`relu1`", "`input`"]),
        (refused(integrated(3, Baseline::Blur(0.0)), "input"), ["blur", "positive"]),
        (refused(integrated(3, Baseline::Blur(f64::NAN)), "input"), ["blur", "positive"]),
        (refused(integrated(3, given((3, 6, 5), 0.0)), "input"), ["[3, 6, 5]", "[3, 6, 6]"]),
        (refused(integrated(3, given((3, 6, 6), f32::NAN)), "input"), ["baseline", "NaN"]),
    ] {
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

fn integrated(steps: usize, baseline: Baseline) -> IntegratedGradients {
    IntegratedGradients { steps, baseline, ..IntegratedGradients::default() }
}

fn given(shape: (usize, usize, usize), value: f32) -> Baseline {
    Baseline::Given(Arc::new(Array3::from_elem(shape, value)))
}

#[test]
fn a_blur_keeps_what_is_flat_and_is_the_sum_it_says() {
    let flat = Array3::from_elem((2, 3, 5), 0.7);
    assert!((Baseline::Blur(10.0).of("test", flat.view()).unwrap() - flat).iter().all(|value| value.abs() < 1e-6));
    let noise = noise(8, &[1, 2, 6, 5]);
    let blurred = Baseline::Blur(1.5).of("test", image(&noise, 0)).unwrap();
    for ((c, y, x), actual) in blurred.indexed_iter() {
        let (mut sum, mut total) = (0.0, 0.0);
        for ((other, v, u), value) in image(&noise, 0).indexed_iter().filter(|((other, ..), _)| *other == c) {
            assert_eq!(other, c);
            let square = y.abs_diff(v).pow(2) + x.abs_diff(u).pow(2);
            let weight = (-0.5 * square as f64 / 1.5f64.powi(2)).exp();
            (sum, total) = (sum + weight * f64::from(*value), total + weight);
        }
        close(f64::from(*actual), sum / total, 1e-4, "blur");
    }
}

#[test]
fn the_gradient_may_be_asked_for_anywhere() {
    let network = network(3, pooled, noise_for);
    let input = noise(1, &[1, 3, 8, 8]);
    for name in ["input", "relu1", "pool1", "relu2"] {
        let point = find(&network, name);
        let explainer =
            Explainer::new(&network).methods(vec![Arc::new(Gradient), Arc::new(GradientXInput)]).point(point);
        let tape = explainer.forward(&input).unwrap();
        let run = explainer.run(&tape, &[Target::Class(2)]).unwrap();
        let gradient = run.gradient(point).unwrap().to_owned();
        let x = tape.output(point).unwrap().view().into_dimensionality::<Ix4>().unwrap();
        let explained = |method: &dyn Method| method.attribute(&run, point).unwrap().remove(0).map().to_owned();
        let (largest, product) = (explained(&Gradient), explained(&GradientXInput));
        for ((row, column), actual) in largest.indexed_iter() {
            let channels = 0..gradient.dim().1;
            let place = |c| [0, c, row, column];
            let expected = channels.clone().map(|c| gradient[place(c)].abs()).fold(0.0, f32::max);
            assert_eq!(*actual, expected, "{name}");
            let sum: f64 = channels.map(|c| f64::from(gradient[place(c)]) * f64::from(x[place(c)])).sum();
            close(f64::from(product[[row, column]]), sum, 1e-6, name);
        }
        assert_eq!(run.cost().backwards, 1, "both share one backward walk");
    }
    assert_eq!(Gradient.default_point(network.graph()), NodeId::INPUT);
}
