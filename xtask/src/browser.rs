//! A headless Chromium with one page, driven by the DevTools protocol over a pipe: JSON messages, each ended by a zero byte,
//! on the program's descriptors 3 and 4. <https://chromedevtools.github.io/devtools-protocol/>

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// Programs that are tried, after what the variable `CHROMIUM` names.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// No answer and no state of a page is waited for longer.
const PATIENCE: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
/// A shell can give the pipe the descriptors that Chromium wants; the standard library cannot.
const SHELL: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

/// A running Chromium with one page. It ends when this is dropped.
pub struct Browser {
    program: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    profile: PathBuf,
    sent: u64,
    /// The sessions of pages, by target.
    pages: BTreeMap<String, String>,
    page: String,
    requests: Vec<String>,
    problems: Vec<String>,
}

impl Browser {
    /// Starts Chromium with an empty profile, further arguments, and a blank page.
    ///
    /// # Errors
    /// Where there is none, or it does not answer.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let profile = env::temp_dir().join(format!("gradex-chromium-{}-{count}", std::process::id()));
        fs::create_dir_all(&profile).with_context(|| format!("cannot make {}", profile.display()))?;
        let mut program = Command::new("sh")
            .args(["-c", SHELL])
            .arg(find()?)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run sh")?;
        let (Some(input), Some(output)) = (program.stdin.take(), program.stdout.take()) else { bail!("no pipe") };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let messages = BufReader::new(output).split(0).map_while(std::result::Result::ok);
            let parsed = messages.filter_map(|message| serde_json::from_slice(&message).ok());
            // Ends with the program, or when nobody listens any more.
            let _ = parsed.into_iter().try_for_each(|message: Value| sender.send(message));
        });
        let (pages, page, requests, problems) = Default::default();
        let mut browser = Self { program, input, output: receiver, profile, sent: 0, pages, page, requests, problems };
        browser.call("", "Target.setAutoAttach", attach_to_all())?;
        let made = browser.call("", "Target.createTarget", json!({ "url": "about:blank" }))?;
        let target = made["targetId"].as_str().context("no page")?;
        browser.look(|browser| Ok(browser.pages.contains_key(target)), "the first page")?;
        browser.page = browser.pages.remove(target).unwrap_or_default();
        Ok(browser)
    }

    /// Opens an address, and waits until it is loaded.
    pub fn open(&mut self, address: &str) -> Result<()> {
        let opened = self.command("Page.navigate", json!({ "url": address }))?;
        ensure!(opened["errorText"].is_null(), "{address}: {}", opened["errorText"]);
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'", "the page is loaded")
    }

    /// A command of the protocol to the page.
    pub fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        let page = self.page.clone();
        self.call(&page, method, parameters)
    }

    /// The value of an expression of JavaScript in the page; promises are awaited.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.command("Runtime.evaluate", parameters)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            bail!("`{expression}`: {} {}", exception["text"], exception["exception"]["description"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until an expression is true.
    pub fn wait_for(&mut self, expression: &str, what: &str) -> Result<()> {
        // While a page changes for another there is nothing to ask.
        self.look(|browser| Ok(browser.evaluate(expression).is_ok_and(|value| value == true)), what)
    }

    /// Presses and lets go a key, by the name that `KeyboardEvent.key` has.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            " " => (32, " "),
            "End" => (35, ""),
            "Home" => (36, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            other => bail!("no key {other}"),
        };
        let parameters = |kind: &str| {
            let code_name = if key == " " { "Space" } else { key };
            json!({ "type": kind, "key": key, "code": code_name, "windowsVirtualKeyCode": code, "text": text })
        };
        self.command("Input.dispatchKeyEvent", parameters(if text.is_empty() { "rawKeyDown" } else { "keyDown" }))?;
        self.command("Input.dispatchKeyEvent", parameters("keyUp"))?;
        Ok(())
    }

    /// Chooses files in an `<input type="file">`, as a person would in its dialogue.
    pub fn choose(&mut self, selector: &str, files: &[&Path]) -> Result<()> {
        let document = self.command("DOM.getDocument", json!({}))?;
        let root = &document["root"]["nodeId"];
        let node = self.command("DOM.querySelector", json!({ "nodeId": root, "selector": selector }))?;
        let files: Vec<PathBuf> = files.iter().map(std::path::absolute).collect::<std::io::Result<_>>()?;
        self.command("DOM.setFileInputFiles", json!({ "nodeId": node["nodeId"], "files": files }))?;
        Ok(())
    }

    /// Gives the window a size in CSS pixels.
    pub fn resize(&mut self, width: u32, height: u32, pixels: f64) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": pixels, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", size).map(drop)
    }

    /// Prefers `dark` or `light` colours.
    pub fn prefer(&mut self, colours: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] });
        self.command("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// What is seen, as `png` or `jpeg`.
    pub fn screenshot(&mut self, format: &str) -> Result<Vec<u8>> {
        let mut parameters = json!({ "format": format });
        if format == "jpeg" {
            parameters["quality"] = 85.into();
        }
        let shot = self.command("Page.captureScreenshot", parameters)?;
        base64(shot["data"].as_str().context("no screenshot")?)
    }

    /// The addresses that the page and its workers asked for so far.
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// What went wrong in the page and its workers so far: exceptions, and errors that the browser itself reports.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// A command to a session, or with an empty one to the browser itself.
    fn call(&mut self, session: &str, method: &str, parameters: Value) -> Result<Value> {
        let id = self.send(session, method, parameters)?;
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut message =
                self.output.recv_timeout(left).with_context(|| format!("{method}: no answer of Chromium"))?;
            if message["id"] == id {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]["message"]);
                return Ok(message["result"].take());
            }
            self.note(&message)?;
        }
    }

    fn send(&mut self, session: &str, method: &str, parameters: Value) -> Result<u64> {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.input.write_all(&bytes).and_then(|()| self.input.flush()).context("Chromium has ended")?;
        Ok(self.sent)
    }

    /// Takes note of an event; a new page or worker is told to report before it runs.
    fn note(&mut self, event: &Value) -> Result<()> {
        let told = &event["params"];
        match event["method"].as_str() {
            Some("Target.attachedToTarget") => {
                let session = told["sessionId"].as_str().unwrap_or_default();
                if told["targetInfo"]["type"] == "page" {
                    let target = told["targetInfo"]["targetId"].as_str().unwrap_or_default();
                    self.pages.insert(target.to_owned(), session.to_owned());
                }
                for domain in ["Network.enable", "Runtime.enable", "Log.enable", "Page.enable", "DOM.enable"] {
                    self.send(session, domain, json!({}))?;
                }
                self.send(session, "Target.setAutoAttach", attach_to_all())?;
                self.send(session, "Runtime.runIfWaitingForDebugger", json!({}))?;
            }
            Some("Network.requestWillBeSent") => {
                // Chromium's own pages are none of ours.
                let is_own =
                    |address: &&str| ["chrome://", "chrome-untrusted://"].iter().any(|own| address.starts_with(own));
                let address = told["request"]["url"].as_str().filter(|address| !is_own(address));
                self.requests.extend(address.map(str::to_owned));
            }
            Some("Runtime.exceptionThrown") => {
                let details = &told["exceptionDetails"];
                self.problems.push(format!("{} {}", details["text"], details["exception"]["description"]));
            }
            Some("Log.entryAdded") if told["entry"]["level"] == "error" => {
                self.problems.push(format!("{} {}", told["entry"]["text"], told["entry"]["url"]));
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn look(&mut self, mut is_there: impl FnMut(&mut Self) -> Result<bool>, what: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !is_there(self)? {
            ensure!(Instant::now() < end, "in vain: {what}; {}", self.problems.join("; "));
            if let Ok(message) = self.output.recv_timeout(BETWEEN_LOOKS) {
                self.note(&message)?;
            }
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked politely all its processes end; it may have ended already.
        let closed = self.send("", "Browser.close", json!({}));
        let end = Instant::now() + Duration::from_secs(5);
        while closed.is_ok() && Instant::now() < end && matches!(self.program.try_wait(), Ok(None)) {
            thread::sleep(BETWEEN_LOOKS);
        }
        let _ = self.program.kill();
        let _ = self.program.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn attach_to_all() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}

fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let candidates = PROGRAMS.iter().flat_map(|name| env::split_paths(&folders).map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file()).with_context(|| {
        format!(
            "no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM; tried {PROGRAMS:?}"
        )
    })
}

/// RFC 4648, with padding.
pub fn base64(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Ok(byte - b'A'),
        b'a'..=b'z' => Ok(byte - b'a' + 26),
        b'0'..=b'9' => Ok(byte - b'0' + 52),
        b'+' => Ok(62),
        b'/' => Ok(63),
        other => bail!("{other} is no digit of base64"),
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(digit).collect::<Result<_>>()?;
    let groups = digits.chunks(4).flat_map(|group| {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (at, digit)| bits | (u32::from(*digit) << (18 - 6 * at)));
        bits.to_be_bytes().into_iter().skip(1).take(group.len() * 3 / 4)
    });
    Ok(groups.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        for (text, expected) in
            [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("/+8A", b"\xff\xef\0")]
        {
            assert_eq!(base64(text).unwrap(), expected, "{text}");
        }
        assert!(base64("Z*==").is_err());
    }
}
