//! One forward pass, many explanations.

use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use gradex_engine::{Graph, Network, NodeId, Retain, Tape, Tensor};
use gradex_kernels::{for_each, together};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::extrapolate::{Extrapolation, excitations, extrapolate};
use crate::heatmap::Heatmap;
use crate::methods::{GradCam, Method};
use crate::run::{Progress, Run, Watch};
use crate::shared::Shared;
use crate::target::Target;

/// Methods at a point with an extrapolation: what is asked of every image.
#[derive(Clone)]
pub struct Explainer<'a> {
    network: &'a Network,
    methods: Vec<Arc<dyn Method>>,
    point: Option<NodeId>,
    pub(crate) extrapolation: Extrapolation,
    folded: OnceLock<Network>,
    watch: Option<Arc<Watch>>,
}

/// The answer for one image, one target and one method.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Which image of the tape, from 0.
    pub image: usize,
    /// What was asked about.
    pub target: Target,
    /// The method's name.
    pub method: &'static str,
    /// The method's own map.
    pub coarse: CoarseMap,
    /// The map after extrapolation, of the input's size.
    pub fine: Heatmap,
}

impl<'a> Explainer<'a> {
    /// Grad-CAM at the network's default point, extrapolated over activated tensors.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        Self {
            network,
            methods: vec![Arc::new(GradCam)],
            point: None,
            extrapolation: Extrapolation::default(),
            folded: OnceLock::new(),
            watch: None,
        }
    }

    /// With this method alone.
    #[must_use]
    pub fn method(self, method: impl Method + 'static) -> Self {
        self.methods(vec![Arc::new(method)])
    }

    /// With these methods: they share the forward pass and the gradients.
    #[must_use]
    pub fn methods(self, methods: Vec<Arc<dyn Method>>) -> Self {
        Self { methods, ..self }
    }

    /// All methods at this point, instead of each at its default.
    #[must_use]
    pub fn point(self, point: NodeId) -> Self {
        Self { point: Some(point), ..self }
    }

    /// With this extrapolation.
    #[must_use]
    pub fn extrapolation(self, extrapolation: Extrapolation) -> Self {
        Self { extrapolation, ..self }
    }

    /// With somebody who is told of the progress of long methods and may stop them.
    #[must_use]
    pub fn watch(self, watch: impl Fn(&Progress<'_>) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { watch: Some(Arc::new(watch)), ..self }
    }

    /// The point that a method is taken at.
    #[must_use]
    pub fn point_of(&self, method: &dyn Method) -> NodeId {
        self.point.unwrap_or_else(|| method.default_point(self.network.graph()))
    }

    /// The nodes that a map at `point` is extrapolated over, for inputs of this shape, in execution order.
    ///
    /// # Errors
    /// [`Error::Engine`] where the network cannot take such an input, [`Error::Unrelated`] where it has no such node.
    pub fn excitations(&self, input: &[usize], point: NodeId) -> Result<Vec<NodeId>> {
        let graph = self.network.graph();
        let shapes = graph.shapes(input)?;
        if point.index() >= shapes.len() {
            return Err(Error::Unrelated { point: format!("node {}", point.index()) });
        }
        Ok(excitations(self.extrapolation, graph, &shapes, point))
    }

    /// Runs images `[n, c, h, w]` through the network and keeps what [`Explainer::explain`] needs.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] where a point's output is none, [`Error::Engine`] where the forward pass fails.
    pub fn forward(&self, input: &Tensor) -> Result<Tape> {
        Ok(self.network.forward(input, &self.retain(input.shape())?)?)
    }

    /// What a tape must keep of inputs of this shape: whoever asks for several extrapolations joins what each needs.
    ///
    /// # Errors
    /// [`Error::NotAnImage`] where a point's output is none, [`Error::Engine`] where the network cannot take such inputs.
    pub fn retain(&self, input: &[usize]) -> Result<Retain> {
        retain(self.network.graph(), &self.methods, self.point, self.extrapolation, input)
    }

    /// The tape asked about `targets[n]` of each image `n`. All methods of one run share its gradients.
    ///
    /// # Errors
    /// [`Error::TargetsPerImage`], [`Error::NoSuchClass`] or [`Error::Objective`] for targets that do not fit.
    pub fn run<'r>(&'r self, tape: &'r Tape, targets: &[Target]) -> Result<Run<'r>> {
        Ok(self.run_of(tape, &Rc::new(Shared::new(tape, vec![targets.to_vec()])?), 0))
    }

    /// A run for each question, `targets[n]` of each image `n`. What no target decides about, such as the forward passes of
    /// masked inputs, is done once for all of them, and their gradients read the classifier's weights together.
    ///
    /// # Errors
    /// As [`Explainer::run`].
    pub fn runs<'r>(&'r self, tape: &'r Tape, questions: Vec<Vec<Target>>) -> Result<Vec<Run<'r>>> {
        let count = questions.len();
        let shared = Rc::new(Shared::new(tape, questions)?);
        Ok((0..count).map(|number| self.run_of(tape, &shared, number)).collect())
    }

    fn run_of<'r>(&'r self, tape: &'r Tape, shared: &Rc<Shared>, number: usize) -> Run<'r> {
        let graph = self.network.graph();
        let gradients = |method: &Arc<dyn Method>| method.gradients(graph, self.point_of(method.as_ref()));
        let points = self.methods.iter().flat_map(gradients).collect();
        Run::new(self.network, &self.folded, tape, (shared, number), points, self.watch.as_deref())
    }

    /// The explanation of each image of a run by one method. The thread that asks leads it, and tells who watches.
    ///
    /// # Errors
    /// As [`Method::attribute`] and [`extrapolate`].
    pub fn explain_by(&self, run: &Run<'_>, method: &dyn Method) -> Result<Vec<Explanation>> {
        self.extrapolated(run, method, method.attribute(run, self.point_of(method))?)
    }

    /// The explanation of each image of a run, from the maps that a method gave.
    ///
    /// # Errors
    /// As [`extrapolate`].
    pub fn extrapolated(&self, run: &Run<'_>, method: &dyn Method, coarse: Vec<CoarseMap>) -> Result<Vec<Explanation>> {
        self.carried(run.tape(), questioned(run, method, coarse))
    }

    /// Carries maps to the input, side by side.
    fn carried(&self, tape: &Tape, maps: Vec<Questioned>) -> Result<Vec<Explanation>> {
        let carry = |Questioned { image, target, method, coarse }: Questioned| {
            let excitations = self.excitations(tape.input_shape(), coarse.point)?;
            let fine = extrapolate(self.extrapolation, &coarse, tape, image, &excitations)?;
            Ok(Explanation { image, target, method, coarse, fine })
        };
        let mut found: Vec<Option<Result<Explanation>>> = maps.iter().map(|_| None).collect();
        for_each(maps.into_iter().zip(&mut found).collect(), |(map, found)| *found = Some(carry(map)));
        found.into_iter().flatten().collect()
    }

    /// Explains `targets[n]` of each image `n` of the tape by every method: all images by the first, then by the next.
    ///
    /// # Errors
    /// As [`Explainer::run`] and [`Explainer::explain_by`].
    pub fn explain<T: Clone + Into<Target>>(&self, tape: &Tape, targets: &[T]) -> Result<Vec<Explanation>> {
        self.explain_all(tape, &[targets])
    }

    /// [`Explainer::explain`] for several questions about the tape, one after the other: [`Explainer::runs`].
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub fn explain_all<T: Clone + Into<Target>>(&self, tape: &Tape, questions: &[&[T]]) -> Result<Vec<Explanation>> {
        let targets = |targets: &&[T]| targets.iter().cloned().map(Into::into).collect();
        let questions = questions.iter().map(targets).collect();
        let explain = || {
            let mut maps = Vec::new();
            // What was found before a method fails is carried to the input first: it may fail itself.
            let attribute = || -> Result<()> {
                for run in self.runs(tape, questions)? {
                    for method in &self.methods {
                        let coarse = method.attribute(&run, self.point_of(method.as_ref()))?;
                        maps.extend(questioned(&run, method.as_ref(), coarse));
                    }
                }
                Ok(())
            };
            let attributed = attribute();
            let explanations = self.carried(tape, maps)?;
            attributed.map(|()| explanations)
        };
        // Who watches is told by the thread that asks.
        if self.watch.is_none() { together(explain) } else { explain() }
    }
}

