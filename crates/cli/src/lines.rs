//! Progress in plain lines, for log files and pipes, where no bar can be drawn: every so often one of what is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::HumanDuration;

/// The time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// Something of which there are several to do.
#[derive(Debug)]
struct Count {
    what: String,
    begun: Instant,
    total: usize,
    done: usize,
    /// Those of the done that took no time.
    skipped: usize,
}

impl Count {
    /// How many are done, and the time left at the pace so far.
    fn told(&self, now: Instant) -> String {
        let Self { what, begun, total, done, skipped } = self;
        let (timed, left) = (done - skipped, total.saturating_sub(*done));
        let told = format!("{done} of {total} {what}");
        if timed == 0 || left == 0 {
            return told;
        }
        let left = now.saturating_duration_since(*begun).mul_f64(left as f64 / timed as f64);
        format!("{told}, {} left", HumanDuration(left))
    }
}

/// What is under way.
#[derive(Debug, Default)]
struct Lines {
    inputs: Option<Count>,
    passes: Option<Count>,
}

/// What is under way, for whoever does it; the last to drop it ends the lines.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<Lines>>);

impl Told {
    /// Nothing is under way yet. Of what will be, a thread says how far it is.
    pub fn new() -> Self {
        let told = Self::default();
        let lines = Arc::downgrade(&told.0);
        // Where no thread can be had the run goes on in silence.
        let _ = thread::Builder::new().spawn(move || {
            loop {
                thread::sleep(EVERY);
                let Some(lines) = lines.upgrade() else { return };
                if let Some(line) = Self(lines).line(Instant::now()) {
                    complain!("{line}");
                }
            }
        });
        told
    }

    /// The line at `now`, if anything is under way.
    pub fn line(&self, now: Instant) -> Option<String> {
        let lines = locked(&self.0);
        let counts = [&lines.inputs, &lines.passes].into_iter().flatten();
        let told: Vec<String> = counts.map(|count| count.told(now)).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// So many of `what` are to be done, from `now` on.
    pub fn over(&self, what: &str, total: usize, now: Instant) {
        let count = Count { what: what.to_owned(), begun: now, total, done: 0, skipped: 0 };
        locked(&self.0).inputs = Some(count);
    }

    /// So many more are done, or skipped.
    pub fn done(&self, count: usize, skipped: usize) {
        if let Some(inputs) = &mut locked(&self.0).inputs {
            inputs.done += count + skipped;
            inputs.skipped += skipped;
        }
    }

    /// A method of many passes has come this far.
    pub fn pass(&self, method: &str, done: usize, total: usize, now: Instant) {
        let passes = &mut locked(&self.0).passes;
        let what = format!("passes of {method}");
        match passes {
            _ if done >= total => *passes = None,
            Some(passes) if passes.what == what => passes.done = done,
            _ => *passes = Some(Count { what, begun: now, total, done, skipped: done }),
        }
    }

    /// Nothing is under way any more.
    pub fn clear(&self) {
        *locked(&self.0) = Lines::default();
    }
}

fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_all_is_and_the_time_that_is_left() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let told = Told::default();
        let line = |seconds| told.line(at(seconds));
        assert_eq!(line(5), None, "nothing is under way");
        told.over("maps", 40, at(60));
        told.done(0, 10);
        assert_eq!(line(70).unwrap(), "10 of 40 maps", "nobody knows yet how long one takes");
        told.done(10, 0);
        // Ten took twenty seconds, so the other twenty take forty.
        assert_eq!(line(80).unwrap(), "20 of 40 maps, 40 seconds left");
        told.pass("rise", 100, 400, at(80));
        told.pass("rise", 200, 400, at(90));
        assert_eq!(line(90).unwrap(), "20 of 40 maps, 60 seconds left; 200 of 400 passes of rise, 20 seconds left");
        told.pass("rise", 400, 400, at(100));
        assert_eq!(line(100).unwrap(), "20 of 40 maps, 80 seconds left");
        told.done(20, 0);
        assert_eq!(line(110).unwrap(), "40 of 40 maps");
        told.clear();
        assert_eq!(line(120), None);
    }
}
