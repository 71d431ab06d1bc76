//! The report, in Markdown, and the file that it goes to.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::contender::Task;
use super::measure::{Row, Times};
use super::profile::Profile;

/// The lines that a report stands between in a file that holds other text as well.
const MARKERS: [&str; 2] = ["<!-- bench: written by `cargo xtask bench` -->", "<!-- end of bench -->"];

/// What a bench found out.
#[derive(Debug)]
pub struct Report {
    machine: String,
    rounds: usize,
    rows: Vec<(String, Row)>,
    peers: Vec<String>,
    profiles: Vec<String>,
    /// Who could not be compared and why, with the places where that is so.
    notes: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub fn new(machine: String, rounds: usize) -> Self {
        let (rows, peers, profiles, notes) = Default::default();
        Self { machine, rounds, rows, peers, profiles, notes }
    }

    pub fn add_row(&mut self, model: &str, count: usize, task: Task, row: Row) {
        for peer in &row.peers {
            if !self.peers.contains(&peer.name) {
                self.peers.push(peer.name.clone());
            }
        }
        for (peer, reason) in &row.dropped {
            self.add_note(peer, reason, format!("{model}, {}, {task}", threads(count)));
        }
        self.rows.push((format!("| {model} | {count} | {task} |"), row));
    }

    /// Notes that a peer could not be started.
    pub fn add_absent(&mut self, peer: &str, model: &str, reason: &str) {
        self.add_note(peer, reason, model.to_owned());
    }

    pub fn add_profile(&mut self, profile: &Profile) {
        self.profiles.push(profile.by_kind());
    }

    fn add_note(&mut self, peer: &str, reason: &str, place: String) {
        self.notes.entry(format!("without {peer}: {reason}")).or_default().push(place);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.machine)?;
        writeln!(f, "- times in milliseconds, shortest / median of {} runs\n", self.rounds)?;
        write!(f, "| model | threads | task | gradex |")?;
        for peer in &self.peers {
            write!(f, " {peer} | gradex takes | difference |")?;
        }
        writeln!(f, "\n|---|--:|---|--:|{}", "--:|--:|--:|".repeat(self.peers.len()))?;
        for (start, row) in &self.rows {
            write!(f, "{start} {} |", cell(&row.own))?;
            for name in &self.peers {
                match row.peers.iter().find(|peer| peer.name == *name) {
                    None => write!(f, " | | |")?,
                    Some(peer) => {
                        let ratio = row.own.median().as_secs_f64() / peer.times.median().as_secs_f64();
                        write!(f, " {} | {ratio:.2} x | {:.0e} |", cell(&peer.times), peer.difference)?;
                    }
                }
            }
            writeln!(f)?;
        }
        for (note, places) in &self.notes {
            writeln!(f, "\n{note} ({})", places.join("; "))?;
        }
        self.profiles.iter().try_for_each(|profile| write!(f, "\n{profile}"))
    }
}

fn cell(times: &Times) -> String {
    format!("{} / {}", milliseconds(times.min()), milliseconds(times.median()))
}

/// Milliseconds in three digits or more.
pub fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let decimals = [100.0, 10.0].iter().filter(|limit| milliseconds < **limit).count();
    format!("{milliseconds:.decimals$}")
}

/// `1 thread`, `2 threads`.
pub fn threads(count: usize) -> String {
    format!("{count} thread{}", if count == 1 { "" } else { "s" })
}

/// Checks, before anything is timed, that a report can go to `path`.
///
/// # Errors
/// As [`write()`], as far as it can be known.
pub fn check_target(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    placed(path, "").map(drop)
}

/// Writes the report to `path`, and leaves what stood there until it is complete.
///
/// # Errors
/// Where the file cannot be written, or has only one of the marker lines.
pub fn write(path: &Path, report: &str) -> Result<()> {
    let text = placed(path, report)?;
    let mut aside = path.file_name().context("that is no file name")?.to_owned();
    aside.push(".part");
    let aside = path.with_file_name(aside);
    let written = fs::File::create(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // Nothing to add when it was never made.
        let _ = fs::remove_file(&aside);
    }
    Ok(written?)
}

