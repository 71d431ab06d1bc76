//! Progress in plain lines, for log files and pipes, where no bar can be drawn: one now and then, of what is under way.

use std::time::{Duration, Instant};

use indicatif::HumanDuration;

/// The time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// Something of which there are several to do.
#[derive(Debug)]
pub struct Count {
    what: String,
    begun: Instant,
    total: usize,
    done: usize,
    /// Those of the done that took no time.
    skipped: usize,
}

impl Count {
    /// So many of `what`, begun at `now`.
    pub fn new(what: &str, total: usize, now: Instant) -> Self {
        Self { what: what.to_owned(), begun: now, total, done: 0, skipped: 0 }
    }

    /// How many there are, how many are done, and the time left at the pace so far.
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

/// What is under way, and when it was last said.
#[derive(Debug)]
pub struct Lines {
    inputs: Option<Count>,
    passes: Option<Count>,
    said: Instant,
}

impl Lines {
    /// Of a run that begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self { inputs: None, passes: None, said: now }
    }

    /// These are to be done.
    pub fn over(&mut self, inputs: Count) {
        self.inputs = Some(inputs);
    }

    /// Nothing is under way any more.
    pub fn clear(&mut self) {
        (self.inputs, self.passes) = (None, None);
    }

    /// So many more are done, or need not be.
    pub fn done(&mut self, count: usize, skipped: bool) {
        if let Some(inputs) = &mut self.inputs {
            inputs.done += count;
            inputs.skipped += if skipped { count } else { 0 };
        }
    }

    /// A method of many passes has come this far.
    pub fn pass(&mut self, method: &str, done: usize, total: usize, now: Instant) {
        if done >= total {
            self.passes = None;
            return;
        }
        let what = format!("passes of {method}");
        if self.passes.as_ref().is_none_or(|passes| passes.what != what) {
            self.passes = Some(Count { skipped: done, ..Count::new(&what, total, now) });
        }
        if let Some(passes) = &mut self.passes {
            passes.done = done;
        }
    }

    /// The line that is due at `now`.
    pub fn due(&mut self, now: Instant) -> Option<String> {
        if now.saturating_duration_since(self.said) < EVERY {
            return None;
        }
        let told: Vec<String> =
            [&self.inputs, &self.passes].into_iter().flatten().map(|count| count.told(now)).collect();
        self.said = now;
        (!told.is_empty()).then(|| told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_now_and_then_and_tells_the_time_that_is_left() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut lines = Lines::new(begin);
        assert_eq!(lines.due(at(60)), None, "nothing is under way");
        lines.over(Count::new("maps", 40, at(60)));
        lines.done(10, true);
        assert_eq!(lines.due(at(69)), None);
        assert_eq!(lines.due(at(70)).unwrap(), "10 of 40 maps", "nobody knows yet how long one takes");
        lines.done(10, false);
        assert_eq!(lines.due(at(79)), None);
        // Ten took twenty seconds, so the other twenty take forty.
        assert_eq!(lines.due(at(80)).unwrap(), "20 of 40 maps, 40 seconds left");
        lines.clear();
        lines.pass("rise", 100, 400, at(80));
        lines.pass("rise", 200, 400, at(90));
        assert_eq!(lines.due(at(90)).unwrap(), "200 of 400 passes of rise, 20 seconds left");
        lines.pass("rise", 400, 400, at(100));
        assert_eq!(lines.due(at(100)), None);
    }
}
