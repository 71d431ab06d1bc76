//! What is asked: a class, a difference, a closure; several of them over one tape; and what that costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{INPUT, assert_close, attribute, find, network, noise, noise_for, pooled, tape};
use gradex_saliency::methods::{
    AblationCam, Baseline, Cam, EigenCam, ElementWiseCam, Fused, Fusion, GradCam, GradCamPlusPlus, HiResCam, LayerCam,
    Occlusion, Prism, Rise, ScoreCam, Settings, XGradCam, all,
};
use gradex_saliency::{Cost, Error, Explainer, Method, Objective, Target};
use ndarray::Array1;

const CLASSES: usize = 5;

/// A closure's target whose derivative is one class.
fn custom_class(class: usize) -> Target {
    Target::custom(move |logits| {
        let mut gradient = Array1::zeros(logits.len());
        gradient[class] = 1.0;
        Objective { score: logits[class], gradient }
    })
}

#[test]
fn the_map_of_a_difference_is_the_difference_of_the_maps() {
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    // Signed methods that are linear in the gradient.
    for point in ["input", "relu1", "conv2", "relu2", "pool2"].map(|name| find(&network, name)) {
        let map = |target: Target| attribute(&network, &tape, HiResCam, point, &[target]).unwrap().remove(0);
        let expected = map(3.into()).map().mapv(f64::from) - map(1.into()).map().mapv(f64::from);
        assert_close(&map(Target::Difference(3, 1)), &expected, 1e-5, "HiResCAM");
        assert_close(&map(Target::Difference(1, 3)), &-expected, 1e-5, "the other way");
        assert!(map(Target::Difference(2, 2)).values.iter().all(|value| *value == 0.0), "a class and itself");
    }
    let pool = find(&network, "pool2");
    let map = |target: Target| attribute(&network, &tape, Cam, pool, &[target]).unwrap().remove(0);
    let expected = map(3.into()).map().mapv(f64::from) - map(1.into()).map().mapv(f64::from);
    assert_close(&map(Target::Difference(3, 1)), &expected, 1e-5, "CAM");
}

#[test]
fn a_difference_shows_what_grad_cam_of_one_class_hides() {
    // Grad-CAM's weights are linear in the gradient, and so is its map before it is cut off.
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    let point = find(&network, "pool2");
    let cam = |target: Target| attribute(&network, &tape, Cam, point, &[target]).unwrap().remove(0);
    for (class, other) in [(3, 1), (0, 4)] {
        let target = Target::Difference(class, other);
        let map = attribute(&network, &tape, GradCam, point, std::slice::from_ref(&target)).unwrap().remove(0);
        let pixels = map.values.len() as f64;
        let expected = cam(target).map().mapv(|value| (f64::from(value) / pixels).max(0.0));
        assert_close(&map, &expected, 1e-5, "Grad-CAM");
    }
}

#[test]
fn a_closure_that_gives_a_class_is_the_class() {
    let network = network(3, pooled, noise_for);
    let input = noise(5, &[2, 3, 12, 10]);
    for method in all(&Settings { samples: Some(4), ..crate::common::complete() }) {
        let name = method.about().name;
        let explainer = Explainer::new(&network).methods(vec![method]);
        let tape = explainer.forward(&input).unwrap();
        let by_class = explainer.explain(&tape, &[Target::Class(3), Target::Class(1)]).unwrap();
        let by_closure = explainer.explain(&tape, &[custom_class(3), custom_class(1)]).unwrap();
        for (class, closure) in by_class.iter().zip(&by_closure) {
            assert_eq!((&class.coarse, &class.fine), (&closure.coarse, &closure.fine), "{name}");
        }
    }
}

#[test]
fn a_closure_may_be_any_function_of_the_logits() {
    // The probability of a class: its derivative by the logits is p_k ([k = c] - p_c).
    let network = network(3, pooled, noise_for);
    let tape = tape(&network, &noise(5, &[1, 3, 12, 10]));
    let point = find(&network, "relu2");
    let probability = Target::custom(|logits| {
        let exponentials = logits.mapv(f32::exp);
        let probabilities = &exponentials / exponentials.sum();
        let mut gradient = &probabilities * -probabilities[2];
        gradient[2] += probabilities[2];
        Objective { score: probabilities[2], gradient }
    });
    let weights = probability.objective(tape.image_logits(0).unwrap()).unwrap().gradient;
    assert!(weights.sum().abs() < 1e-6);
    let map = |target: Target| attribute(&network, &tape, HiResCam, point, &[target]).unwrap().remove(0);
    let classes = (0..CLASSES).map(|class| map(class.into()).map().mapv(f64::from) * f64::from(weights[class]));
    let expected = classes.reduce(|sum, map| sum + map).unwrap();
    assert_close(&map(probability), &expected, 1e-5, "probability");
}

