//! gradex.wasm, by whichever toolchain has the source of the standard library, which is built along: the ready one has texts
//! for panics that nobody reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::{root, standard_output, target};

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
/// What Debian's packages rustc-web and cargo-web install: the source is in rust-web-src, and there is no linker.
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
    cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS);
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
    cargo.arg(&folder);
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

/// A toolchain that has the source of its standard library.
#[derive(Debug, PartialEq, Eq)]
enum Toolchain {
    /// The one that this program was built by.
    Ordinary,
    /// Debian's.
    Debian,
}

/// The ordinary toolchain where it has the source; else Debian's, where it has that and its cargo.
fn choose(source: &Path, debian_source: &Path, debian_cargo: &Path) -> Result<Toolchain> {
    if source.is_dir() {
        return Ok(Toolchain::Ordinary);
    }
    ensure!(
        debian_source.is_dir() && debian_cargo.is_file(),
        "no source of Rust's standard library to build for {TARGET}: `rustup component add rust-src`, or Debian's packages \
         rustc-web, cargo-web and rust-web-src"
    );
    Ok(Toolchain::Debian)
}

fn toolchain() -> Result<Toolchain> {
    let source = |sysroot: String| Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std");
    let ordinary = source(standard_output("rustc", &["--print", "sysroot"])?);
    // Without Debian's compiler there is no path, and nothing there.
    let debian = source(standard_output(DEBIAN_RUSTC, &["--print", "sysroot"]).unwrap_or_default());
    choose(&ordinary, &debian, Path::new(DEBIAN_CARGO))
}

impl Toolchain {
    fn cargo(&self) -> Result<Command> {
        Ok(match self {
            Self::Ordinary => Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())),
            Self::Debian => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC);
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
                cargo
            }
        })
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
            assert!(error.contains("rustup component add") && error.contains("rust-web-src"), "{error}");
        }
    }
}
