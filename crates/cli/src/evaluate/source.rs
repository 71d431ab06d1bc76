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
    /// An attribution method, and the modes that make a difference to its maps.
    Method(AskedMethod, Vec<Extrapolation>),
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
    /// A method, at this input size. Where nothing would be multiplied a mode is none: no map is measured twice.
    pub fn method(asked: AskedMethod, network: &Network, [height, width]: [usize; 2], modes: &[Extrapolation]) -> Self {
        let explainer = Explainer::new(network);
        let point = explainer.point_of(asked.method.as_ref());
        let points = [point].into_iter().chain(asked.method.maps_at(point));
        let points: Vec<_> = points.collect();
        let mut telling = Vec::new();
        for mode in modes {
            let explainer = explainer.clone().extrapolation(*mode);
            let nothing =
                |point: &_| explainer.excitations(&[1, 3, height, width], *point).is_ok_and(|all| all.is_empty());
            let is_plain = mode.evidence == Extrapolation::NONE.evidence && mode.finish == Extrapolation::NONE.finish;
            let mode = if is_plain && points.iter().all(nothing) { Extrapolation::NONE } else { *mode };
            if !telling.contains(&mode) {
                telling.push(mode);
            }
        }
        Self::Method(asked, telling)
    }

    /// Its name in tables and files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Method(asked, _) => asked.method.about().name,
            Self::Random(_) => "random",
            Self::Centre => "centre",
            Self::Edges => "edges",
        }
    }

    /// The modes that it is extrapolated by: a baseline by none.
    pub fn modes(&self) -> &[Extrapolation] {
        match self {
            Self::Method(_, modes) => modes,
            Self::Random(_) | Self::Centre | Self::Edges => &[Extrapolation::NONE],
        }
    }

    /// Whether it is asked for modes that make no difference to its maps.
    pub fn is_unextrapolated(&self, asked: &[Extrapolation]) -> bool {
        matches!(self, Self::Method(_, modes) if modes.iter().any(|mode| !asked.contains(mode)) || modes.len() < asked.len())
    }

    /// Its maps of `input [1, c, h, w]` for `class`, one for each of its modes.
    pub fn maps(&self, network: &Network, input: &Tensor, class: usize, interrupt: &Interrupt) -> Result<Vec<Made>> {
        let start = Instant::now();
        let size = [input.shape()[2], input.shape()[3]];
        let map = match self {
            Self::Method(asked, modes) => {
                return explained(asked, network, input, class, modes, interrupt);
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

#[cfg(test)]
mod tests {
    use gradex::methods::{Settings, find};

    use super::*;

    fn modes_of(name: &str, modes: &[Extrapolation]) -> Vec<Extrapolation> {
        let asked = AskedMethod { method: find(name, &Settings::default()).unwrap(), named: true };
        let model = gradex::embedded().unwrap();
        Source::method(asked, &model.network, [224, 224], modes).modes().to_vec()
    }

    #[test]
    fn where_there_is_nothing_to_extrapolate_a_map_is_measured_once() {
        let both = [Extrapolation::NONE, Extrapolation::ACTIVATED];
        assert_eq!(modes_of("grad-cam", &both), both);
        for name in ["gradient", "epsilon-plus"] {
            assert_eq!(modes_of(name, &both), [Extrapolation::NONE]);
            assert_eq!(modes_of(name, &[Extrapolation::ACTIVATED]), [Extrapolation::NONE]);
            assert_eq!(modes_of(name, &[Extrapolation::PUBLISHED]), [Extrapolation::PUBLISHED], "it is clipped");
        }
    }
}
