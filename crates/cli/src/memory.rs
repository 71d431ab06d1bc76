//! `--max-memory`: what a run will take, planned before it is begun.

use std::fmt::{self, Display};
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
/// Classes of which maps are kept at a time: the one asked about, the two compared with, and one that is asked about later.
const CLASSES: usize = 4;
/// Bytes of a pixel of the network's input while a map is drawn, and what of that is not used again.
const DRAWN: usize = 40;
/// The same where it is extrapolated: sums and factors in float64, pictures with and without, their ranks compared.
const EXTRAPOLATED: usize = 160;
const MEBIBYTE: usize = 1 << 20;

/// The most that may be taken, and who says so.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    bytes: usize,
    is_asked: bool,
}

impl Most {
    /// What the command line says; without it all that this machine has.
    pub fn asked(asked: Option<usize>) -> Self {
        Self { bytes: asked.or_else(machine).unwrap_or(usize::MAX), is_asked: asked.is_some() }
    }

    /// What the command line says; without it this, or all that the machine has.
    pub fn asked_or(asked: Option<usize>, usual: usize) -> Self {
        let all = Self::asked(asked);
        if all.is_asked { all } else { Self { bytes: all.bytes.min(usual), ..all } }
    }

    fn fits(self, needed: usize, what: &str, advice: &str) -> Result<()> {
        if needed > self.bytes {
            bail!("{self}: {what} {}; {advice}", shown(needed));
        }
        Ok(())
    }
}

impl Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = shown(self.bytes);
        if self.is_asked {
            write!(f, "--max-memory {bytes}")
        } else {
            write!(f, "{bytes} at most, without --max-memory")
        }
    }
}

/// What to do about a run that does not fit.
const ADVICE: &str = "give more, a smaller --size, or another method";

/// What a run may take, and what it is planned to.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    most: Most,
    /// At the size of photographs, without any.
    planned: usize,
    size: [usize; 2],
    /// Of the largest photograph, as far as it is known.
    photograph: usize,
    batch: usize,
}

impl Budget {
    /// Refuses weights that do not fit before they are read.
    pub fn check_weights(most: Most, weights: &Path) -> Result<()> {
        // Half precision at the smallest: two bytes of the file become four beside it.
        let length = usize::try_from(fs::metadata(weights)?.len()).unwrap_or(usize::MAX);
        let needed = PROGRAM.saturating_add(length.saturating_mul(2));
        most.fits(needed, "reading the weights alone takes", "`gradex plan --model NAME` shows what running them takes")
    }

    /// The plan of a run whose largest photograph has so many pixels, with the largest batch that fits, up to the one asked
    /// for, and what is then asked.
    pub fn plan(most: Most, args: &Explain, model: &Model, pixels: usize) -> Outcome<(Self, Asked)> {
        let size = args.input.pictures.size.unwrap_or(model.architecture.preprocessing.size);
        let photograph = pixels.saturating_mul(PIXEL);
        let mut batch = args.ask.settings.batch.unwrap_or(DEFAULT_BATCH);
        loop {
            let mut args = args.clone();
            args.ask.settings.batch = Some(batch);
            let asked = Asked::new(&args.ask, args.input.pictures.size, model)?;
            let planned = plan(&asked, model, args.ask.extrapolate, size)?;
            let whole = planned.saturating_add(photograph);
            if whole <= most.bytes || batch == 1 {
                if planned > most.bytes {
                    most.fits(whole, "it takes", ADVICE)?;
                }
                return Ok((Self { most, planned, size, photograph, batch }, asked));
            }
            batch /= 2;
        }
    }

    /// Refuses a photograph of this height and width that does not fit beside all else.
    pub fn check_photograph(&self, size: [usize; 2]) -> Result<()> {
        self.check(self.planned, size)
    }

    /// Refuses a picture that does not fit beside all else.
    pub fn check_picture(&self, asked: &Asked, model: &Model, mode: Extrapolation, picture: &Picture) -> Result<()> {
        let size = [picture.input.shape()[2], picture.input.shape()[3]];
        let planned = if size == self.size { self.planned } else { plan(asked, model, mode, size)? };
        self.check(planned, picture.photograph.size())
    }

    fn check(&self, planned: usize, [height, width]: [usize; 2]) -> Result<()> {
        let needed = planned.saturating_add(height.saturating_mul(width).saturating_mul(PIXEL));
        let all = self.planned.saturating_add(self.photograph);
        if needed < all {
            return self.most.fits(needed, "this input takes", &format!("{} is enough for all", shown(all)));
        }
        self.most.fits(needed, "this input takes", ADVICE)
    }

    /// What was planned, and what was taken where the system says.
    pub fn report(&self) -> String {
        let Self { most, planned, photograph, batch, .. } = self;
        let taken = peak().map_or_else(String::new, |taken| format!(", {} taken", shown(taken)));
        let planned = shown(planned.saturating_add(*photograph));
        format!("memory: {planned} planned of {}, batches of {batch}{taken}", shown(most.bytes))
    }
}

fn plan(asked: &Asked, model: &Model, mode: Extrapolation, size: [usize; 2]) -> Result<usize> {
    let methods: Vec<_> = asked.methods.iter().map(|asked| asked.method.clone()).collect();
    let (graph, choice) = (model.network.graph(), model.network.choice());
    Ok(PROGRAM.saturating_add(Planned::new(graph, &methods, asked.point, mode, size, choice)?.whole()))
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
        let drawn = if mode == Extrapolation::NONE { DRAWN } else { EXTRAPOLATED };
        let pixel = methods.len() * CLASSES * size_of::<f32>() + drawn;
        Ok(Self { memory, maps: height.saturating_mul(width).saturating_mul(pixel) })
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
        let pixel = shown(PIXEL * 1_000_000);
        format!("{}; {whole} in all, and {pixel} a megapixel of the photograph (M: 2^20 bytes)", parts.join(", "))
    }
}

/// All memory of this machine, or as much of it as this process may have, where the system says.
fn machine() -> Option<usize> {
    let number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    let after = |text: &str, start: &str| text.lines().find_map(|line| number(line.strip_prefix(start)?));
    let information = fs::read_to_string("/proc/meminfo").ok();
    let kibibytes = |start| after(information.as_deref()?, start).map(|kibibytes| kibibytes << 10);
    let all = kibibytes("MemTotal:").map(|memory| memory.saturating_add(kibibytes("SwapTotal:").unwrap_or(0)));
    let limits = fs::read_to_string("/proc/self/limits").ok();
    let space = limits.as_deref().and_then(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
        line.split_whitespace().next()?.parse().ok()
    });
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|most| most.trim().parse().ok());
    [all, space, group].into_iter().flatten().min()
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
