//! gradex.wasm, with its standard library built along: the ready one has texts for panics that nobody reads.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{root, succeed, target};
use crate::toolchain::Toolchain;

/// The platform of browsers.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The most bytes of the program, without weights.
const MOST: u64 = 1_000_000;
/// What the module may use; and a panic is a trap, without a text.
const FLAGS: &str = "-C target-feature=+simd128 -Z unstable-options -C panic=immediate-abort";
/// For size, and nothing that the module does not use already. In the first kilobyte lies the end of the stack, where nothing
/// that is read or written is ever found.
const OPTIMISED: [&str; 9] = [
    "-Oz",
    "--low-memory-unused",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds the program, and says where it is.
///
/// # Errors
/// Where no toolchain can, wasm-opt is missing, or the program is too large.
pub fn build() -> Result<PathBuf> {
    let folder = target().join("wasm");
    let mut cargo = Toolchain::with_source()?.cargo()?;
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS);
    cargo.args([
        "-Zbuild-std=std,panic_abort",
        "build",
        "--locked",
        "--profile",
        "web",
        "--package",
        "gradex-wasm",
        "--target",
        TARGET,
        "--target-dir",
    ]);
    succeed(cargo.arg(&folder).current_dir(root()))?;

    let built = folder.join(TARGET).join("web/gradex_wasm.wasm");
    let program = folder.join("gradex.wasm");
    let status = Command::new("wasm-opt").args(OPTIMISED).arg(&built).arg("-o").arg(&program).status();
    let status = status.context("cannot run wasm-opt, of the package binaryen")?;
    ensure!(status.success(), "wasm-opt {}: {status}", built.display());
    let size = fs::metadata(&program).with_context(|| format!("no {}", program.display()))?.len();
    ensure!(size < MOST, "{} has {size} bytes, not under {MOST}", program.display());
    Ok(program)
}
