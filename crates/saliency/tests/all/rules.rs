//! Every rule against its formula on the layer's dense matrix, in float64; what it absorbs; and what it refuses.
#![allow(clippy::expect_used)]

use gradex_engine::layers::{
    AdaptiveAvgPool2d, Add, AvgPool2d, BatchNorm2d, Concat, Conv2d, Flatten, Linear, MaxPool2d, Relu, Relu6,
};
use gradex_engine::{Cache, Error, Kept, Layer, Op, Params, Site, Tensor};
use gradex_saliency::rules::{
    Absorbed, Bounds, Deconvnet, Gradient, Guided, Pass, Rule, alpha_beta, epsilon, excitation, flat, gamma,
    inhibition, norm, w_square, z_box, z_plus,
};

use crate::common::{noise, tensor};

/// A layer in one forward pass, with all that a site borrows.
struct Scene {
    op: Op,
    params: Params,
    inputs: Vec<Tensor>,
    output: Tensor,
    cache: Cache,
}

impl Scene {
    fn new(op: impl Into<Op>, inputs: Vec<Tensor>) -> Self {
        let op = op.into();
        let shapes = op.parameters().into_iter().zip(1..);
        let params = op.bind(shapes.map(|((_, shape), seed)| noise(seed, &shape).into()).collect());
        let (output, cache) = op.forward(&params, &inputs.iter().collect::<Vec<_>>()).expect("a forward pass");
        Self { op, params, inputs, output, cache }
    }

    fn site(&self) -> Site<'_> {
        let inputs = self.inputs.iter().map(Kept::whole).collect();
        Site { op: &self.op, params: &self.params, inputs, output: Kept::whole(&self.output), cache: &self.cache }
    }

    /// The matrix `[outputs][inputs]` over all inputs one after the other, and the bias of each output.
    fn dense(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let zeros: Vec<Tensor> = self.inputs.iter().map(|input| Tensor::zeros(input.shape())).collect();
        let apply = |inputs: &[Tensor]| -> Vec<f64> {
            let layer = self.op.affine().expect("an affine layer");
            let output = layer.apply(&self.params, &inputs.iter().collect::<Vec<_>>()).expect("an output");
            output.iter().map(|value| f64::from(*value)).collect()
        };
        let bias = apply(&zeros);
        let mut matrix = vec![Vec::new(); bias.len()];
        for index in 0..zeros.len() {
            for place in 0..zeros[index].len() {
                let mut unit = zeros.clone();
                unit[index].as_slice_mut().expect("row-major")[place] = 1.0;
                let column = apply(&unit);
                matrix.iter_mut().zip(column.iter().zip(&bias)).for_each(|(row, (value, bias))| row.push(value - bias));
            }
        }
        (matrix, bias)
    }

    fn flat_inputs(&self) -> Vec<f64> {
        self.inputs.iter().flatten().map(|value| f64::from(*value)).collect()
    }
}

fn affine_scenes() -> Vec<Scene> {
    let image = |seed| noise(seed, &[2, 4, 5, 6]);
    let conv = Conv2d::new(4, 6, 3).padding(1);
    let padded =
        AvgPool2d { kernel: [3, 2], stride: [2, 2], padding: [1, 1], ceil_mode: true, count_include_pad: true };
    vec![
        Scene::new(conv.clone(), vec![image(1)]),
        Scene::new(conv.clone().stride(2).groups(2), vec![image(2)]),
        Scene::new(Conv2d { dilation: [2, 1], ..conv.no_bias() }, vec![image(3).mapv(f32::abs)]),
        Scene::new(Linear::new(7, 5), vec![noise(4, &[3, 7])]),
        Scene::new(padded, vec![image(5)]),
        Scene::new(AdaptiveAvgPool2d { output: [2, 4] }, vec![image(6)]),
        Scene::new(Add, vec![image(7), image(8)]),
        Scene::new(Concat { axis: 1 }, vec![image(9), image(10)]),
        Scene::new(Flatten, vec![image(11)]),
    ]
}

/// `stab(z)` of the rule, and for each group factor, outputs and terms: a formula as the rule's file states it.
type Group<'a> = (f64, Vec<bool>, Vec<(Vec<f64>, Weights<'a>, Bias<'a>)>);
type Weights<'a> = Box<dyn Fn(f64) -> f64 + 'a>;
type Bias<'a> = Box<dyn Fn(f64) -> f64 + 'a>;

