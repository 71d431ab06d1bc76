//! A toolchain that builds the standard library along, for platforms that the ordinary one has none for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::repository::standard_output;

/// What Debian's packages rustc-web and cargo-web install: the source is in rust-web-src, and there is no linker.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// A toolchain that has the source of its standard library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
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
        "no source of Rust's standard library: `rustup component add rust-src`, or Debian's packages \
         rustc-web, cargo-web and rust-web-src"
    );
    Ok(Toolchain::Debian)
}

impl Toolchain {
    /// The first that has the source.
    pub(crate) fn with_source() -> Result<Self> {
        let source = |sysroot: String| Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std");
        let ordinary = source(standard_output("rustc", &["--print", "sysroot"])?);
        // Without Debian's compiler there is no path, and nothing there.
        let debian = source(standard_output(DEBIAN_RUSTC, &["--print", "sysroot"]).unwrap_or_default());
        choose(&ordinary, &debian, Path::new(DEBIAN_CARGO))
    }

    /// Its cargo, which may build the standard library along.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let mut cargo = match self {
            Self::Ordinary => Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())),
            Self::Debian => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC);
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
                cargo
            }
        };
        cargo.env("RUSTC_BOOTSTRAP", "1");
        Ok(cargo)
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