/// A coarse map, and what it answers.
struct Questioned {
    image: usize,
    target: Target,
    method: &'static str,
    coarse: CoarseMap,
}

/// The maps that a method gave for the images of a run.
fn questioned(run: &Run<'_>, method: &dyn Method, coarse: Vec<CoarseMap>) -> Vec<Questioned> {
    let of = |(image, (coarse, target)): (usize, (CoarseMap, &Target))| Questioned {
        image,
        target: target.clone(),
        method: method.about().name,
        coarse,
    };
    coarse.into_iter().zip(run.targets()).enumerate().map(of).collect()
}

impl fmt::Debug for Explainer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { methods, point, extrapolation, .. } = self;
        write!(f, "Explainer {{ methods: {methods:?}, point: {point:?}, extrapolation: {extrapolation} }}")
    }
}

/// What a tape must keep of inputs of this shape for methods that are all taken at `point`, or each at its own.
pub(crate) fn retain(
    graph: &Graph,
    methods: &[Arc<dyn Method>],
    point: Option<NodeId>,
    extrapolation: Extrapolation,
    input: &[usize],
) -> Result<Retain> {
    let shapes = graph.shapes(input)?;
    let mut retain = Retain::logits();
    for method in methods {
        let point = point.unwrap_or_else(|| method.default_point(graph));
        for on in [point].into_iter().chain(method.maps_at(point)) {
            match shapes.get(on.index()) {
                Some(shape) if shape.len() == 4 => {}
                Some(shape) => {
                    return Err(Error::NotAnImage { point: graph.node(on).name.clone(), shape: shape.clone() });
                }
                None => return Err(Error::Unrelated { point: format!("node {}", on.index()) }),
            }
            retain = retain.channel_sums(&excitations(extrapolation, graph, &shapes, on));
        }
        retain = retain.and(method.retain(graph, point));
    }
    Ok(retain)
}
