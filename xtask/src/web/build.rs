//! gradex.wasm, by whichever toolchain can build for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{root, standard_output};

const TARGET: &str = "wasm32-unknown-unknown";
/// The most bytes of the program, without weights.
const MOST: u64 = 1_000_000;
/// For size, and nothing that the module does not use already.
const OPTIMISED: [&str; 8] = [
    "-Os",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];
/// What Debian's packages rustc-web and cargo-web install. They have no standard library for this target, but its source
/// (rust-web-src), and no linker.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// Builds the program, and says where it is.
///
/// # Errors
/// Where no toolchain can, wasm-opt is missing, or the program is too large.
pub fn build() -> Result<PathBuf> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("wasm");
    let mut cargo = cargo()?;
    cargo.args([
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
    cargo.arg(&folder).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-C target-feature=+simd128");
    let status = cargo.current_dir(root()).status().with_context(|| format!("cannot run {cargo:?}"))?;
    ensure!(status.success(), "{cargo:?}: {status}");

    let built = folder.join(TARGET).join("web/gradex_wasm.wasm");
    let program = folder.join("gradex.wasm");
    let status = Command::new("wasm-opt").args(OPTIMISED).arg(&built).arg("-o").arg(&program).status();
    let status = status.context("cannot run wasm-opt, of the package binaryen")?;
    ensure!(status.success(), "wasm-opt {}: {status}", built.display());
    let size = fs::metadata(&program).with_context(|| format!("no {}", program.display()))?.len();
    ensure!(size < MOST, "{} has {size} bytes, not under {MOST}", program.display());
    Ok(program)
}

/// The toolchain that this program was built by, where it has the target; else Debian's.
fn cargo() -> Result<Command> {
    let library = standard_output("rustc", &["--print", "target-libdir", "--target", TARGET])?;
    if Path::new(library.trim()).is_dir() {
        return Ok(Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())));
    }
    let source = Path::new(standard_output(DEBIAN_RUSTC, &["--print", "sysroot"]).unwrap_or_default().trim())
        .join("lib/rustlib/src/rust/library/std");
    ensure!(
        source.is_dir() && Path::new(DEBIAN_CARGO).is_file(),
        "no Rust for {TARGET}: `rustup target add {TARGET}`, or Debian's packages rustc-web, cargo-web and rust-web-src"
    );
    let mut cargo = Command::new(DEBIAN_CARGO);
    cargo.args(["-Zbuild-std=std,panic_abort"]);
    cargo
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
    Ok(cargo)
}

/// rust-lld, beside the libraries of the ordinary toolchain.
fn linker() -> Result<PathBuf> {
    let libraries = standard_output("rustc", &["--print", "target-libdir"])?;
    let linker = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    ensure!(linker.is_file(), "no linker {}", linker.display());
    Ok(linker)
}