#[test]
fn closures_that_do_not_fit_are_refused() {
    let network = network(3, pooled, noise_for);
    let explainer = Explainer::new(&network);
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    let with =
        |score: f32, gradient: Array1<f32>| Target::custom(move |_| Objective { score, gradient: gradient.clone() });
    let mut one_nan = Array1::zeros(CLASSES);
    one_nan[4] = f32::NAN;
    for (target, length) in [
        (with(1.0, Array1::zeros(CLASSES - 1)), CLASSES - 1),
        (with(1.0, Array1::zeros(0)), 0),
        (with(f32::INFINITY, Array1::zeros(CLASSES)), CLASSES),
        (with(1.0, one_nan), CLASSES),
    ] {
        let error = explainer.explain(&tape, &[target]).unwrap_err();
        assert_eq!(error, Error::Objective { length, classes: CLASSES });
        assert!(error.to_string().contains("finite derivative for each of 5 logits"), "{error}");
    }
    for target in [Target::Difference(0, 5), Target::Difference(5, 0), Target::Class(5)] {
        let error = explainer.explain(&tape, &[target]).unwrap_err();
        assert_eq!(error, Error::NoSuchClass { class: 5, classes: CLASSES });
    }
}

#[test]
fn classes_and_methods_cost_one_forward_pass_and_one_backward_walk_a_class() {
    let network = network(3, pooled, noise_for);
    let pool = find(&network, "pool2");
    let at = vec![find(&network, "relu1"), find(&network, "relu2")];
    let fused = Fused::new(Arc::new(LayerCam), at, Fusion::Mean).unwrap();
    let methods: Vec<Arc<dyn Method>> = vec![
        Arc::new(GradCam),
        Arc::new(GradCamPlusPlus),
        Arc::new(XGradCam),
        Arc::new(HiResCam),
        Arc::new(LayerCam),
        Arc::new(ElementWiseCam),
        Arc::new(EigenCam),
        Arc::new(Cam),
        Arc::new(Prism),
        Arc::new(fused),
    ];
    let explainer = Explainer::new(&network).methods(methods.clone()).point(pool);
    // The one forward pass; from here on everything reads the tape, and a run counts what it adds to it.
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    for class in 0..CLASSES {
        let run = explainer.run(&tape, &[class.into()]).unwrap();
        assert_eq!(run.cost(), Cost::default());
        for method in &methods {
            let explanation = explainer.explain_by(&run, method.as_ref()).unwrap().remove(0);
            assert!(matches!(explanation.target, Target::Class(explained) if explained == class));
        }
        assert_eq!(run.cost(), Cost { forwards: 0, backwards: 1 });
    }
    // Two more at other points share that walk too.
    let spread = |at| Fused::new(Arc::new(GradCam), vec![at], Fusion::Mean).unwrap();
    let methods: Vec<Arc<dyn Method>> = vec![Arc::new(spread(INPUT)), Arc::new(spread(pool)), Arc::new(GradCam)];
    let explainer = Explainer::new(&network).methods(methods.clone());
    let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
    let run = explainer.run(&tape, &[Target::Difference(1, 2)]).unwrap();
    methods.iter().for_each(|method| assert!(explainer.explain_by(&run, method.as_ref()).is_ok()));
    assert_eq!(run.cost(), Cost { forwards: 0, backwards: 1 });
}

/// What `gradex methods` says that a method costs, in these many samples, channels and windows.
fn stated(cost: &str, [samples, channels, windows]: [usize; 3]) -> [usize; 2] {
    match cost {
        "no pass" => [0, 0],
        "1 backward" | "1 backward to the point" | "1 relevance walk" => [0, 1],
        "1 backward to the point, 1 to the input" | "2 relevance walks" => [0, 2],
        "1 forward a channel" | "1 forward from the point a channel" => [channels, 0],
        "1 forward a window, 225 or so for a square image" => [windows, 0],
        "1000 forwards (samples)" => [samples, 0],
        "50 forwards and backwards (samples)" => [samples, samples],
        "50 forwards and backwards (steps), 1 forward" => [samples + 1, samples],
        _ => panic!("no test knows what `{cost}` is"),
    }
}

