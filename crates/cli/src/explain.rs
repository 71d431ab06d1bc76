//! `gradex explain`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gradex::formats::write_npy;
use gradex::saliency::extrapolate;
use gradex::{
    Explainer, Explanation, Extrapolation, Model, NodeId, Style, Tape, class_of, methods, overlay, top, write_png,
};

use crate::args::Explain;
use crate::failure::{Failure, Outcome};
use crate::inputs::Picture;
use crate::names::Names;
use crate::report::{Explained, Files, Report, label, labelled, region};
use crate::{model, run};

/// The fewest predictions that a report shows.
const SHOWN: usize = 5;

/// Draws what the classifier looked at, for each input and class.
pub fn run(args: &Explain) -> Outcome {
    let classes = requested_classes(args)?;
    if args.contrast_point.is_some() {
        return Err(Failure::usage(format!("--contrast-point: {} is not a contrastive method", args.method)));
    }
    if !(0.0..=1.0).contains(&args.opacity) {
        return Err(Failure::usage("--opacity takes a number from 0 to 1"));
    }
    let method = methods::find(&args.method, &methods::Settings::default()).map_err(Failure::usage)?;
    model::set_threads(&args.model)?;
    let model = model::load(&args.model)?;
    let point = point_of(args, &model)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;

    let explainer = Explainer::new(&model.network).methods(vec![method]).point(point).extrapolation(args.extrapolate);
    let task = Task { args, model: &model, explainer, point, classes };
    let mut names = Names::default();
    run::for_each_picture(&args.input, &model, |path, picture| {
        let name = names.of(path, picture.index);
        task.explain(path, &name, &picture)
    })
}

/// The classes that `--class` names.
fn requested_classes(args: &Explain) -> Outcome<Vec<usize>> {
    if args.top_k == Some(0) {
        return Err(Failure::usage("--top-k takes 1 or more"));
    }
    args.classes.iter().map(|class| class_of(class).map_err(Failure::usage)).collect()
}

fn point_of(args: &Explain, model: &Model) -> Outcome<NodeId> {
    let graph = model.network.graph();
    let point = match &args.point {
        Some(name) => graph.find(name).map_err(Failure::usage)?,
        None => graph.default_point(),
    };
    let [height, width] = args.input.size.unwrap_or(model.architecture.preprocessing.size);
    let shape = &graph.shapes(&[1, 3, height, width]).map_err(Failure::usage)?[point.index()];
    if shape.len() != 4 {
        let name = &graph.node(point).name;
        return Err(Failure::usage(format!(
            "--point {name}: its output {shape:?} is not an image (see `gradex points`)"
        )));
    }
    Ok(point)
}

/// What is asked of every picture.
struct Task<'a> {
    args: &'a Explain,
    model: &'a Model,
    explainer: Explainer<'a>,
    point: NodeId,
    classes: Vec<usize>,
}

impl Task<'_> {
    fn explain(&self, path: &Path, name: &str, picture: &Picture) -> Result<Report> {
        let tape = self.explainer.forward(&picture.input)?;
        let logits = tape.image_logits(0)?;
        let asked = self.args.top_k.unwrap_or(usize::from(self.classes.is_empty()));
        let mut classes = self.classes.clone();
        classes.extend(top(logits, asked).iter().map(|prediction| prediction.class));
        let mut seen = std::collections::HashSet::new();
        classes.retain(|class| seen.insert(*class));

        let logits_file = self.save(name, "logits", || logits.to_owned().into_dyn())?;
        let explain = |class: &usize| self.one_class(&tape, name, picture, *class, logits_file.clone());
        Ok(Report {
            input: run::shown(path, picture),
            model: self.model.architecture.name,
            size: [picture.input.shape()[2], picture.input.shape()[3]],
            photograph: picture.photograph.size(),
            region: region(&picture.region),
            predictions: labelled(top(logits, SHOWN.max(asked))),
            explanations: Some(classes.iter().map(explain).collect::<Result<_>>()?),
            milliseconds: 0.0,
        })
    }

    fn one_class(
        &self,
        tape: &Tape,
        name: &str,
        picture: &Picture,
        class: usize,
        logits: Option<String>,
    ) -> Result<Explained> {
        let Explain { method, extrapolate: mode, .. } = self.args;
        let explanation = self.explainer.explain(tape, &[class])?.remove(0);
        let Explanation { coarse, fine, .. } = &explanation;
        let name = format!("{name}-{class}-{method}");
        let draw = |mode: Extrapolation, heat: ndarray::ArrayView2<'_, f32>| {
            let style = Style { map: self.args.colour_map, opacity: self.args.opacity };
            let path = self.args.out.join(format!("{name}-{mode}.png"));
            write_png(&path, &overlay(&picture.photograph, heat, &picture.region, &style)?)?;
            Ok::<_, anyhow::Error>(shown(path))
        };
        let plain = match mode {
            Extrapolation::None => None,
            Extrapolation::Activated | Extrapolation::Published => Some(draw(
                Extrapolation::None,
                extrapolate::extrapolate(Extrapolation::None, coarse, tape, 0, &[])?.map(),
            )?),
        };
        let files = Files {
            overlay: draw(*mode, fine.map())?,
            plain,
            coarse: self.save(&name, "coarse", || coarse.map().to_owned().into_dyn())?,
            fine: self.save(&name, &format!("{mode}-fine"), || fine.map().to_owned().into_dyn())?,
            logits,
        };
        Ok(Explained {
            class,
            label: label(class),
            method: method.to_string(),
            point: self.model.network.graph().node(self.point).name.clone(),
            extrapolation: mode.to_string(),
            reason: fine.reason.map(|reason| reason.to_string()),
            files,
        })
    }

    /// Saves an array where `--save-npy` asks for it.
    fn save(&self, name: &str, what: &str, array: impl FnOnce() -> gradex::Tensor) -> Result<Option<String>> {
        if !self.args.save_npy {
            return Ok(None);
        }
        let path = self.args.out.join(format!("{name}-{what}.npy"));
        write_npy(&path, &array())?;
        Ok(Some(shown(path)))
    }
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}
