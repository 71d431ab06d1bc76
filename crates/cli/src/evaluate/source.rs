//! Where maps come from: a method, or something that knows nothing of the network.

use std::time::Instant;

use gradex::engine::Retain;
use gradex::metrics::{Result, baselines};
use gradex::saliency::extrapolate::extrapolate;
use gradex::{Explainer, Extrapolation, Network, Reason, Target, Tensor};
use ndarray::{Array2, Axis, Ix3};

use crate::asked::AskedMethod;
use crate::interrupt::Interrupt;

/// A maker of maps.
pub enum Source {
    /// An attribution method.
    Method(AskedMethod),
    /// Uniform noise of this seed.
    Random(u64),
    /// A Gaussian at the centre.
    Centre,
    /// The image's edges.
    Edges,
}

/// A map `[h, w]` in `[0, 1]`, of the network's input size.
#[derive(Clone)]
pub struct Made {
    /// The values.
    pub map: Array2<f32>,
    /// Why it is blank, where it is.
    pub blank: Option<Reason>,
    /// Time for the map, with the forward pass.
    pub milliseconds: f64,
}

impl Source {
    /// Its name in tables and files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Method(asked) => asked.method.about().name,
            Self::Random(_) => "random",
            Self::Centre => "centre",
            Self::Edges => "edges",
        }
    }

    /// The modes that it is extrapolated by: a baseline by none.
    pub fn modes<'a>(&self, asked: &'a [Extrapolation]) -> &'a [Extrapolation] {
        match self {
            Self::Method(_) => asked,
            Self::Random(_) | Self::Centre | Self::Edges => &[Extrapolation::NONE],
        }
    }

    /// Its maps of `input [1, c, h, w]` for `class`, one for each of its modes.
    pub fn maps(
        &self,
        network: &Network,
        input: &Tensor,
        class: usize,
        asked: &[Extrapolation],
        interrupt: &Interrupt,
    ) -> Result<Vec<Made>> {
        let start = Instant::now();
        let size = [input.shape()[2], input.shape()[3]];
        let map = match self {
            Self::Method(asked_method) => {
                return explained(asked_method, network, input, class, asked, interrupt);
            }
            Self::Random(seed) => baselines::random(size, *seed),
            Self::Centre => baselines::centre(size),
            Self::Edges => {
                let image = input.index_axis(Axis(0), 0).into_dimensionality::<Ix3>();
                image.map_or_else(|_| Array2::zeros(size), baselines::edges)
            }
        };
        let largest = map.iter().copied().fold(0.0, f32::max);
        let blank = (largest == 0.0).then_some(Reason::Constant);
        let map = if largest > 0.0 { map / largest } else { map };
        Ok(vec![Made { map, blank, milliseconds: start.elapsed().as_secs_f64() * 1e3 }])
    }
}

fn explained(
    asked: &AskedMethod,
    network: &Network,
    input: &Tensor,
    class: usize,
    modes: &[Extrapolation],
    interrupt: &Interrupt,
) -> Result<Vec<Made>> {
    let start = Instant::now();
    let interrupt = interrupt.clone();
    let explainer = Explainer::new(network).methods(vec![asked.method.clone()]).watch(move |_| interrupt.flow());
    let explainers: Vec<Explainer<'_>> = modes.iter().map(|mode| explainer.clone().extrapolation(*mode)).collect();
    let mut retain = Retain::logits();
    for explainer in &explainers {
        retain = retain.and(explainer.retain(input.shape())?);
    }
    let tape = network.forward(input, &retain)?;
    let run = explainer.run(&tape, &[Target::Class(class)])?;
    let point = explainer.point_of(asked.method.as_ref());
    let coarse = asked.method.attribute(&run, point)?;
    let common = start.elapsed();
    let mut made = Vec::new();
    for (explainer, mode) in explainers.iter().zip(modes) {
        let start = Instant::now();
        for coarse in &coarse {
            let excitations = explainer.excitations(input.shape(), coarse.point)?;
            let fine = extrapolate(*mode, coarse, &tape, 0, &excitations)?;
            let milliseconds = (common + start.elapsed()).as_secs_f64() * 1e3;
            made.push(Made { map: fine.map().to_owned(), blank: fine.reason, milliseconds });
        }
    }
    Ok(made)
}