/// `Σ_g f_g Σ_t a_t ⊙ W_tᵀ(gate_g R / stab(Σ_t W_t a_t + b_t))`, and the bias's part of it.
fn formula(scene: &Scene, upstream: &[f64], groups: &[Group<'_>], stab: impl Fn(f64) -> f64) -> (Vec<f64>, f64) {
    let (matrix, bias) = scene.dense();
    let mut sent = vec![0.0; matrix[0].len()];
    let mut to_bias = 0.0;
    for (factor, gate, terms) in groups {
        for (j, row) in matrix.iter().enumerate().filter(|(j, _)| gate[*j]) {
            let term = |(a, w, b): &(Vec<f64>, Weights<'_>, Bias<'_>)| {
                a.iter().zip(row).map(|(a, weight)| a * w(*weight)).sum::<f64>() + b(bias[j])
            };
            let share = factor * upstream[j] / stab(terms.iter().map(term).sum());
            for (a, w, b) in terms {
                sent.iter_mut().zip(a.iter().zip(row)).for_each(|(sent, (a, weight))| *sent += a * w(*weight) * share);
                to_bias += b(bias[j]) * share;
            }
        }
    }
    (sent, to_bias)
}

fn positive(x: f64) -> f64 {
    x.max(0.0)
}

fn negative(x: f64) -> f64 {
    x.min(0.0)
}

fn signed(epsilon: f64) -> impl Fn(f64) -> f64 {
    move |z| if z < 0.0 { z - epsilon } else { z + epsilon }
}

/// Each rule that is a ratio with its formula, for the layer's inputs `x` and outputs `z`.
fn ratios<'a>(x: &[f64], z: &[f64], implicit: bool) -> Vec<(Box<dyn Rule>, Vec<Group<'a>>, f64)> {
    let all = vec![true; z.len()];
    let part = |f: fn(f64) -> f64| x.iter().map(|x| f(*x)).collect::<Vec<f64>>();
    let (ones, whole) = (vec![1.0; x.len()], x.to_vec());
    let same = || Box::new(|w: f64| w) as Weights<'a>;
    let none = || Box::new(|_: f64| 0.0) as Bias<'a>;
    let up = || -> Vec<(Vec<f64>, Weights<'a>, Bias<'a>)> {
        vec![(part(positive), Box::new(positive), Box::new(positive)), (part(negative), Box::new(negative), none())]
    };
    let down = || -> Vec<(Vec<f64>, Weights<'a>, Bias<'a>)> {
        vec![(part(positive), Box::new(negative), Box::new(negative)), (part(negative), Box::new(positive), none())]
    };
    let gamma_group = |is: fn(f64) -> bool, with: fn(f64) -> f64, against: fn(f64) -> f64| -> Group<'a> {
        let terms: Vec<(Vec<f64>, Weights<'a>, Bias<'a>)> = vec![
            (part(positive), Box::new(move |w| w + 0.5 * with(w)), Box::new(move |b| b + 0.5 * with(b))),
            (part(negative), Box::new(move |w| w + 0.5 * against(w)), none()),
        ];
        (1.0, z.iter().map(|z| is(*z)).collect(), terms)
    };
    let bounded: Vec<(Vec<f64>, Weights<'a>, Bias<'a>)> = vec![
        (whole.clone(), same(), none()),
        (vec![-1.25; x.len()], Box::new(|w| -positive(w)), none()),
        (vec![1.5; x.len()], Box::new(|w| -negative(w)), none()),
    ];
    let square: Weights<'a> = if implicit { same() } else { Box::new(|w| w * w) };
    let count: Weights<'a> = if implicit { same() } else { Box::new(|w| f64::from(u8::from(w != 0.0))) };
    let alone = |terms| vec![(1.0, all.clone(), terms)];
    vec![
        (Box::new(epsilon(0.5)), alone(vec![(whole.clone(), same(), same())]), 0.5),
        (Box::new(norm()), alone(vec![(whole.clone(), same(), same())]), 1e-6),
        (Box::new(z_plus()), alone(up()), 1e-6),
        (Box::new(alpha_beta(2.0)), vec![(2.0, all.clone(), up()), (-1.0, all.clone(), down())], 1e-6),
        (
            Box::new(gamma(0.5)),
            vec![gamma_group(|z| z > 0.0, positive, negative), gamma_group(|z| z < 0.0, negative, positive)],
            1e-6,
        ),
        (Box::new(z_box(&Bounds::new(&[-1.25], &[1.5]))), alone(bounded), 1e-6),
        (Box::new(w_square()), alone(vec![(ones.clone(), square, none())]), 1e-6),
        (Box::new(flat()), alone(vec![(ones, count, none())]), 1e-6),
        (Box::new(excitation()), alone(vec![(whole.clone(), Box::new(positive), none())]), 1e-20),
        (Box::new(inhibition()), alone(vec![(whole, Box::new(|w| -negative(w)), none())]), 1e-20),
    ]
}

