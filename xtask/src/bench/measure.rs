//! Contenders in turn, and what to make of their times.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::contender::{Contender, Task};

/// Between two turns: long enough for idle threads of the contender before to stop spinning.
const PAUSE: Duration = Duration::from_millis(20);
/// How much of a turn is not counted: long enough for a contender's threads, that slept, to be spread over the cores.
const WAKING: Duration = Duration::from_millis(30);
/// The largest relative difference of two answers that is still the same work. Rounding alone moves a gradient this far,
/// where it turns a few rectifiers round; another network, class or map differs by about 1.
const SAME_WORK: f64 = 5e-2;

/// The times of one contender, ascending; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Of at least one run.
    pub fn new(mut runs: Vec<Duration>) -> Result<Self> {
        runs.sort();
        runs.first().context("nothing was timed")?;
        Ok(Self(runs))
    }

    /// The shortest.
    pub fn min(&self) -> Duration {
        self.0[0]
    }

    /// The middle one, or the mean of both.
    pub fn median(&self) -> Duration {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { (self.0[middle - 1] + self.0[middle]) / 2 }
    }
}

/// What one task took with one model and one number of threads.
#[derive(Debug)]
pub struct Row {
    /// gradex's times.
    pub own: Times,
    /// The others', those that did the same work.
    pub peers: Vec<Measured>,
    /// Why a peer is not among them: its name and the reason.
    pub dropped: Vec<(String, String)>,
}

/// A peer's times, and how far its answer is from gradex's.
#[derive(Debug)]
pub struct Measured {
    pub name: String,
    pub difference: f64,
    pub times: Times,
}

/// Times `rounds` runs of each contender that can do the task, in turn, after comparing the peers' answers with `own`'s.
pub fn row<'a>(
    own: &'a mut dyn Contender,
    peers: &'a mut [Box<dyn Contender>],
    task: Task,
    rounds: usize,
) -> Result<Row> {
    let expected = own.answer(task)?;
    let (mut running, mut differences, mut dropped) = (vec![own], Vec::new(), Vec::new());
    for peer in peers.iter_mut().filter(|peer| peer.can(task)) {
        match peer.answer(task).and_then(|actual| same_work(&expected, &actual)) {
            Ok(difference) => {
                differences.push(difference);
                running.push(peer.as_mut());
            }
            Err(reason) => dropped.push((peer.name().to_owned(), format!("{reason:#}"))),
        }
    }
    let mut times = in_turn(&mut running, task, rounds)?.into_iter();
    let own = times.next().context("nothing was timed")?;
    let names = running[1..].iter().map(|peer| peer.name().to_owned());
    let peers = names.zip(differences).zip(times);
    let peers = peers.map(|((name, difference), times)| Measured { name, difference, times }).collect();
    Ok(Row { own, peers, dropped })
}

/// One timed run of each in every round; who is first changes from round to round.
fn in_turn(contenders: &mut [&mut dyn Contender], task: Task, rounds: usize) -> Result<Vec<Times>> {
    let mut runs = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let place = (round + turn) % contenders.len();
            sleep(PAUSE);
            let contender = &mut contenders[place];
            let time = awake(*contender, task).with_context(|| format!("{} failed at {task}", contender.name()))?;
            runs[place].push(time);
        }
    }
    runs.into_iter().map(Times::new).collect()
}

/// What a run takes of a contender that has run for a while.
fn awake(contender: &mut dyn Contender, task: Task) -> Result<Duration> {
    let mut running = Duration::ZERO;
    while running < WAKING {
        running += contender.time(task)?;
    }
    contender.time(task)
}

