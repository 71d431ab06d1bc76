//! `cargo xtask import`: weights of any supported format become a `.safetensors` file that is known to fit its
//! architecture.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use gradex::engine::is_bookkeeping;
use gradex::{Architecture, Model};
use gradex_formats::{StateDict, StorageDtype};

use crate::hash::sha256_of;

/// What to import, and to where.
#[derive(Args)]
pub struct Arguments {
    /// A PyTorch .pth (zip or legacy), a .safetensors, an .npz, or a folder of .npy files
    file: PathBuf,
    /// The architecture that the weights are for
    #[arg(long, value_name = "NAME")]
    arch: String,
    /// The .safetensors file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How each value is stored; one too large for f16 is an error
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F32,
    F16,
}

impl Dtype {
    fn storage(self) -> StorageDtype {
        match self {
            Self::F32 => StorageDtype::F32,
            Self::F16 => StorageDtype::F16,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

/// Imports, and tells what it did.
///
/// Nothing is written before every name, shape and value is known to fit. The metadata of the result are the same
/// for the same source, and so is every byte.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let Arguments { file, arch, out: target, dtype } = arguments;
    check_target(file, target)?;
    let architecture = Architecture::find(arch)?;

    let mut state = StateDict::import(file)?;
    let stripped = state.strip_module_prefix();
    let dropped = drop_bookkeeping(&mut state);
    Model::new(architecture, state.tensors.clone())
        .with_context(|| format!("{} does not fit {arch}; nothing was written", file.display()))?;

    let source_sha256 = sha256_of(file)?;
    let metadata = metadata(architecture, file, &source_sha256, *dtype);
    let written = state.write_safetensors(target, dtype.storage(), &metadata);
    written.with_context(|| format!("{} was not written", target.display()))?;

    let values: usize = state.tensors.values().map(|tensor| tensor.len()).sum();
    writeln!(out, "{arch}: {values} values in {} tensors, as {}", state.tensors.len(), dtype.name())?;
    if stripped {
        writeln!(out, "removed the prefix `module.` from every name")?;
    }
    if dropped > 0 {
        writeln!(out, "left out {dropped} counters of training steps (num_batches_tracked)")?;
    }
    writeln!(out, "read  {}\n      sha256 {source_sha256}", file.display())?;
    let bytes = fs::metadata(target).with_context(|| format!("cannot read {}", target.display()))?.len();
    writeln!(out, "wrote {}, {bytes} bytes\n      sha256 {}", target.display(), sha256_of(target)?)?;
    Ok(())
}

fn check_target(source: &Path, target: &Path) -> Result<()> {
    ensure!(
        target.extension() == Some(OsStr::new("safetensors")),
        "{} will be a safetensors file: give it the extension .safetensors",
        target.display()
    );
    let is_source = matches!((source.canonicalize(), target.canonicalize()), (Ok(a), Ok(b)) if a == b);
    ensure!(!is_source, "{} is the file to import itself: write to another one", target.display());
    Ok(())
}

fn drop_bookkeeping(state: &mut StateDict) -> usize {
    let before = state.tensors.len();
    state.tensors.retain(|name, _| !is_bookkeeping(name));
    state.dtypes.retain(|name, _| !is_bookkeeping(name));
    before - state.tensors.len()
}

/// What the file says about itself; of the source only the name, so that it does not depend on where it lay.
fn metadata(architecture: &Architecture, source: &Path, source_sha256: &str, dtype: Dtype) -> BTreeMap<String, String> {
    let source = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    let source = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    [
        ("architecture", architecture.name.to_owned()),
        ("source", source),
        ("source_sha256", source_sha256.to_owned()),
        ("dtype", dtype.name().to_owned()),
        ("gradex", env!("CARGO_PKG_VERSION").to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
