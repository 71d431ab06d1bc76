//! The installation check: every kernel level, one thread and all, against PyTorch and each other.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use gradex::Level;
use rayon::ThreadPoolBuilder;

use super::golden::Golden;
use super::measured::Measured;
use super::{BOUND, Findings};

/// Every level in a process of its own: a process chooses its level once.
///
/// # Errors
/// Where a pass fails, or a process cannot be started.
pub fn check_all(levels: &[Level], findings: &mut Findings) -> Result<()> {
    let Ok(program) = env::current_exe() else {
        findings.note("the system does not say where this program is, so only the level in use is tried")?;
        return check_current(findings);
    };
    for level in levels {
        let mut command = Command::new(&program);
        command.args(["verify", "--this-level"]).env("GRADEX_LEVEL", level.name());
        let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
        findings.add(status.success());
    }
    Ok(())
}

/// The level that this process uses.
///
/// # Errors
/// Where a pass fails.
pub fn check_current(findings: &mut Findings) -> Result<()> {
    let level = Level::current()?;
    let golden = Golden::embedded()?;
    let with_threads = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| Measured::take(&golden))
    };
    let (one, all) = (with_threads(1)?, with_threads(0)?);
    for (what, apart) in one.differences(&golden) {
        let told = format!("{level}, {what}: {apart:.1e} of the largest value from PyTorch's, bound {BOUND:.0e}");
        findings.say(apart <= BOUND, &told)?;
    }
    for (what, is_same) in one.same_bits(&all) {
        findings.say(is_same, &format!("{level}, {what}: one thread and all of them give the same bits"))?;
    }
    Ok(())
}
