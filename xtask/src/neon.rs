//! The kernels compiled for aarch64, which the machines that test them are not: so the NEON level does not break unseen.

use anyhow::Result;

use crate::repository::{root, succeed, target};
use crate::toolchain::Toolchain;

const TARGET: &str = "aarch64-unknown-linux-gnu";

pub(crate) fn run() -> Result<()> {
    let mut cargo = Toolchain::with_source()?.cargo()?;
    cargo.args([
        "-Zbuild-std=std",
        "check",
        "--locked",
        "--package",
        "gradex-kernels",
        "--target",
        TARGET,
        "--target-dir",
    ]);
    succeed(cargo.arg(target().join("neon")).current_dir(root()))
}