/// `‖actual - expected‖ / ‖expected‖`, Euclidean.
///
/// # Errors
/// Where it shows that the two did not compute the same.
fn same_work(expected: &[f32], actual: &[f32]) -> Result<f64> {
    let (theirs, ours) = (actual.len(), expected.len());
    ensure!(theirs == ours, "it computed {theirs} values, gradex {ours}: not the same work");
    let norm = |squares: f64| squares.sqrt();
    let apart = norm(expected.iter().zip(actual).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum());
    let size = norm(expected.iter().map(|value| f64::from(*value).powi(2)).sum());
    let difference = if apart == 0.0 { 0.0 } else { apart / size };
    // NaN is no number below the limit.
    ensure!(difference <= SAME_WORK, "its answer differs by {difference:.1e} of gradex's: not the same work");
    Ok(difference)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Answers with these values, takes one millisecond more at each run, and writes down its turns.
    struct Fake {
        name: &'static str,
        answer: Vec<f32>,
        runs: u64,
        turns: Rc<RefCell<Vec<&'static str>>>,
    }

    impl Contender for Fake {
        fn name(&self) -> &str {
            self.name
        }

        fn can(&self, task: Task) -> bool {
            task == Task::Forward
        }

        fn set_threads(&mut self, _threads: usize) -> Result<()> {
            Ok(())
        }

        fn answer(&mut self, _task: Task) -> Result<Vec<f32>> {
            Ok(self.answer.clone())
        }

        fn time(&mut self, _task: Task) -> Result<Duration> {
            self.turns.borrow_mut().push(self.name);
            self.runs += 1;
            Ok(Duration::from_millis(self.runs))
        }
    }

    #[test]
    fn contenders_take_turns_and_who_did_other_work_is_dropped() -> Result<()> {
        let turns = Rc::new(RefCell::new(Vec::new()));
        let fake = |name, answer: &[f32]| Fake { name, answer: answer.to_vec(), runs: 0, turns: Rc::clone(&turns) };
        let mut own = fake("own", &[3.0, 4.0]);
        let mut peers: Vec<Box<dyn Contender>> =
            vec![Box::new(fake("other", &[4.0, 3.0])), Box::new(fake("same", &[3.0, 4.05]))];

        let found = row(&mut own, &mut peers, Task::Forward, 3)?;
        let turns_of = turns.borrow().chunk_by(|a, b| a == b).map(|turn| (turn[0], turn.len())).collect::<Vec<_>>();
        // 1 + … + 8 ms, 10 + 11 + 12, and 14 + 15 + 16, are the first sums of 30 ms or more.
        assert_eq!(turns_of, [("own", 9), ("same", 9 + 4), ("own", 4 + 4), ("same", 4)]);
        assert_eq!(found.own.min(), Duration::from_millis(9));
        assert_eq!(found.own.median(), Duration::from_millis(13));
        let [same] = &found.peers[..] else { panic!("{found:?}") };
        assert_eq!(same.name, "same");
        assert!((same.difference - 0.01).abs() < 1e-6, "{same:?}");
        let [(name, reason)] = &found.dropped[..] else { panic!("{found:?}") };
        assert_eq!(
            (name.as_str(), reason.as_str()),
            ("other", "its answer differs by 2.8e-1 of gradex's: not the same work")
        );

        let alone = row(&mut own, &mut peers, Task::Explain, 1)?;
        assert!(alone.peers.is_empty() && alone.dropped.is_empty(), "{alone:?}");
        Ok(())
    }

    #[test]
    fn medians() -> Result<()> {
        let median = |runs: &[u64]| Times::new(runs.iter().copied().map(Duration::from_millis).collect());
        assert_eq!(median(&[9, 1, 4])?.median(), Duration::from_millis(4));
        assert_eq!(median(&[9, 1, 4, 6])?.median(), Duration::from_millis(5));
        assert!(median(&[]).is_err());
        Ok(())
    }

    #[test]
    fn other_work_is_told_from_rounding() {
        assert_eq!(same_work(&[0.0; 3], &[0.0; 3]).unwrap(), 0.0);
        for other in [&[1.0, 2.0][..], &[1.0, 2.0, 3.2], &[1.0, 2.0, f32::NAN]] {
            assert!(same_work(&[1.0, 2.0, 3.0], other).is_err(), "{other:?}");
        }
        assert!(same_work(&[0.0; 3], &[1e-9; 3]).is_err());
    }
}