#[test]
fn every_method_costs_what_it_says_and_scores_serve_all_classes() {
    let network = network(3, pooled, noise_for);
    let samples = 7;
    let settings = Settings { samples: Some(samples), batch: Some(1), ..crate::common::complete() };
    for method in all(&settings) {
        let about = method.about();
        let explainer = Explainer::new(&network).methods(vec![method.clone()]);
        let tape = explainer.forward(&noise(5, &[1, 3, 12, 10])).unwrap();
        // The 8 channels of `relu2` all act; windows of 2 pixels lie at every pixel but the last row and column.
        let [forwards, backwards] = stated(about.cost, [samples, 8, 11 * 9]);
        let questions: Vec<Vec<Target>> = (0..CLASSES).map(|class| vec![class.into()]).collect();
        for (number, run) in explainer.runs(&tape, questions).unwrap().iter().enumerate() {
            let alone = explainer.run(&tape, run.targets()).unwrap();
            let expected = explainer.explain_by(&alone, method.as_ref()).unwrap().remove(0);
            assert_eq!(alone.cost(), Cost { forwards, backwards }, "{}", about.name);
            let shared = explainer.explain_by(run, method.as_ref()).unwrap().remove(0);
            assert_eq!((shared.coarse, shared.fine), (expected.coarse, expected.fine), "{}", about.name);
            // Scores of changed inputs come of one set of passes; gradients are a class's own.
            let sets = if backwards == 0 { 1 } else { number + 1 };
            let expected = Cost { forwards: sets * forwards, backwards: (number + 1) * backwards };
            assert_eq!(run.shared_cost(), expected, "{}", about.name);
        }
    }
}

#[test]
fn scores_serve_only_what_is_changed_in_the_same_way() {
    let network = network(3, pooled, noise_for);
    let rise = |seed, masks| Arc::new(Rise { seed, masks, ..Rise::default() }) as Arc<dyn Method>;
    let score_cam_at = |name| {
        let at = vec![find(&network, name)];
        Arc::new(Fused::new(Arc::new(ScoreCam::default()), at, Fusion::Mean).unwrap()) as Arc<dyn Method>
    };
    let blurred = Occlusion { baseline: Baseline::Blur(1.0), ..Occlusion::default() };
    let methods = vec![
        rise(0, 8),
        rise(1, 8),
        rise(0, 16),
        Arc::new(Occlusion::default()),
        Arc::new(blurred),
        score_cam_at("relu1"),
        score_cam_at("relu2"),
        Arc::new(AblationCam::default()),
    ];
    let explainer = Explainer::new(&network).methods(methods.clone());
    let tape = explainer.forward(&noise(5, &[2, 3, 12, 10])).unwrap();
    let together = explainer.explain_all(&tape, &[&[0, 1], &[1, 2]]).unwrap();
    let mut apart = Vec::new();
    for classes in [[0, 1], [1, 2]] {
        for method in &methods {
            let alone = Explainer::new(&network).methods(vec![method.clone()]);
            apart.extend(alone.explain(&alone.forward(&noise(5, &[2, 3, 12, 10])).unwrap(), &classes).unwrap());
        }
    }
    assert_eq!(together.len(), apart.len());
    for (one, other) in together.iter().zip(&apart) {
        assert_eq!((one.image, one.method, &one.coarse), (other.image, other.method, &other.coarse));
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The counts above are the truth only if nobody goes round them.
#[test]
fn only_the_run_and_the_explainer_send_anything_through_the_network() {
    let passes = [
        "forward",
        "forward_layerwise",
        "backward",
        "backward_all",
        "gradient",
        "gradient_layerwise",
        "descend",
        "gradient_of",
        "resume",
    ];
    let networks = ["network", "network()", "folded", "folded()?", "net", "model"];
    let calls: Vec<String> =
        passes.iter().flat_map(|pass| networks.iter().map(move |network| format!("{network}.{pass}("))).collect();
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut counted = 0;
    for path in &sources {
        let text = std::fs::read_to_string(path).unwrap();
        let found: Vec<&String> = calls.iter().filter(|call| text.contains(*call)).collect();
        match path.file_name().unwrap().to_str().unwrap() {
            "run.rs" => counted += found.len(),
            "explainer.rs" => assert_eq!(found, ["network.forward("]),
            _ => assert!(found.is_empty(), "{}: {found:?}; go through `Run`, which counts", path.display()),
        }
    }
    assert!(sources.len() > 20 && counted >= 6, "the sources of this crate, {} with {counted} calls", sources.len());
}
