//! What a receipt tells of, against what this program and machine are.

use anyhow::Result;
use gradex::Level;

use super::Findings;
use crate::receipt::{Receipt, program, target};

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
    Ok(demand)
}