#[test]
fn ratios_are_their_formulas() {
    for scene in affine_scenes() {
        let implicit = scene.op.parameters().is_empty();
        let (x, (matrix, bias)) = (scene.flat_inputs(), scene.dense());
        let dot = |row: &Vec<f64>| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
        let z: Vec<f64> = matrix.iter().zip(&bias).map(|(row, bias)| dot(row) + bias).collect();
        let upstream = noise(99, scene.output.shape());
        let r: Vec<f64> = upstream.iter().map(|value| f64::from(*value)).collect();
        for (rule, groups, eps) in ratios(&x, &z, implicit) {
            let what = format!("{} on {}", rule.name(), scene.op.kind());
            let (expected, to_bias) =
                formula(&scene, &r, &groups, |z| if z == 0.0 && eps == 1e-20 { f64::INFINITY } else { signed(eps)(z) });
            let found = rule.propagate(&scene.site(), &upstream).expect(&what);
            let actual: Vec<f64> = found.inputs.iter().flatten().map(|value| f64::from(*value)).collect();
            let scale = expected.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
            assert_eq!(actual.len(), expected.len(), "{what}");
            for (actual, expected) in actual.iter().zip(&expected) {
                assert!((actual - expected).abs() <= 1e-4 * scale, "{what}: {actual} is not {expected}");
            }
            assert!((found.absorbed.bias - to_bias).abs() <= 1e-4 * scale.max(to_bias.abs()), "{what}: {to_bias}");
            balance(&what, &upstream, &found.inputs, found.absorbed);
        }
    }
}

#[test]
fn upstreams_side_by_side_do_not_decide_about_each_other() {
    let same = |a: &[Tensor], b: &[Tensor]| {
        let bits = |tensors: &[Tensor]| tensors.iter().flatten().map(|value| value.to_bits()).collect::<Vec<_>>();
        bits(a) == bits(b)
    };
    for scene in affine_scenes() {
        let upstreams = [11, 12, 13].map(|seed| noise(seed, scene.output.shape()));
        let rules: [&dyn Rule; 5] = [&epsilon(0.5), &gamma(0.5), &alpha_beta(2.0), &inhibition(), &Gradient];
        for rule in rules {
            let what = format!("{} on {}", rule.name(), scene.op.kind());
            for count in 0..=upstreams.len() {
                let found = rule.propagate_all(&scene.site(), &upstreams[..count]).expect(&what);
                assert_eq!(found.len(), count, "{what}");
                for (found, upstream) in found.iter().zip(&upstreams) {
                    let alone = rule.propagate(&scene.site(), upstream).expect(&what);
                    assert!(same(&found.inputs, &alone.inputs), "{what}");
                    assert_eq!(found.absorbed, alone.absorbed, "{what}");
                }
            }
        }
    }
}

/// What arrives is what is sent and what is absorbed.
fn balance(what: &str, upstream: &Tensor, inputs: &[Tensor], absorbed: Absorbed) {
    let [sum, mass] = [f64::from, |value: f32| f64::from(value.abs())]
        .map(|f: fn(f32) -> f64| move |tensor: &Tensor| tensor.iter().map(|value| f(*value)).sum::<f64>());
    let sent: f64 = inputs.iter().map(sum).sum();
    let scale = mass(upstream) + inputs.iter().map(mass).sum::<f64>();
    let missing = sum(upstream) - sent - absorbed.total();
    assert!(missing.abs() <= 1e-5 * scale, "{what}: {missing} of {scale} is unexplained");
}

#[test]
fn what_gates_drop_and_padding_takes_is_accounted_for() {
    let image = noise(3, &[2, 4, 5, 6]);
    let padded =
        AvgPool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1], ceil_mode: false, count_include_pad: true };
    let scenes = [
        Scene::new(Relu, vec![image.clone()]),
        Scene::new(Relu6, vec![&image * 9.0]),
        Scene::new(MaxPool2d::new(3, 2).padding(1), vec![image.clone()]),
        Scene::new(padded, vec![image.clone()]),
        Scene::new(Flatten, vec![image]),
    ];
    for scene in &scenes {
        let upstream = noise(5, scene.output.shape());
        for rule in [&Gradient as &dyn Rule, &Guided, &Deconvnet] {
            let what = format!("{} on {}", rule.name(), scene.op.kind());
            let found = rule.propagate(&scene.site(), &upstream).expect(&what);
            balance(&what, &upstream, &found.inputs, found.absorbed);
            assert_eq!(found.absorbed.padding != 0.0, scene.op.kind() == "avg_pool2d", "{what}");
            assert_eq!(found.absorbed.stabiliser != 0.0, scene.op.is_activation(), "{what}");
        }
    }
}

