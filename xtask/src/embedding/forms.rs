//! The forms that gradex is embedded in, and how each is built and run on the sample photograph.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::peak;
use crate::repository::{root, succeed, target};
use crate::{c_library, web};

const NATIVE: &str = "x86_64-unknown-linux-gnu";
const PHOTOGRAPH: &str = "fixtures/images/chelsea.png";

/// A form.
pub struct Form {
    /// What it is called.
    pub name: &'static str,
    /// The package that it is built from.
    pub package: &'static str,
    /// Words of cargo that choose its features.
    pub features: &'static [&'static str],
    /// The platform.
    pub target: &'static str,
    /// Builds it, and explains the sample photograph by Grad-CAM.
    pub measure: fn() -> Result<Measured>,
}

/// What is told of a form.
pub struct Measured {
    /// The size of what is deployed.
    pub bytes: u64,
    /// The most memory that was resident, or, in a browser, that the module had.
    pub peak: u64,
}

const BYTES: &[&str] = &["--no-default-features", "--features", "weights,files"];

/// All of them.
pub const FORMS: [Form; 6] = [
    Form {
        name: "gradex.wasm in a browser, without weights",
        package: "gradex-wasm",
        features: &[],
        target: web::TARGET,
        measure: browser,
    },
    Form { name: "program", package: "gradex-cli", features: &[], target: NATIVE, measure: program },
    Form { name: "static program", package: "gradex-cli", features: &[], target: NATIVE, measure: static_program },
    Form {
        name: "library from bytes to bytes, without weights (example `bytes`)",
        package: "gradex",
        features: BYTES,
        target: NATIVE,
        measure: bytes,
    },
    Form { name: "C, shared library", package: "gradex-ffi", features: &[], target: NATIVE, measure: c_shared },
    Form {
        name: "C, program with the static library",
        package: "gradex-ffi",
        features: &[],
        target: NATIVE,
        measure: c_static,
    },
];

fn browser() -> Result<Measured> {
    let (bytes, peak) = web::measure()?;
    Ok(Measured { bytes, peak })
}

fn program() -> Result<Measured> {
    cargo(&["build", "--release", "--package", "gradex-cli"])?;
    explain(&target().join("release/gradex"))
}

/// Only the last step differs from the ordinary program, which takes its place: so it is moved out of the way.
fn static_program() -> Result<Measured> {
    cargo(&["rustc", "--release", "--package", "gradex-cli", "--", "-C", "target-feature=+crt-static"])?;
    let program = scratch("gradex-static")?;
    fs::rename(target().join("release/gradex"), &program)?;
    explain(&program)
}

fn explain(program: &Path) -> Result<Measured> {
    let mut command = Command::new(program);
    command.args(["explain", "--out"]).arg(scratch("out")?).arg(root().join(PHOTOGRAPH));
    measured(program, &mut command)
}

fn bytes() -> Result<Measured> {
    cargo(&[&["build", "--release", "--package", "gradex", "--example", "bytes"], BYTES].concat())?;
    let program = target().join("release/examples/bytes");
    let mut command = Command::new(&program);
    command.arg(root().join("weights/efficientnet-lite0.safetensors")).arg(root().join(PHOTOGRAPH));
    measured(&program, command.arg(scratch("overlay.rgb")?))
}

fn c_shared() -> Result<Measured> {
    let prefix = scratch("c")?;
    c_library::lay_out(&prefix)?;
    let library = prefix.join("lib/libgradex.so.0");
    let program = compile("explain-shared", &prefix, &[&library])?;
    let mut command = Command::new(&program);
    command.env("LD_LIBRARY_PATH", prefix.join("lib"));
    measured(&library, command.arg(root().join(PHOTOGRAPH)).arg(scratch("shared.ppm")?))
}

fn c_static() -> Result<Measured> {
    let prefix = scratch("c")?;
    c_library::lay_out(&prefix)?;
    let libraries = [prefix.join("lib/libgradex.a"), "-lm".into(), "-lpthread".into(), "-ldl".into()];
    let program = compile("explain-static", &prefix, &libraries.each_ref().map(PathBuf::as_path))?;
    let mut command = Command::new(&program);
    measured(&program, command.arg(root().join(PHOTOGRAPH)).arg(scratch("static.ppm")?))
}

/// The C example with the library that `prefix` holds.
fn compile(name: &str, prefix: &Path, libraries: &[&Path]) -> Result<PathBuf> {
    let program = scratch(name)?;
    let mut compiler = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".to_owned()));
    compiler.args(["-O2", "-o"]).arg(&program).arg("-I").arg(prefix.join("include"));
    succeed(compiler.arg(root().join("crates/ffi/examples/explain.c")).args(libraries))?;
    Ok(program)
}

fn measured(deployed: &Path, command: &mut Command) -> Result<Measured> {
    let peak = peak::of(command)?;
    let bytes = fs::metadata(deployed).with_context(|| format!("no {}", deployed.display()))?.len();
    Ok(Measured { bytes, peak })
}

fn cargo(words: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    succeed(Command::new(cargo).arg("--locked").args(words).current_dir(root()))
}

/// A path below a folder of this command's own.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = target().join("embedding");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(std::path::absolute(folder.join(name))?)
}
