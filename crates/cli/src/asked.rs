//! What the command line asks of every picture: which methods, where, about which classes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use gradex::engine::{Graph, meant};
use gradex::formats::{measure_npy, read_npy};
use gradex::methods::{self, Baseline, Fused, Fusion, Settings};
use gradex::models::Preprocessing;
use gradex::render::MAX_NETWORK_SIDE;
use gradex::saliency::{Composite, Prediction};
use gradex::{Method, Model, NodeId, Target, bounds, class_of, top};
use ndarray::{ArrayView1, Ix3};

use crate::args::AskArgs;
use crate::failure::{Failure, Outcome};
use crate::report::label;
use crate::settings::SettingArgs;

/// The word for every method.
const ALL: &str = "all";
/// Standard deviation in pixels of the blur that says nothing.
const BLUR: f64 = 10.0;

/// What is asked of every picture.
pub struct Asked {
    /// The methods, in the order given.
    pub methods: Vec<AskedMethod>,
    /// The point that they are all taken at, where a single one is asked for.
    pub point: Option<NodeId>,
    /// The points whose maps are fused, where there are several, and how.
    pub fused: Option<(Vec<NodeId>, Fusion)>,
    classes: Vec<usize>,
    versus: Option<usize>,
    top: usize,
}

/// A method that is asked for.
pub struct AskedMethod {
    /// The method.
    pub method: Arc<dyn Method>,
    /// Asked for by its own name, not as one of all: then it must apply.
    pub named: bool,
}

/// What is asked about one class.
pub struct Question {
    /// The class.
    pub class: usize,
    /// The class that it is compared with.
    pub versus: Option<usize>,
    /// The class's probability.
    pub probability: f64,
}

impl Question {
    /// What files about an input of this name begin with: `cat-285`, `cat-285-versus-281`.
    pub fn file_name(&self, name: &str) -> String {
        let name = format!("{name}-{}", self.class);
        self.versus.map_or(name.clone(), |other| format!("{name}-versus-{other}"))
    }

    /// The question in words.
    pub fn title(&self) -> String {
        let versus = self.versus.map(|other| format!(", and not {}", label(other)));
        format!("Why {}{}?", label(self.class), versus.unwrap_or_default())
    }

    /// The same about two other classes: the most probable one, which may be related, and the one in the middle of all by
    /// their scores, which the network neither sees nor rules out.
    pub fn others(&self, logits: ArrayView1<'_, f32>) -> [Option<Self>; 2] {
        let ranked = top(logits, logits.len());
        let middle = ranked.len() / 2;
        let about = |found: Option<&Prediction>| {
            found.map(|&Prediction { class, probability }| Self { class, versus: self.versus, probability })
        };
        let is_free = |one: &&Prediction| one.class != self.class && Some(one.class) != self.versus;
        let other = ranked.iter().find(is_free);
        let is_unlike = |one: &&Prediction| is_free(one) && other.is_none_or(|other| other.class != one.class);
        let unlike = ranked[middle..].iter().chain(ranked[..middle].iter().rev()).find(is_unlike);
        [about(other), about(unlike)]
    }

    /// The number that is explained.
    pub fn target(&self) -> Target {
        self.versus.map_or(Target::Class(self.class), |other| Target::Difference(self.class, other))
    }
}

impl Asked {
    /// Checks what needs no weights.
    pub fn check(args: &AskArgs) -> Outcome {
        if args.fuse.is_some() && args.points.len() < 2 {
            return Err(Failure::usage("--fuse: give two points or more, each by --point"));
        }
        check_methods(&args.methods, &args.settings)
    }

    /// Whether one of these methods keeps a ledger.
    pub fn check_ledger(methods: &[String]) -> Outcome {
        let relevance = |name: &String| name == ALL || name == "lrp" || name.starts_with("epsilon-");
        if methods.iter().any(relevance) {
            return Ok(());
        }
        let asked = methods.join(", ");
        Err(Failure::usage(format!("--ledger: {asked} keeps no account; ask for lrp or a composite")))
    }

