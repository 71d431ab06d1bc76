//! gradex.wasm, by whichever toolchain can build for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{root, standard_output, target};

/// The platform of browsers.
pub const TARGET: &str = "wasm32-unknown-unknown";
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
    let folder = target().join("wasm");
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

fn cargo() -> Result<Command> {
    let libraries = standard_output("rustc", &["--print", "target-libdir", "--target", TARGET])?;
    // Without Debian's compiler there is no path, and nothing there.
    let debian = standard_output(DEBIAN_RUSTC, &["--print", "sysroot"]).unwrap_or_default();
    let source = Path::new(debian.trim()).join("lib/rustlib/src/rust/library/std");
    match choose(Path::new(libraries.trim()), &source, Path::new(DEBIAN_CARGO))? {
        Toolchain::Ordinary => Ok(Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))),
        Toolchain::Debian => {
            let mut cargo = Command::new(DEBIAN_CARGO);
            cargo.args(["-Zbuild-std=std,panic_abort"]).env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
            Ok(cargo)
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