/// What the file is to hold.
fn placed(path: &Path, report: &str) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(old) => between_markers(&old, report),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(report.to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// The old text with the report between its markers; the report alone where the old text has none.
fn between_markers(old: &str, report: &str) -> Result<String> {
    let [begin, end] = MARKERS;
    match (old.split_once(begin), old.split_once(end)) {
        (None, None) => Ok(report.to_owned()),
        (Some((before, _)), Some((head, after))) if head.contains(begin) => {
            Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", report.trim()))
        }
        _ => bail!("it needs the line `{begin}` and after it the line `{end}`, or neither"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Measured;

    fn times(milliseconds: &[u64]) -> Times {
        Times::new(milliseconds.iter().copied().map(Duration::from_millis).collect()).unwrap()
    }

    #[test]
    fn a_report_by_hand() {
        let mut report = Report::new("- machine\n".to_owned(), 3);
        let peer = Measured { name: "Peer 1".to_owned(), difference: 2e-6, times: times(&[100, 200, 300]) };
        let other = ("Peer 2".to_owned(), "not the same work".to_owned());
        report.add_row(
            "net",
            1,
            Task::Forward,
            Row { own: times(&[20, 40, 60]), peers: vec![peer], dropped: vec![other] },
        );
        report.add_row("net", 2, Task::Gradient, Row { own: times(&[5]), peers: Vec::new(), dropped: Vec::new() });
        report.add_absent("torch", "net", "no module");
        report.add_absent("torch", "web", "no module");
        assert_eq!(
            report.to_string(),
            "- machine\n\
             - times in milliseconds, shortest / median of 3 runs\n\n\
             | model | threads | task | gradex | Peer 1 | gradex takes | difference |\n\
             |---|--:|---|--:|--:|--:|--:|\n\
             | net | 1 | forward | 20.0 / 40.0 | 100 / 200 | 0.20 x | 2e-6 |\n\
             | net | 2 | gradient | 5.00 / 5.00 | | | |\n\n\
             without Peer 2: not the same work (net, 1 thread, forward)\n\n\
             without torch: no module (net; web)\n"
        );
    }

    #[test]
    fn a_report_replaces_what_stood_between_the_markers() -> Result<()> {
        let [begin, end] = MARKERS;
        let old = format!("# Head\n\n{begin}\nold\n{end}\n\nfoot\n");
        let new = between_markers(&old, "new\n")?;
        assert_eq!(new, format!("# Head\n\n{begin}\n\nnew\n\n{end}\n\nfoot\n"));
        assert_eq!(between_markers(&new, "new\n")?, new);
        assert_eq!(between_markers("an older report\n", "new\n")?, "new\n");
        for broken in [format!("{begin}\n"), format!("{end}\n"), format!("{end}\n{begin}\n")] {
            assert!(between_markers(&broken, "new").is_err(), "{broken}");
        }
        Ok(())
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("gradex-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let path = folder.join("report.md");
        check_target(&path)?;
        assert!(check_target(&folder.join("absent/report.md")).is_err());
        assert!(!path.exists(), "a check must not write");
        write(&path, "first\n")?;
        write(&path, "second\n")?;
        assert_eq!(fs::read_to_string(&path)?, "second\n");

        fs::write(&path, MARKERS[0])?;
        assert!(write(&path, "third\n").is_err());
        assert!(check_target(&path).is_err());
        assert_eq!(fs::read_to_string(&path)?, MARKERS[0]);
        fs::create_dir(folder.join("report.md.part"))?;
        fs::write(&path, "fourth\n")?;
        assert!(write(&path, "fifth\n").is_err());
        assert_eq!(fs::read_to_string(&path)?, "fourth\n");
        assert_eq!(fs::read_dir(&folder)?.count(), 2);
        Ok(fs::remove_dir_all(&folder)?)
    }

    #[test]
    fn milliseconds_have_three_digits() {
        let shown = |micros| milliseconds(Duration::from_micros(micros));
        assert_eq!(
            [shown(1_234_567), shown(123_456), shown(12_345), shown(1_234), shown(4)],
            ["1235", "123", "12.3", "1.23", "0.00"]
        );
    }
}