    /// Finds everything that the words name.
    pub fn new(args: &AskArgs, size: Option<[usize; 2]>, model: &Model) -> Outcome<Self> {
        let class = |class: &String| class_of(class).map_err(Failure::usage);
        let classes: Vec<usize> = args.classes.iter().map(class).collect::<Outcome<_>>()?;
        let versus = args.versus.as_ref().map(class).transpose()?;
        if let Some(same) = versus.filter(|other| classes.contains(other)) {
            return Err(Failure::usage(format!("--versus {same}: it is the class itself that is explained")));
        }
        let graph = model.network.graph();
        let [height, width] = size.unwrap_or(model.architecture.preprocessing.size);
        let shapes = graph.shapes(&[1, 3, height, width]).map_err(Failure::usage)?;
        let point = |name: &String| point(graph, &shapes, name);
        let points: Vec<NodeId> = args.points.iter().map(point).collect::<Outcome<_>>()?;
        if let Some((_, twice)) = points.iter().enumerate().find(|(place, point)| points[..*place].contains(point)) {
            return Err(Failure::usage(format!("--point {}: it is given twice", graph.node(*twice).name)));
        }
        let settings = settings(&args.settings, graph, &model.architecture.preprocessing)?;
        let mut methods = methods(&args.methods, &settings)?;
        let (point, fused) = match points[..] {
            [] => (None, None),
            [point] => (Some(point), None),
            _ => (None, Some((points, args.fuse.unwrap_or_default()))),
        };
        if let Some((points, fusion)) = &fused {
            for asked in &mut methods {
                let one = Fused::new(asked.method.clone(), points.clone(), *fusion).map_err(Failure::usage)?;
                asked.method = Arc::new(one);
            }
        }
        let top = args.top_k.unwrap_or(usize::from(classes.is_empty()));
        Ok(Self { methods, point, fused, classes, versus, top })
    }

    /// How many of the most probable classes are asked for.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The classes asked about at these logits, each once: those named, then the most probable ones.
    pub fn questions(&self, logits: ArrayView1<'_, f32>) -> Vec<Question> {
        let ranked = top(logits, logits.len());
        let probable = ranked.iter().map(|prediction| prediction.class);
        let probable = probable.filter(|class| Some(*class) != self.versus).take(self.top);
        let mut seen = HashSet::new();
        let classes = self.classes.iter().copied().chain(probable).filter(|class| seen.insert(*class));
        let probability = |class| ranked.iter().find(|one| one.class == class).map_or(0.0, |one| one.probability);
        let question = |class| Question { class, versus: self.versus, probability: probability(class) };
        classes.map(question).collect()
    }
}

/// Checks the methods' names and settings, which needs no weights.
pub fn check_methods(names: &[String], settings: &SettingArgs) -> Outcome {
    for name in names.iter().filter(|name| *name != ALL) {
        methods::find(name, &Settings::default()).map_err(|error| {
            let all = methods::all(&Settings::default());
            let meant = meant(name, all.iter().map(|method| method.about().name));
            let meant = meant.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Failure::usage(format!("{error}; or {ALL} of them{meant}"))
        })?;
    }
    let contrastive = |name: &String| name == ALL || name.starts_with("contrastive");
    if settings.contrast_point.is_some() && !names.iter().any(contrastive) {
        return Err(Failure::usage(format!("--contrast-point: {} is not a contrastive method", names.join(", "))));
    }
    if !settings.rules.is_empty() && !names.iter().any(|name| name == ALL || name == "lrp") {
        return Err(Failure::usage("--rule is for --method lrp"));
    }
    if settings.rules.is_empty() && names.iter().any(|name| name == "lrp") {
        return Err(Failure::usage("--method lrp: give its rules, such as --rule 'conv2d = gamma(0.25)'"));
    }
    rules(&settings.rules).map(drop)
}

