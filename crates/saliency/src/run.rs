//! One tape asked about one target an image: what every method works with. Runs about the same tape share what no target
//! decides about.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::{Add, ControlFlow};
use std::rc::Rc;
use std::sync::OnceLock;

use gradex_engine::{Graph, Layer, Network, NodeId, Retain, Ruling, Site, Tape, Tensor, is_finite};
use ndarray::{Array2, ArrayView4, Axis, Ix4};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::fold::sum;
use crate::ledger::Ledger;
use crate::shared::{Shared, scores_of};
use crate::target::{Objective, Target, seed};

/// What was spent beyond the tape's own forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Images sent through the network, or through the part of it behind a point.
    pub forwards: usize,
    /// Backward walks over the tape's batch or another.
    pub backwards: usize,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { forwards: self.forwards + more.forwards, backwards: self.backwards + more.backwards }
    }
}

/// How far a method of many passes has come.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// The method's name.
    pub method: &'a str,
    /// Passes done.
    pub done: usize,
    /// All passes.
    pub total: usize,
    /// The map as far as it is known.
    pub early: Option<&'a CoarseMap>,
}

/// Is told of progress, and may stop the method.
pub type Watch = dyn Fn(&Progress<'_>) -> ControlFlow<()> + Send + Sync;

/// A tape and a target for each of its images. Gradients are computed once, whatever the number of methods that ask.
pub struct Run<'a> {
    network: &'a Network,
    folded: &'a OnceLock<Network>,
    tape: &'a Tape,
    shared: Rc<Shared>,
    /// Its place among the runs that share.
    number: usize,
    points: Vec<NodeId>,
    gradients: OnceCell<BTreeMap<NodeId, Tensor>>,
    cost: Cell<Cost>,
    ledgers: RefCell<Vec<Ledger>>,
    watch: Option<&'a Watch>,
}

impl<'a> Run<'a> {
    /// Run number `number` of those that share. `points` are the nodes whose gradients the methods will ask for: one
    /// backward walk serves them all.
    pub(crate) fn new(
        network: &'a Network,
        folded: &'a OnceLock<Network>,
        tape: &'a Tape,
        (shared, number): (&Rc<Shared>, usize),
        points: Vec<NodeId>,
        watch: Option<&'a Watch>,
    ) -> Self {
        let (gradients, cost, ledgers) = Default::default();
        Self { network, folded, tape, shared: Rc::clone(shared), number, points, gradients, cost, ledgers, watch }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &'a Network {
        self.network
    }

