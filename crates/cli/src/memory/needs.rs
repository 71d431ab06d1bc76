//! What each command takes of memory, from shapes alone.

use std::sync::Arc;

use anyhow::Result;
use gradex::engine::{Choice, Graph, Saved};
use gradex::metrics::BATCH;
use gradex::saliency::Memory;
use gradex::{Extrapolation, Method, Model, Network, NodeId};

use super::{PIXEL, PROGRAM, shown};
use crate::asked::{Asked, AskedMethod};

/// Classes of which maps are kept at a time: the one asked about, the two compared with, and one that is asked about later.
const CLASSES: usize = 4;
/// Bytes of a pixel of the network's input while a map is drawn, and what of that is not used again.
const DRAWN: usize = 40;
/// The same where it is extrapolated: sums and factors in float64, pictures with and without, their ranks compared.
const EXTRAPOLATED: usize = 160;
/// Bytes of a picture in a page, and of its copy in the whole page.
const PICTURE: usize = 2 * (96 << 10);

/// What explanations of one input take.
pub struct Planned {
    memory: Memory,
    maps: usize,
    /// What weights that are halves take less than numbers.
    saved: Saved,
}

impl Planned {
    /// By these methods, at this input size.
    pub fn new(
        graph: &Graph,
        methods: &[Arc<dyn Method>],
        point: Option<NodeId>,
        mode: Extrapolation,
        [height, width]: [usize; 2],
        choice: Choice,
    ) -> Result<Self> {
        let memory = Memory::plan(graph, methods, point, mode, &[1, 3, height, width], choice)?;
        let drawn = if mode == Extrapolation::NONE { DRAWN } else { EXTRAPOLATED };
        let pixel = methods.len() * CLASSES * size_of::<f32>() + drawn;
        Ok(Self { memory, maps: height.saturating_mul(width).saturating_mul(pixel), saved: Saved::default() })
    }

    /// The same by a network whose weights may be halves, at this input size.
    pub fn with_halves(mut self, network: &Network, [height, width]: [usize; 2]) -> Result<Self> {
        self.saved = network.saved_by_halves(&[1, 3, height, width])?;
        self.memory.parameters = self.memory.parameters.saturating_sub(self.saved.parameters);
        self.memory.copies = self.memory.copies.saturating_sub(self.saved.copies);
        Ok(self)
    }

    /// All of it, with the program.
    fn whole(&self) -> usize {
        PROGRAM.saturating_add(self.memory.total()).saturating_add(self.maps)
    }

    /// The same of so many networks, of which all but one share what they forgot, and so many tapes at a time.
    fn of_networks(&self, networks: usize, tapes: usize) -> usize {
        let Memory { parameters, copies, tape, passes } = self.memory;
        // What was drawn anew is numbers.
        let drawn = if networks > 1 { parameters.saturating_add(self.saved.parameters) } else { 0 };
        let drawn_copies = copies.saturating_add(self.saved.copies).saturating_mul(networks.saturating_sub(1));
        let weights = parameters.saturating_add(drawn).saturating_add(copies).saturating_add(drawn_copies);
        let asked = tape.saturating_add(self.maps).saturating_mul(tapes);
        PROGRAM.saturating_add(weights).saturating_add(asked).saturating_add(passes)
    }

    /// It in words, part by part, in the units of `--max-memory`.
    pub fn told(&self) -> String {
        let Memory { parameters, copies, tape, passes } = self.memory;
        let parts = [("parameters", parameters), ("copies of them", copies), ("tape", tape), ("passes", passes)];
        let parts = [&parts[..], &[("maps", self.maps), ("program", PROGRAM)]].concat();
        let parts: Vec<String> = parts.iter().map(|(name, bytes)| format!("{name} {}", shown(*bytes))).collect();
        let (whole, pixel) = (shown(self.whole()), shown(PIXEL * 1_000_000));
        format!("{}; {whole} in all, and {pixel} a megapixel of the photograph (M: 2^20 bytes)", parts.join(", "))
    }
}

