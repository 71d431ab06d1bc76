//! `gradex verify`: does this program, on this machine, compute what PyTorch computes, or what a receipt tells of?

mod again;
#[cfg(feature = "embedded")]
mod golden;
#[cfg(feature = "embedded")]
mod levels;
#[cfg(feature = "embedded")]
mod measured;
mod same;

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

use crate::args::Verify;
use crate::failure::{Failure, Outcome};
use crate::visible::visible;

/// How far a value may be from the one that it should be, as part of the largest: of PyTorch's in float64, of another
/// kernel level's, of another machine's.
pub const BOUND: f64 = 1e-4;

/// Says what was checked, a line each, and PASS or what differs.
pub fn run(args: &Verify) -> Outcome {
    let mut findings = Findings { of_receipt: args.receipt.is_some(), ..Findings::default() };
    match &args.receipt {
        Some(receipt) => again::check(receipt, args, &mut findings)?,
        None => installation(args, &mut findings)?,
    }
    findings.conclude()
}

#[cfg(feature = "embedded")]
fn installation(args: &Verify, findings: &mut Findings) -> Outcome {
    match args.this_level {
        true => levels::check_current(findings)?,
        false => levels::check_all(&gradex::Level::available(), findings)?,
    }
    Ok(())
}

#[cfg(not(feature = "embedded"))]
fn installation(_: &Verify, _: &mut Findings) -> Outcome {
    Err(Failure::usage("this program was built without embedded weights, so there is nothing to check but a RECEIPT"))
}

/// What was found so far; each finding is printed at once.
#[derive(Debug, Default)]
pub struct Findings {
    wrong: usize,
    of_receipt: bool,
    /// Levels or builds differ, so a bound is all that can be demanded.
    is_bound: bool,
}

impl Findings {
    /// A finding that counts.
    pub fn say(&mut self, is_good: bool, what: &str) -> Result<()> {
        self.wrong += usize::from(!is_good);
        print(&format!("{}  {what}", if is_good { "ok    " } else { "WRONG " }))
    }

    /// A finding that does not.
    pub fn note(&self, what: &str) -> Result<()> {
        print(&format!("note    {what}"))
    }

    /// From now on maps need not be the same to the bit.
    pub fn within_a_bound(&mut self) {
        self.is_bound = true;
    }

    /// Findings of a process that printed them itself.
    #[cfg(feature = "embedded")]
    pub fn add(&mut self, is_good: bool) {
        self.wrong += usize::from(!is_good);
    }

    fn conclude(self) -> Outcome {
        if self.wrong > 0 {
            return Err(Failure::Run(anyhow::anyhow!("FAIL: see what is marked WRONG")));
        }
        match (self.of_receipt, self.is_bound) {
            (false, _) => print("PASS")?,
            (true, false) => print("PASS, bit for bit")?,
            (true, true) => print(&format!("PASS within {BOUND:.0e}, not to the bit"))?,
        }
        Ok(())
    }
}

/// A line on standard output. Where nobody reads it any more, the verdict still counts.
fn print(line: &str) -> Result<()> {
    match writeln!(io::stdout().lock(), "{}", visible(line)) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("standard output cannot be written to"),
    }
}

/// `max |value - expected| / max |expected|`; infinite where a value is NaN, or where there are more or fewer.
pub fn apart<'a>(values: &[f32], expected: impl ExactSizeIterator<Item = &'a f32> + Clone) -> f64 {
    if values.len() != expected.len() {
        return f64::INFINITY;
    }
    let largest = expected.clone().map(|value| f64::from(value.abs())).fold(f64::MIN_POSITIVE, f64::max);
    let distance = |(value, expected): (&f32, &f32)| (f64::from(*value) - f64::from(*expected)).abs() / largest;
    let distances = values.iter().zip(expected).map(distance);
    distances.fold(0.0, |most, distance| if distance.is_nan() { f64::INFINITY } else { f64::max(most, distance) })
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;

    #[test]
    fn the_largest_difference_counts_and_nan_is_never_near() {
        let expected = [1.0, -4.0, 2.0];
        assert_eq!(apart(&[1.0, -4.0, 2.0], expected.iter()), 0.0);
        assert_eq!(apart(&[1.0, -3.0, 1.5], expected.iter()), 0.25);
        assert_eq!(apart(&[1.0, f32::NAN, 2.0], expected.iter()), f64::INFINITY);
        assert_eq!(apart(&[1.0], expected.iter()), f64::INFINITY);
        assert_eq!(apart(&[0.0, 0.0], [0.0, 0.0].iter()), 0.0);
    }
}
