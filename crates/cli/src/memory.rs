//! `--max-memory`: what a run will take, planned before it is begun.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use gradex::engine::{Choice, Graph};
use gradex::methods::DEFAULT_BATCH;
use gradex::saliency::Memory;
use gradex::{Extrapolation, Method, Model, NodeId};

use crate::args::Explain;
use crate::asked::Asked;
use crate::failure::Outcome;
use crate::inputs::Picture;

/// The program itself, and what its libraries keep.
const PROGRAM: usize = 24 << 20;
/// Bytes of a pixel of a photograph: decoded, its grey copy, and the overlays being written.
const PIXEL: usize = 12;
/// Classes of which maps are kept at a time: the one asked about, the one compared with, and one that is asked about later.
const CLASSES: usize = 3;
const MEBIBYTE: usize = 1 << 20;

/// What a run may take, and what it is planned to.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    most: usize,
    planned: usize,
    batch: usize,
}

impl Budget {
    /// Refuses weights that do not fit before they are read.
    pub fn check_weights(most: usize, weights: &Path) -> Result<()> {
        // Half precision at the smallest: two bytes of the file become four beside it.
        let length = usize::try_from(fs::metadata(weights)?.len()).unwrap_or(usize::MAX);
        fits(most, PROGRAM.saturating_add(length.saturating_mul(2)), "the weights alone take")
    }

    /// The plan of a run with the largest batch that fits, up to the one asked for, and what is then asked.
    pub fn plan(most: usize, args: &Explain, model: &Model) -> Outcome<(Self, Asked)> {
        let [height, width] = args.input.pictures.size.unwrap_or(model.architecture.preprocessing.size);
        let mut batch = args.ask.settings.batch.unwrap_or(DEFAULT_BATCH);
        loop {
            let mut args = args.clone();
            args.ask.settings.batch = Some(batch);
            let asked = Asked::new(&args.ask, args.input.pictures.size, model)?;
            let planned = PROGRAM + plan(&asked, model, args.ask.extrapolate, [height, width])?;
            if planned <= most || batch == 1 {
                fits(most, planned, "it takes")?;
                return Ok((Self { most, planned, batch }, asked));
            }
            batch /= 2;
        }
    }

    /// Refuses a picture that does not fit beside all else.
    pub fn check_picture(&self, asked: &Asked, model: &Model, mode: Extrapolation, picture: &Picture) -> Result<()> {
        let [height, width] = picture.photograph.size();
        let photograph = height.saturating_mul(width).saturating_mul(PIXEL);
        let size = [picture.input.shape()[2], picture.input.shape()[3]];
        let planned = PROGRAM + plan(asked, model, mode, size)?;
        fits(self.most, planned.saturating_add(photograph), "this input takes")
    }

    /// What was planned, and what was taken where the system says.
    pub fn report(&self) -> String {
        let Self { most, planned, batch } = self;
        let taken = peak().map_or_else(String::new, |taken| format!(", {} taken", shown(taken)));
        format!("memory: {} planned of {}, batches of {batch}{taken}", shown(*planned), shown(*most))
    }
}

fn plan(asked: &Asked, model: &Model, mode: Extrapolation, size: [usize; 2]) -> Result<usize> {
    let methods: Vec<_> = asked.methods.iter().map(|asked| asked.method.clone()).collect();
    let (graph, choice) = (model.network.graph(), model.network.choice());
    Ok(Planned::new(graph, &methods, asked.point, mode, size, choice)?.whole())
}

/// What explanations of one input take.
pub struct Planned {
    memory: Memory,
    maps: usize,
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
        Ok(Self { memory, maps: methods.len() * CLASSES * height * width * size_of::<f32>() })
    }

    /// All of it, without the program.
    fn whole(&self) -> usize {
        self.memory.total().saturating_add(self.maps)
    }

    /// It in words, part by part, in the units of `--max-memory`.
    pub fn told(&self) -> String {
        let Memory { parameters, copies, tape, passes } = self.memory;
        let parts = [("parameters", parameters), ("copies of them", copies), ("tape", tape), ("passes", passes)];
        let parts = [&parts[..], &[("maps", self.maps), ("program", PROGRAM)]].concat();
        let parts: Vec<String> = parts.iter().map(|(name, bytes)| format!("{name} {}", shown(*bytes))).collect();
        let whole = shown(PROGRAM.saturating_add(self.whole()));
        format!("{}; {whole} in all, and {} a megapixel of the photograph", parts.join(", "), shown(PIXEL * 1_000_000))
    }
}

fn fits(most: usize, needed: usize, what: &str) -> Result<()> {
    if needed > most {
        bail!("--max-memory {}: {what} {}; give more, a smaller --size, or another method", shown(most), shown(needed));
    }
    Ok(())
}

/// The most that was resident so far.
fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(|kibibytes: usize| kibibytes << 10)
}

fn shown(bytes: usize) -> String {
    format!("{}M", bytes.div_ceil(MEBIBYTE))
}
