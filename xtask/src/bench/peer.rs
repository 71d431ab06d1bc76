//! A Python process that does the same work; `xtask/bench/peer.py` says what lines go to and fro.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

use super::contender::{Contender, Task};

/// The peers that `peer.py` knows.
pub const KINDS: [&str; 2] = ["torch", "onnxruntime"];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/peer.py");
/// How long, in milliseconds, an idle thread of Intel's or LLVM's OpenMP keeps its core; its own 200 would reach into
/// the others' turns. GNU's spins for a few only.
const OPENMP_BLOCK_TIME: (&str, &str) = ("KMP_BLOCKTIME", "1");

/// A peer that has built its network. Ends with it.
pub struct Peer {
    lines: Lines<ChildStdout, ChildStdin>,
    name: String,
    tasks: Vec<String>,
    child: Child,
}

impl Peer {
    /// Starts a peer of this kind.
    ///
    /// # Errors
    /// The reason why there is none: no such Python, a package that it lacks, a network that it does not know.
    pub fn start(python: &Path, kind: &str, setup: &Value) -> Result<Self> {
        let mut command = Command::new(python);
        command.args(["-W", "ignore", SCRIPT, kind]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if std::env::var_os(OPENMP_BLOCK_TIME.0).is_none() {
            command.env(OPENMP_BLOCK_TIME.0, OPENMP_BLOCK_TIME.1);
        }
        let mut child =
            command.spawn().with_context(|| format!("cannot run {} (--python names another)", python.display()))?;
        let input = child.stdin.take().context("the peer has no standard input")?;
        let output = child.stdout.take().context("the peer has no standard output")?;
        let mut lines = Lines { replies: BufReader::new(output), requests: BufWriter::new(input) };
        let hello = match lines.ask(&setup.to_string()).and_then(|reply| Hello::read(&reply)) {
            Ok(hello) => hello,
            Err(error) => {
                drop(lines);
                child.wait()?;
                return Err(error);
            }
        };
        Ok(Self { lines, name: hello.name, tasks: hello.tasks, child })
    }
}

impl Contender for Peer {
    fn name(&self) -> &str {
        &self.name
    }

    fn can(&self, task: Task) -> bool {
        self.tasks.iter().any(|known| known == task.name())
    }

    fn set_threads(&mut self, threads: usize) -> Result<()> {
        self.lines.ask(&format!("threads {threads}")).map(drop)
    }

    fn answer(&mut self, task: Task) -> Result<Vec<f32>> {
        values(&self.lines.ask(&format!("answer {task}"))?)
    }

    fn time(&mut self, task: Task) -> Result<Duration> {
        duration(&self.lines.ask(&format!("time {task}"))?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It would end by itself with its standard input, but only after a run that is under way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two ends of the conversation.
struct Lines<R, W: Write> {
    replies: BufReader<R>,
    requests: BufWriter<W>,
}

impl<R: Read, W: Write> Lines<R, W> {
    /// One request and its reply.
    ///
    /// # Errors
    /// What the peer gives as the reason of a failure; or that it ended.
    fn ask(&mut self, request: &str) -> Result<Map<String, Value>> {
        let gone = || format!("the peer ended at `{request}`; its last words are above");
        writeln!(self.requests, "{request}").and_then(|()| self.requests.flush()).with_context(gone)?;
        let mut reply = String::new();
        if self.replies.read_line(&mut reply).with_context(gone)? == 0 {
            bail!(gone());
        }
        let reply: Map<String, Value> =
            serde_json::from_str(&reply).with_context(|| format!("the peer replied {reply:?} to `{request}`"))?;
        match reply.get("error").or_else(|| reply.get("skip")) {
            Some(reason) => Err(anyhow!("{}", reason.as_str().unwrap_or("for no reason"))),
            None => Ok(reply),
        }
    }
}

/// A peer's reply to its setup.
#[derive(Debug)]
struct Hello {
    name: String,
    tasks: Vec<String>,
}

impl Hello {
    fn read(reply: &Map<String, Value>) -> Result<Self> {
        let name = reply.get("name").and_then(Value::as_str).context("the peer did not give its name")?;
        let tasks = reply.get("tasks").and_then(Value::as_array).context("the peer did not list its tasks")?;
        let tasks = tasks.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), tasks })
    }
}

fn values(reply: &Map<String, Value>) -> Result<Vec<f32>> {
    let values = reply.get("values").and_then(Value::as_array).context("the peer's answer has no values")?;
    let value = |value: &Value| value.as_f64().map(|value| value as f32).context("the peer's answer has no numbers");
    values.iter().map(value).collect()
}

fn duration(reply: &Map<String, Value>) -> Result<Duration> {
    let milliseconds = reply.get("milliseconds").and_then(Value::as_f64).context("the peer did not say how long")?;
    Duration::try_from_secs_f64(milliseconds / 1e3).context("the peer's time is no time")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(replies: &str) -> Lines<&[u8], Vec<u8>> {
        Lines { replies: BufReader::new(replies.as_bytes()), requests: BufWriter::new(Vec::new()) }
    }

    #[test]
    fn requests_go_out_as_lines_and_replies_come_back() -> Result<()> {
        let mut lines = lines(
            "{\"name\": \"Peer 1\", \"tasks\": [\"forward\"]}\n{\"milliseconds\": 2.5}\n{\"values\": [1, -0.5]}\n",
        );
        let hello = Hello::read(&lines.ask("{}")?)?;
        assert_eq!((hello.name.as_str(), &hello.tasks[..]), ("Peer 1", &["forward".to_owned()][..]));
        assert_eq!(duration(&lines.ask("time forward")?)?, Duration::from_micros(2500));
        assert_eq!(values(&lines.ask("answer forward")?)?, [1.0, -0.5]);
        assert_eq!(lines.requests.get_ref(), b"{}\ntime forward\nanswer forward\n");
        Ok(())
    }

    #[test]
    fn a_reply_that_is_none_is_an_error_that_says_why() {
        for (reply, expected) in [
            ("{\"skip\": \"no module named torch\"}\n", "no module named torch"),
            ("{\"error\": \"out of memory\"}\n", "out of memory"),
            ("hello\n", "the peer replied \"hello\\n\" to `time forward`"),
            ("", "the peer ended at `time forward`; its last words are above"),
        ] {
            let error = lines(reply).ask("time forward").unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn replies_that_lack_what_was_asked_for_are_errors() {
        for reply in [json!({}), json!({"milliseconds": -1.0, "values": ["one"], "name": 7})] {
            let reply = reply.as_object().unwrap();
            assert!(duration(reply).is_err() && values(reply).is_err() && Hello::read(reply).is_err(), "{reply:?}");
        }
    }

    #[test]
    fn a_missing_python_is_named() {
        let error = Peer::start(Path::new("no/such/python"), "torch", &json!({})).err().unwrap();
        assert_eq!(error.to_string(), "cannot run no/such/python (--python names another)");
    }
}