#[test]
fn rectifiers_by_hand() {
    let scene = Scene::new(Relu6, vec![tensor(&[1, 6], &[-1.0, 0.0, 2.0, 3.0, 6.0, 9.0])]);
    let upstream = tensor(&[1, 6], &[1.0, 2.0, 4.0, -8.0, 16.0, 32.0]);
    let sent = |rule: &dyn Rule| {
        let found = rule.propagate(&scene.site(), &upstream).expect("a rectifier");
        found.inputs[0].iter().copied().collect::<Vec<f32>>()
    };
    assert_eq!(sent(&Gradient), [0.0, 0.0, 4.0, -8.0, 0.0, 0.0]);
    assert_eq!(sent(&Guided), [0.0, 0.0, 4.0, 0.0, 0.0, 0.0]);
    assert_eq!(sent(&Deconvnet), [1.0, 2.0, 4.0, 0.0, 16.0, 32.0]);
    assert_eq!(sent(&Pass), [1.0, 2.0, 4.0, -8.0, 16.0, 32.0]);
}

#[test]
fn nothing_divided_by_nothing_is_nothing() {
    let zeros = Tensor::zeros(vec![1, 2, 2, 2]);
    let scene = Scene::new(Add, vec![zeros.clone(), zeros]);
    let upstream = Tensor::ones(scene.output.shape());
    for rule in [excitation(), norm(), epsilon(0.0), z_plus()] {
        let found = rule.propagate(&scene.site(), &upstream).expect("finite");
        assert!(found.inputs.iter().flatten().all(|value| *value == 0.0), "{}", rule.name);
        assert_eq!(found.absorbed, Absorbed { stabiliser: 8.0, ..Absorbed::default() }, "{}", rule.name);
    }
}

#[test]
fn a_batch_norm_under_the_gradient_is_not_explained() {
    let scene = Scene::new(BatchNorm2d::new(2), vec![noise(1, &[1, 2, 3, 3])]);
    let params = Params { weight: Some(tensor(&[2], &[2.0, 3.0]).into()), bias: Some(tensor(&[2], &[1.0, 1.0])) };
    let scene = Scene { params, ..scene };
    let upstream = Tensor::ones(scene.output.shape());
    let found = Gradient.propagate(&scene.site(), &upstream).expect("a gradient");
    assert_eq!((found.inputs[0].sum(), found.absorbed.total()), (45.0, 0.0));
}

#[test]
fn bad_sites_and_values_are_refused() {
    let conv = Scene::new(Conv2d::new(2, 3, 1), vec![noise(1, &[1, 2, 3, 3])]);
    let relu = Scene::new(Relu, vec![noise(1, &[1, 2, 3, 3])]);
    let add = Scene::new(Add, vec![noise(1, &[1, 2]), noise(2, &[1, 2])]);
    let (ones, wrong) = (Tensor::ones(conv.output.shape()), Tensor::ones(vec![1, 3, 2, 2]));
    let bounded = z_box(&Bounds::new(&[0.0; 3], &[1.0; 3]));
    let refused = |rule: &dyn Rule, scene: &Scene, upstream: &Tensor| {
        rule.propagate(&scene.site(), upstream).expect_err("refused")
    };
    let rules: [&dyn Rule; 8] =
        [&epsilon(0.1), &gamma(0.2), &flat(), &excitation(), &Pass, &Gradient, &Guided, &Deconvnet];
    for rule in rules {
        assert!(matches!(refused(rule, &conv, &wrong), Error::Shape { .. }), "{}", rule.name());
        for bad in [f32::NAN, f32::INFINITY] {
            for scene in [&conv, &relu] {
                let upstream = Tensor::from_elem(scene.output.shape(), bad);
                let error = refused(rule, scene, &upstream);
                let known = matches!(error, Error::NonFinite { .. } | Error::Rule { .. });
                assert!(known, "{} on {}: {error}", rule.name(), scene.op.kind());
            }
        }
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        let mut scene = Scene::new(Conv2d::new(2, 3, 1), vec![noise(1, &[1, 2, 3, 3])]);
        scene.inputs[0][[0, 0, 0, 0]] = bad;
        assert!(matches!(refused(&z_plus(), &scene, &ones), Error::NonFinite { what: "input of", .. }));
    }
    assert!(matches!(refused(&epsilon(0.1), &relu, &relu.output), Error::Rule { op: "relu", .. }));
    assert!(matches!(refused(&Pass, &add, &add.output), Error::Rule { op: "add", .. }));
    assert!(matches!(refused(&bounded, &conv, &ones), Error::Rule { op: "conv2d", .. }));
    let huge = Tensor::from_elem(conv.output.shape(), f32::MAX);
    let error = refused(&epsilon(0.0), &conv, &huge);
    assert!(matches!(error, Error::NonFinite { what: "relevance sent back by", .. }), "{error}");
}