    /// The architecture.
    #[must_use]
    pub fn graph(&self) -> &'a Graph {
        self.network.graph()
    }

    /// The network with batch norms folded. Nodes are the same; the tape serves rules that read inputs only.
    ///
    /// # Errors
    /// As [`Network::fold_batch_norms`].
    pub fn folded(&self) -> Result<&'a Network> {
        if let Some(folded) = self.folded.get() {
            return Ok(folded);
        }
        let folded = self.network.fold_batch_norms()?;
        Ok(self.folded.get_or_init(|| folded))
    }

    /// The forward pass.
    #[must_use]
    pub fn tape(&self) -> &'a Tape {
        self.tape
    }

    /// The targets, one an image.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.shared.questions[self.number]
    }

    /// The derivative of the sum of all images' scores by the logits, `[n, classes]`.
    #[must_use]
    pub fn seed(&self) -> &Tensor {
        &self.shared.seeds[self.number]
    }

    /// What it spent so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// What it and all runs that share with it spent so far.
    #[must_use]
    pub fn shared_cost(&self) -> Cost {
        self.shared.cost()
    }

    /// The accounts of the walks so far whose composites are meant to conserve relevance, in their order.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Ledger> {
        self.ledgers.borrow().clone()
    }

    pub(crate) fn keep_ledger(&self, ledger: Ledger) {
        self.ledgers.borrow_mut().push(ledger);
    }

    /// The score and its derivative of image number `image`.
    ///
    /// # Errors
    /// As [`Target::objective`].
    pub fn objective(&self, image: usize) -> Result<Objective> {
        self.targets()[image].objective(self.tape.image_logits(image)?)
    }

    /// The network's input, `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`Error::Engine`] where the tape did not keep it.
    pub fn input(&self) -> Result<&'a Tensor> {
        Ok(self.tape.output(NodeId::INPUT)?)
    }

    /// The output of `point`, `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`Error::NotAnImage`], [`Error::Engine`] where the tape did not keep it.
    pub fn activation(&self, point: NodeId) -> Result<ArrayView4<'a, f32>> {
        image(self.graph(), point, self.tape.output(point)?)
    }

    /// The gradient of the score at `point`, `[n, c, h, w]`.
    ///
    /// # Errors
    /// [`Error::NotAnImage`], [`Error::Unrelated`] where the logits do not depend on the point, and as [`Run::backward`].
    pub fn gradient(&self, point: NodeId) -> Result<ArrayView4<'_, f32>> {
        self.check_related(point)?;
        image(self.graph(), point, self.whole_gradient(point)?)
    }

    /// The gradient of the score at `point`, summed over its pixels: `[n, c]`.
    ///
    /// # Errors
    /// As [`Run::gradient`]; [`Error::NonFinite`] where a sum is NaN or infinite; [`Error::Undeclared`] where a method that asks
    /// did not declare the node that [pools](Graph::pooled_by) the point, or the point where none does.
    pub fn channel_gradient(&self, point: NodeId) -> Result<Array2<f64>> {
        let Some(linear) = self.graph().pooled_by(point) else {
            let gradient = self.gradient(point)?;
            let (images, channels, ..) = gradient.dim();
            let channel = |(n, c)| sum(gradient.index_axis(Axis(0), n).index_axis_move(Axis(0), c));
            return Ok(Array2::from_shape_fn((images, channels), channel));
        };
        self.check_related(point)?;
        let channels = self.activation(point)?.dim().1;
        let sums = self.network.channel_gradient(linear, channels, self.whole_gradient(linear)?)?;
        if !is_finite(sums.view()) {
            return Err(Error::NonFinite { what: "sum of a gradient over pixels".to_owned() });
        }
        let error = |_| Error::NotAnImage { point: self.graph().node(point).name.clone(), shape: vec![channels] };
        Ok(sums.into_dimensionality().map_err(error)?.mapv(f64::from))
    }

    /// The gradient at a node that the logits depend on, of whatever shape.
    fn whole_gradient(&self, point: NodeId) -> Result<&Tensor> {
        if self.gradients.get().is_none() {
            let mut points = self.points.clone();
            points.push(point);
            let found = self.gradients_at(&points)?;
            if found.values().all(|gradient| is_finite(gradient.view())) {
                self.spend(Cost { forwards: 0, backwards: 1 });
                let _ = self.gradients.set(found);
            } else {
                let layer = |_, site: &Site<'_>, upstream: &Tensor| site.op.backward(site, upstream);
                let _ = self.gradients.set(self.backward(self.network, self.seed().clone(), &points, layer)?);
            }
        }
        match self.gradients.get().and_then(|gradients| gradients.get(&point)) {
            Some(gradient) => Ok(gradient),
            None => Err(Error::Undeclared { point: self.graph().node(point).name.clone() }),
        }
    }

    /// What [`Network::gradient`] gives, begun together with those of other runs that share.
    fn gradients_at(&self, points: &[NodeId]) -> Result<BTreeMap<NodeId, Tensor>> {
        let descend = |seeds: &[Tensor]| self.network.descend(self.tape, seeds, points);
        match self.shared.descent(self.number, points, descend)? {
            Some(descent) => Ok(self.network.gradient_of(self.tape, descent)?),
            None => Ok(self.network.gradient(self.tape, self.seed().clone(), points)?),
        }
    }

    /// Checks that the logits depend on `point`.
    ///
    /// # Errors
    /// [`Error::Unrelated`] where they do not.
    pub fn check_related(&self, point: NodeId) -> Result<()> {
        let graph = self.graph();
        if graph.depend_on(&[point])[graph.logits().index()] {
            return Ok(());
        }
        Err(Error::Unrelated { point: graph.node(point).name.clone() })
    }

    /// Carries `seed` back over the tape under `rule`: [`Network::backward`], counted and checked.
    ///
    /// # Errors
    /// As [`Network::backward`]; where a result is NaN or infinite, an error that names the first node that sent such.
    pub fn backward(
        &self,
        network: &Network,
        seed: Tensor,
        keep: &[NodeId],
        mut rule: impl FnMut(NodeId, &Site<'_>, &Tensor) -> gradex_engine::Result<Vec<Tensor>>,
    ) -> Result<BTreeMap<NodeId, Tensor>> {
        let mut each = |id, site: &Site<'_>, upstreams: &[Tensor]| {
            upstreams.iter().map(|upstream| rule(id, site, upstream)).collect()
        };
        let found = self.backward_all(network, vec![seed], keep, &mut each)?;
        Ok(found.into_iter().filter_map(|(id, mut all)| Some((id, all.pop()?))).collect())
    }

    /// Carries several seeds back side by side: [`Network::backward_all`], counted and checked.
    ///
    /// # Errors
    /// As [`Run::backward`].
    pub fn backward_all(
        &self,
        network: &Network,
        seeds: Vec<Tensor>,
        keep: &[NodeId],
        rule: &mut Ruling<'_>,
    ) -> Result<BTreeMap<NodeId, Vec<Tensor>>> {
        self.spend(Cost { forwards: 0, backwards: seeds.len() });
        let is_finite = |tensor: &Tensor| is_finite(tensor.view());
        let found = network.backward_all(self.tape, seeds.clone(), keep, rule)?;
        if found.values().flatten().all(is_finite) {
            return Ok(found);
        }
        network.backward_all(self.tape, seeds, keep, &mut |id, site, upstreams| {
            let sent = rule(id, site, upstreams)?;
            let name = || network.graph().node(id).name.clone();
            let error = || gradex_engine::Error::NonFinite { what: "gradient sent back by node", name: name() };
            if sent.iter().flatten().all(is_finite) { Ok(sent) } else { Err(error()) }
        })?;
        Err(Error::NonFinite { what: "sum of what goes back".to_owned() })
    }

    /// The logits `[m, classes]` of other images `[m, c, h, w]`.
    ///
    /// # Errors
    /// As [`Network::logits`].
    pub fn logits(&self, batch: &Tensor) -> Result<Tensor> {
        self.spend(Cost { forwards: batch.shape()[0], backwards: 0 });
        Ok(self.network.logits(batch)?.into_dyn())
    }

    /// The logits `[m, classes]` if the output of `point` were `values [m, ...]` and all else as for `image`.
    ///
    /// # Errors
    /// As [`Network::resume`].
    pub fn resume(&self, image: usize, point: NodeId, values: &Tensor) -> Result<Tensor> {
        self.spend(Cost { forwards: values.shape()[0], backwards: 0 });
        Ok(self.network.resume(self.tape, image, point, values)?)
    }

    /// What the target of image number `image` makes of each row of `logits [m, classes]`.
    ///
    /// # Errors
    /// As [`Target::objective`].
    pub fn scores(&self, image: usize, logits: &Tensor) -> Result<Vec<f32>> {
        scores_of(&self.targets()[image], logits)
    }

    /// [`Run::scores`] of copies of image number `image` from number `first` on, which no target decides about: `send`
    /// gives their logits, once for all runs that share. `way` is all that decides how the copies are changed.
    ///
    /// # Errors
    /// Those of `send`, and as [`Target::objective`].
    pub fn shared_scores<K: PartialEq + Clone + 'static>(
        &self,
        way: &K,
        image: usize,
        first: usize,
        send: impl FnOnce() -> Result<Tensor>,
    ) -> Result<Vec<f32>> {
        self.shared.scores(self.number, way, [image, first], send)
    }

    /// The scores of other images `[m, c, h, w]`, each by the target of image number `image`, and the gradients at them.
    ///
    /// # Errors
    /// As [`Network::forward`] and [`Target::objective`].
    pub fn input_gradients(&self, image: usize, batch: &Tensor) -> Result<(Vec<f32>, Tensor)> {
        self.spend(Cost { forwards: batch.shape()[0], backwards: 1 });
        let tape = self.network.forward(batch, &Retain::gradient(self.graph(), NodeId::INPUT))?;
        let targets = vec![self.targets()[image].clone(); batch.shape()[0]];
        let scores = self.scores(image, tape.logits()?)?;
        let mut found = self.network.gradient(&tape, seed(&tape, &targets)?, &[NodeId::INPUT])?;
        let gradient = found.remove(&NodeId::INPUT).unwrap_or_else(|| Tensor::zeros(batch.shape()));
        if is_finite(gradient.view()) {
            return Ok((scores, gradient));
        }
        Err(Error::NonFinite { what: "gradient at a changed input".to_owned() })
    }

    /// Tells whoever watches how far a method has come.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the watcher wants no more.
    pub fn progress(&self, progress: &Progress<'_>) -> Result<()> {
        match self.watch.map_or(ControlFlow::Continue(()), |watch| watch(progress)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped { done: progress.done, total: progress.total }),
        }
    }

    fn spend(&self, more: Cost) {
        self.cost.set(self.cost.get() + more);
        self.shared.spend(more);
    }
}

pub(crate) fn image<'t>(graph: &Graph, point: NodeId, tensor: &'t Tensor) -> Result<ArrayView4<'t, f32>> {
    let not_an_image = |_| Error::NotAnImage { point: graph.node(point).name.clone(), shape: tensor.shape().to_vec() };
    tensor.view().into_dimensionality::<Ix4>().map_err(not_an_image)
}
