//! The report, in Markdown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::beside::Beside;
use super::contender::Task;
use super::measure::{Row, Times};
use super::profile::Profile;

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

    pub fn add_profile(&mut self, profile: &Profile, beside: &Beside) {
        self.profiles.push(format!("{}\n{beside}", profile.by_kind()));
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
    fn milliseconds_have_three_digits() {
        let shown = |micros| milliseconds(Duration::from_micros(micros));
        assert_eq!(
            [shown(1_234_567), shown(123_456), shown(12_345), shown(1_234), shown(4)],
            ["1235", "123", "12.3", "1.23", "0.00"]
        );
    }
}
