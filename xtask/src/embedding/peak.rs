//! The most memory that a program held.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// How often the system is asked; what it answers is the most so far.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs a program to its end, and gives the bytes of its memory that were resident at most.
///
/// # Errors
/// Where it cannot be run, fails, or the system (other than Linux) does not say.
pub fn of(command: &mut Command) -> Result<u64> {
    let mut child = command.stdout(Stdio::null()).spawn().with_context(|| format!("cannot run {command:?}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        // A program that has ended has no memory, and the last figure stands.
        most = fs::read_to_string(&status).ok().and_then(|status| resident(&status)).unwrap_or(0).max(most);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        thread::sleep(PAUSE);
    };
    ensure!(ended.success(), "{command:?}: {ended}");
    ensure!(most > 0, "{status} does not say how much memory is resident");
    Ok(most)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(|kibibytes: u64| kibibytes << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_more_has_a_higher_peak() {
        let taking = |bytes: &str| {
            let script = format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); sleep 0.1");
            of(Command::new("sh").args(["-c", &script])).unwrap()
        };
        let (little, much) = (taking("1"), taking("20000000"));
        assert!(much > little + 19_000_000, "{little} and {much}");
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_is_named() {
        assert!(of(&mut Command::new("false")).unwrap_err().to_string().contains("false"));
        assert!(of(&mut Command::new("no-such-program")).unwrap_err().to_string().contains("no-such-program"));
    }
}
