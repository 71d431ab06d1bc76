//! gradex.wasm, by whichever toolchain can build for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{root, standard_output, target};

/// The platform of browsers.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The most bytes of the program, without weights, where the standard library is built with it. The one that ordinary
/// toolchains bring has texts for panics that nobody reads, some 80 kB.
const MOST: u64 = 1_000_000;
/// What the module may use.
const FLAGS: &str = "-C target-feature=+simd128";
/// A panic is a trap, without a text: for a standard library that is built along.
const IMMEDIATE: &str = "-Z unstable-options -C panic=immediate-abort";
/// For size, and nothing that the module does not use already.
const OPTIMISED: [&str; 8] = [
    "-Oz",
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
    let folder = target().join("wasm");
    let toolchain = toolchain()?;
    let mut cargo = toolchain.cargo()?;
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
    cargo.arg(&folder);
    let status = cargo.current_dir(root()).status().with_context(|| format!("cannot run {cargo:?}"))?;
    ensure!(status.success(), "{cargo:?}: {status}");

    let built = folder.join(TARGET).join("web/gradex_wasm.wasm");
    let program = folder.join("gradex.wasm");
    let status = Command::new("wasm-opt").args(OPTIMISED).arg(&built).arg("-o").arg(&program).status();
    let status = status.context("cannot run wasm-opt, of the package binaryen")?;
    ensure!(status.success(), "wasm-opt {}: {status}", built.display());
    let size = fs::metadata(&program).with_context(|| format!("no {}", program.display()))?.len();
    let limit = if toolchain == Toolchain::Debian { MOST } else { u64::MAX };
    ensure!(size < limit, "{} has {size} bytes, not under {MOST}", program.display());
    Ok(program)
}

/// A toolchain that can build for browsers.
#[derive(Debug, PartialEq, Eq)]
enum Toolchain {
    /// The one that this program was built by.
    Ordinary,
    /// Debian's, which builds the standard library too.
    Debian,
}

/// The ordinary toolchain where it has the target's libraries; else Debian's, where it has the source and its cargo.
fn choose(libraries: &Path, source: &Path, debian_cargo: &Path) -> Result<Toolchain> {
    if libraries.is_dir() {
        return Ok(Toolchain::Ordinary);
    }
    ensure!(
        source.is_dir() && debian_cargo.is_file(),
        "no Rust for {TARGET}: `rustup target add {TARGET}`, or Debian's packages rustc-web, cargo-web and rust-web-src"
    );
    Ok(Toolchain::Debian)
}

fn toolchain() -> Result<Toolchain> {
    let libraries = standard_output("rustc", &["--print", "target-libdir", "--target", TARGET])?;
    // Without Debian's compiler there is no path, and nothing there.
    let debian = standard_output(DEBIAN_RUSTC, &["--print", "sysroot"]).unwrap_or_default();
    let source = Path::new(debian.trim()).join("lib/rustlib/src/rust/library/std");
    choose(Path::new(libraries.trim()), &source, Path::new(DEBIAN_CARGO))
}

impl Toolchain {
    fn cargo(&self) -> Result<Command> {
        const RUSTFLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
        match self {
            Self::Ordinary => {
                let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
                cargo.env(RUSTFLAGS, FLAGS);
                Ok(cargo)
            }
            Self::Debian => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.args(["-Zbuild-std=std,panic_abort"]).env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
                cargo.env(RUSTFLAGS, format!("{FLAGS} {IMMEDIATE}"));
                Ok(cargo)
            }
        }
    }
}

/// rust-lld, beside the libraries of the ordinary toolchain.
fn linker() -> Result<PathBuf> {
    let libraries = standard_output("rustc", &["--print", "target-libdir"])?;
    let linker = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    ensure!(linker.is_file(), "no linker {}", linker.display());
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_ordinary_toolchain_comes_first_and_debians_must_be_whole() {
        let scratch = Scratch::new();
        let (folder, absent) = (scratch.path(), scratch.path().join("absent"));
        let cargo = scratch.write("cargo", b"");
        assert_eq!(choose(folder, folder, &cargo).unwrap(), Toolchain::Ordinary);
        assert_eq!(choose(folder, &absent, &absent).unwrap(), Toolchain::Ordinary);
        assert_eq!(choose(&absent, folder, &cargo).unwrap(), Toolchain::Debian);
        for (source, cargo) in [(&absent, &cargo), (&folder.to_owned(), &absent)] {
            let error = choose(&absent, source, cargo).unwrap_err().to_string();
            assert!(error.contains("rustup target add") && error.contains("rust-web-src"), "{error}");
        }
    }
}
