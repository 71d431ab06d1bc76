//! gradex itself, in this process.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gradex::engine::{Retain, values};
use gradex::models::generated_input;
use gradex::{Explainer, Model, NodeId, Tape, Tensor, top};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::{Value, json};

use super::contender::{Contender, Task};
use super::{INPUT, SEED};

/// gradex with one model.
pub struct Own<'a> {
    name: String,
    model: &'a Model,
    explainer: Explainer<'a>,
    input: Tensor,
    pool: ThreadPool,
}

impl<'a> Own<'a> {
    /// With the explainer's defaults, on one thread.
    pub fn new(model: &'a Model) -> Result<Self> {
        Ok(Self {
            name: format!("gradex {}", env!("CARGO_PKG_VERSION")),
            model,
            explainer: Explainer::new(&model.network),
            input: generated_input(&INPUT, SEED),
            pool: pool(1)?,
        })
    }

    /// The model that is run.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// What a peer must know to do the same: the first line of its protocol.
    pub fn setup(&self) -> Result<Value> {
        let graph = self.model.network.graph();
        let name = |id: NodeId| graph.node(id).name.as_str();
        let excitations: Vec<&str> =
            self.explainer.excitations(&INPUT, graph.default_point())?.into_iter().map(name).collect();
        Ok(json!({
            "model": self.model.architecture.name,
            "seed": SEED,
            "input": INPUT,
            "point": name(graph.default_point()),
            "excitations": excitations,
        }))
    }

    fn forward(&self) -> Result<Tape> {
        Ok(self.model.network.forward(&self.input, &Retain::logits())?)
    }

    fn explain(&self) -> Result<Vec<f32>> {
        let tape = self.explainer.forward(&self.input)?;
        let explanation = self.explainer.explain(&tape, &[top_class(&tape)?])?.pop().context("no explanation")?;
        Ok(explanation.fine.values.into_iter().collect())
    }

    fn gradient(&self) -> Result<Tensor> {
        let network = &self.model.network;
        let tape = network.forward(&self.input, &Retain::gradient(network.graph(), NodeId::INPUT))?;
        let seed = one_hot(&tape)?;
        network.gradient(&tape, seed, &[NodeId::INPUT])?.remove(&NodeId::INPUT).context("no gradient at the input")
    }
}

impl Contender for Own<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn can(&self, _task: Task) -> bool {
        true
    }

    fn set_threads(&mut self, threads: usize) -> Result<()> {
        self.pool = pool(threads)?;
        Ok(())
    }

    fn answer(&mut self, task: Task) -> Result<Vec<f32>> {
        self.pool.install(|| match task {
            Task::Forward => Ok(values(self.forward()?.logits()?).into_owned()),
            Task::Explain => self.explain(),
            Task::Gradient => Ok(values(&self.gradient()?).into_owned()),
        })
    }

    fn time(&mut self, task: Task) -> Result<Duration> {
        self.pool.install(|| {
            let start = Instant::now();
            match task {
                Task::Forward => drop(self.forward()?),
                Task::Explain => drop(self.explain()?),
                Task::Gradient => drop(self.gradient()?),
            }
            Ok(start.elapsed())
        })
    }
}

/// A pool of this many threads, which the kernels use when they are called within it.
pub fn pool(threads: usize) -> Result<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// The seed of a backward pass: 1 at the top logit of the only image.
pub fn one_hot(tape: &Tape) -> Result<Tensor> {
    let mut seed = Tensor::zeros(tape.logits()?.shape());
    seed[[0, top_class(tape)?]] = 1.0;
    Ok(seed)
}

fn top_class(tape: &Tape) -> Result<usize> {
    let best = top(tape.image_logits(0)?, 1);
    Ok(best.first().context("the network has no class")?.class)
}

#[cfg(test)]
mod tests {
    use gradex::Architecture;

    use super::*;

    #[test]
    fn every_task_gives_what_its_peers_are_asked_for() -> Result<()> {
        let model = Model::generated(Architecture::find("resnet18")?, SEED)?;
        let mut own = Own::new(&model)?;
        let setup = own.setup()?;
        assert_eq!(setup["point"], "layer4.1.relu_1");
        assert_eq!(setup["excitations"], json!(["relu", "maxpool", "layer2.0.relu", "layer3.0.relu"]));

        let [logits, map, gradient] =
            [Task::Forward, Task::Explain, Task::Gradient].map(|task| own.answer(task).unwrap_or_default());
        assert_eq!([logits.len(), map.len(), gradient.len()], [1000, 224 * 224, 3 * 224 * 224]);
        assert!(map.contains(&0.0) && map.contains(&1.0), "the map is not stretched to [0, 1]");
        assert!(gradient.iter().any(|value| *value != 0.0));
        own.set_threads(2)?;
        assert_eq!(own.answer(Task::Forward)?, logits);
        assert!(own.time(Task::Forward)? > Duration::ZERO);
        Ok(())
    }
}
