//! What a receipt tells of, against what this program and machine are.

use anyhow::{Result, bail};
use gradex::Level;

use super::Findings;
use crate::receipt::{Receipt, program, target};

/// The levels that kernels are compiled for, on any machine.
const LEVELS: [&str; 5] = ["avx512", "avx2", "neon", "simd128", "portable"];

/// What is demanded of the maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Bit for bit what they were.
    Bits,
    /// As near as two kernel levels or builds must be.
    Bound,
}

/// Says whether program and level are those of the receipt. Where they are, the maps' bits must be too.
pub fn demand(receipt: &Receipt, findings: &mut Findings) -> Result<Demand> {
    if !LEVELS.contains(&receipt.level.as_str()) {
        bail!("the receipt's level `{}` is none that there is ({})", receipt.level, LEVELS.join(", "));
    }
    let mut demand = Demand::Bits;
    let mut compare = |what: &str, then: &str, now: &str| {
        if then == now {
            return findings.say(true, &format!("{what}: {now}, the same"));
        }
        demand = Demand::Bound;
        findings
            .note(&format!("{what} differs: {then} in the receipt, {now} here, so maps are compared within a bound"))
    };
    compare("version", &receipt.gradex, env!("CARGO_PKG_VERSION"))?;
    let unknown = || "unknown".to_owned();
    compare("program", &receipt.program.clone().unwrap_or_else(unknown), &program().unwrap_or_else(unknown))?;
    compare("target", &receipt.target, &target())?;
    compare("level", &receipt.level, Level::current()?.name())?;
    if demand == Demand::Bound {
        findings.within_a_bound();
    }
    Ok(demand)
}