fn point(graph: &Graph, shapes: &[Vec<usize>], name: &str) -> Outcome<NodeId> {
    let point = graph.find(name).map_err(Failure::usage)?;
    let shape = &shapes[point.index()];
    if shape.len() == 4 {
        return Ok(point);
    }
    let name = &graph.node(point).name;
    Err(Failure::usage(format!("--point {name}: its output {shape:?} is not an image (see `gradex points`)")))
}

/// What methods are told.
pub fn settings(args: &SettingArgs, graph: &Graph, preprocessing: &Preprocessing) -> Outcome<Settings> {
    let contrast_point = args.contrast_point.as_ref().map(|name| graph.find(name).map_err(Failure::usage));
    let rules = rules(&args.rules)?;
    if let Some(Err(error)) = rules.as_ref().map(|rules| rules.check(graph)) {
        return Err(Failure::usage(format!("--rule: {error}")));
    }
    Ok(Settings {
        seed: args.seed,
        samples: args.samples,
        contrast_point: contrast_point.transpose()?,
        batch: args.batch,
        noise_level: args.noise_level,
        baseline: baseline(&args.baseline)?,
        window: args.window,
        stride: args.stride,
        rules,
        bounds: Some(bounds(preprocessing)),
    })
}

fn rules(lines: &[String]) -> Outcome<Option<Composite>> {
    let composite = || lines.join("\n").parse().map_err(|error| Failure::usage(format!("--rule: {error}")));
    if lines.is_empty() { Ok(None) } else { composite().map(Some) }
}

/// The file that `--baseline` names, where it names one.
pub fn baseline_file(word: &str) -> Option<&Path> {
    (!["zero", "blur"].contains(&word)).then(|| Path::new(word))
}

fn baseline(word: &str) -> Outcome<Baseline> {
    match word {
        "zero" => return Ok(Baseline::Zero),
        "blur" => return Ok(Baseline::Blur(BLUR)),
        file if !file.ends_with(".npy") => {
            return Err(Failure::usage(format!("--baseline {file}: it is zero, blur, or a .npy file [3, H, W]")));
        }
        _ => {}
    }
    let (_, shape) = measure_npy(Path::new(word))?;
    let wrong = || {
        Failure::usage(format!(
            "--baseline {word}: a tensor of shape {shape:?}, expected [3, H, W], already normalised"
        ))
    };
    if shape.iter().any(|side| *side > MAX_NETWORK_SIDE) {
        return Err(wrong());
    }
    let image = read_npy(Path::new(word))?.into_dimensionality::<Ix3>().map_err(|_| wrong())?;
    Ok(Baseline::Given(Arc::new(image)))
}

/// The methods of these names, each once; a name counts more than being one of all.
pub fn methods(names: &[String], settings: &Settings) -> Outcome<Vec<AskedMethod>> {
    let mut asked: Vec<AskedMethod> = Vec::new();
    let mut add = |method: Arc<dyn Method>, named: bool| {
        let name = method.about().name;
        match asked.iter_mut().find(|known| known.method.about().name == name) {
            Some(known) => known.named |= named,
            None => asked.push(AskedMethod { method, named }),
        }
    };
    for name in names {
        if name == ALL {
            methods::all(settings).into_iter().for_each(|method| add(method, false));
        } else {
            add(methods::find(name, settings).map_err(Failure::usage)?, true);
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;

    fn others(class: usize, versus: Option<usize>, classes: usize) -> [Option<usize>; 2] {
        let logits = Array1::from_iter((0..classes).map(|class| -(class as f32)));
        let question = Question { class, versus, probability: 0.0 };
        question.others(logits.view()).map(|other| other.map(|other| other.class))
    }

    #[test]
    fn the_most_probable_other_class_and_the_middle_one_are_compared_with() {
        assert_eq!(others(0, None, 9), [Some(1), Some(4)]);
        assert_eq!(others(4, None, 9), [Some(0), Some(5)]);
        assert_eq!(others(0, Some(1), 9), [Some(2), Some(4)]);
        assert_eq!(others(0, None, 3), [Some(1), Some(2)]);
        assert_eq!(others(0, None, 2), [Some(1), None]);
        assert_eq!(others(0, None, 1), [None, None]);
    }
}