fn planned(
    methods: &[AskedMethod],
    model: &Model,
    point: Option<NodeId>,
    mode: Extrapolation,
    size: [usize; 2],
) -> Result<Planned> {
    let methods: Vec<_> = methods.iter().map(|asked| asked.method.clone()).collect();
    let planned = Planned::new(model.network.graph(), &methods, point, mode, size, model.network.choice())?;
    planned.with_halves(&model.network, size)
}

/// Explanations of one input.
pub fn explanations(asked: &Asked, model: &Model, mode: Extrapolation, size: [usize; 2]) -> Result<usize> {
    Ok(planned(&asked.methods, model, asked.point, mode, size)?.whole())
}

/// The classes of one input.
pub fn classes(model: &Model, size: [usize; 2]) -> Result<usize> {
    Ok(planned(&[], model, None, Extrapolation::NONE, size)?.whole())
}

/// Explanations of one input for a page of so many photographs, with curves, by the network and so many that forgot.
pub fn reports(
    asked: &Asked,
    model: &Model,
    mode: Extrapolation,
    size: [usize; 2],
    forgetful: usize,
    photographs: usize,
) -> Result<usize> {
    let (graph, choice) = (model.network.graph(), model.network.choice());
    let mut planned = planned(&asked.methods, model, asked.point, mode, size)?;
    planned.memory = planned.memory.with_scores(graph, &[1, 3, size[0], size[1]], BATCH, choice)?;
    let pictures = 1 + 2 * asked.methods.len() * asked.top().max(1);
    let page = photographs.saturating_mul(pictures).saturating_mul(PICTURE);
    Ok(planned.of_networks(1 + forgetful, 1 + forgetful).saturating_add(page))
}

/// What is measured of an input's maps, beside the methods.
pub struct Maps<'a> {
    /// The modes of extrapolation.
    pub modes: &'a [Extrapolation],
    /// Networks that forgot.
    pub forgetful: usize,
    /// Cells at the side of the largest grid; 1 without any.
    pub side: usize,
    /// Images that are scored together.
    pub batch: usize,
    /// Changed images of which there are maps too.
    pub changed: usize,
}

/// Maps of one input by these methods, and all that is measured of them.
pub fn measures(methods: &[AskedMethod], model: &Model, size: [usize; 2], maps: &Maps<'_>) -> Result<usize> {
    let (graph, choice) = (model.network.graph(), model.network.choice());
    let large = size.map(|side| side.saturating_mul(maps.side));
    let pixels = |[height, width]: [usize; 2]| height.saturating_mul(width);
    let mut all: Option<Planned> = None;
    for mode in maps.modes {
        let one = planned(methods, model, None, *mode, large)?;
        all = Some(match all {
            None => one,
            Some(other) => other.and(&one),
        });
    }
    let Some(mut all) = all else { return classes(model, size) };
    all.memory = all.memory.with_scores(graph, &[1, 3, size[0], size[1]], maps.batch, choice)?;
    let of_picture = (1 + maps.forgetful + maps.changed).saturating_mul(pixels(size)).saturating_add(2 * pixels(large));
    let kept = of_picture.saturating_mul(maps.modes.len() * size_of::<f32>());
    let inputs = (maps.changed * 3 * size_of::<f32>()).saturating_mul(pixels(size));
    Ok(all.of_networks(1 + maps.forgetful, 1).saturating_add(kept).saturating_add(inputs))
}

impl Planned {
    /// The same input with another mode too: one tape serves both.
    fn and(&self, other: &Self) -> Self {
        let (a, b) = (self.memory, other.memory);
        let memory = Memory {
            parameters: a.parameters.max(b.parameters),
            copies: a.copies.max(b.copies),
            tape: a.tape.saturating_add(b.tape),
            passes: a.passes.max(b.passes),
        };
        Self { memory, maps: self.maps.max(other.maps), saved: self.saved }
    }
}
