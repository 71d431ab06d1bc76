//! `cargo xtask ffi`: the C library as a folder that compilers find things in: include, lib, lib/pkgconfig.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::repository;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The file that programs ask the dynamic linker for, as crates/ffi/build.rs names it.
const SONAME: &str = "libgradex.so.0";

/// `cargo xtask ffi`.
#[derive(Args)]
pub struct Arguments {
    /// Where include, lib and lib/pkgconfig go
    #[arg(long, value_name = "DIR", default_value = "target/c")]
    prefix: PathBuf,
}

/// Builds the library and lays it out below the prefix.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    lay_out(&arguments.prefix)?;
    writeln!(out, "PKG_CONFIG_PATH={}", arguments.prefix.join("lib/pkgconfig").display())?;
    Ok(())
}

/// As [`run`], and says nothing.
pub fn lay_out(prefix: &Path) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments_of_cargo = ["build", "--release", "--locked", "--package", "gradex-ffi"];
    let status = Command::new(cargo).args(arguments_of_cargo).current_dir(repository::root()).status()?;
    ensure!(status.success(), "cargo {}: {status}", arguments_of_cargo.join(" "));
    install(&repository::target().join("release"), &std::path::absolute(prefix)?)
}

fn install(built: &Path, prefix: &Path) -> Result<()> {
    let sources = repository::root().join("crates/ffi");
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    for folder in [&include, &lib.join("pkgconfig")] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    copy(&sources.join("include/gradex.h"), &include.join("gradex.h"))?;
    copy(&built.join("libgradex_c.a"), &lib.join("libgradex.a"))?;
    copy(&built.join("libgradex_c.so"), &lib.join(SONAME))?;
    link(SONAME, &lib.join("libgradex.so"))?;
    let template = fs::read_to_string(sources.join("gradex.pc.in"))?;
    let described = template.replace("@PREFIX@", &prefix.display().to_string()).replace("@VERSION@", VERSION);
    fs::write(lib.join("pkgconfig/gradex.pc"), described)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// A symbolic link where there are such, else a copy.
fn link(name: &str, at: &Path) -> Result<()> {
    let _ = fs::remove_file(at);
    #[cfg(unix)]
    std::os::unix::fs::symlink(name, at).with_context(|| format!("cannot make {}", at.display()))?;
    #[cfg(not(unix))]
    copy(&at.with_file_name(name), at)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn everything_that_a_compiler_looks_for_is_there() {
        let scratch = Scratch::new();
        scratch.write("built/libgradex_c.a", b"archive");
        scratch.write("built/libgradex_c.so", b"shared");
        let prefix = scratch.path().join("prefix");
        install(&scratch.path().join("built"), &prefix).unwrap();
        install(&scratch.path().join("built"), &prefix).unwrap();
        assert_eq!(fs::read(prefix.join("lib/libgradex.so")).unwrap(), b"shared");
        assert_eq!(fs::read(prefix.join("lib/libgradex.a")).unwrap(), b"archive");
        assert!(prefix.join("include/gradex.h").is_file());
        let described = fs::read_to_string(prefix.join("lib/pkgconfig/gradex.pc")).unwrap();
        assert!(described.contains(&format!("prefix={}", prefix.display())) && !described.contains('@'));
    }

    #[test]
    fn a_library_that_was_not_built_is_named() {
        let scratch = Scratch::new();
        let error = install(&scratch.path().join("nowhere"), scratch.path()).unwrap_err().to_string();
        assert!(error.contains("libgradex_c.a"), "{error}");
    }
}
