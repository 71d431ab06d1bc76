//! `cargo xtask web`: the page with the program and the weights, as a folder that any web server can hand out.

mod bench;
mod build;
mod check;
mod native;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::hash::sha256;
use crate::repository::{root, target};
pub use build::TARGET;
use server::Server;

/// What is copied to the site, from the repository's root.
const FILES: [&str; 9] = [
    "web/index.html",
    "web/style.css",
    "web/page.js",
    "web/worker.js",
    "web/gradex.js",
    "web/icon.svg",
    "web/gradex.webmanifest",
    "weights/efficientnet-lite0.safetensors",
    "fixtures/images/chelsea.png",
];
/// The service worker, which knows what the site holds.
const OFFLINE: &str = "web/offline.js";
const VERSION: &str = "@VERSION@";
const HASHES: &str = "@FILES@";

/// `cargo xtask web`.
#[derive(Args)]
pub struct Arguments {
    /// Where the site goes
    #[arg(long, value_name = "DIR", default_value = "target/site")]
    out: PathBuf,
    /// Serves it to this machine, on this port
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8080")]
    serve: Option<u16>,
    /// Tries it in a headless Chromium, and compares with the native program
    #[arg(long)]
    check: bool,
    /// With --check: a folder for screenshots
    #[arg(long, value_name = "DIR", requires = "check")]
    shots: Option<PathBuf>,
    /// Times it beside onnxruntime-web, of which this folder has the program, lite0.onnx and chelsea.f32
    #[arg(long, value_name = "DIR")]
    rival: Option<PathBuf>,
    /// With --rival: the document whose part between two marker lines is replaced
    #[arg(long, value_name = "FILE", requires = "rival")]
    report: Option<PathBuf>,
}

/// Builds the program and lays out the site.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let program = fs::read(build::build()?)?;
    lay_out(&program, &arguments.out)?;
    writeln!(out, "{}: gradex.wasm has {} bytes", arguments.out.display(), program.len())?;
    if arguments.check {
        check::run(&arguments.out, arguments.shots.as_deref(), out)?;
    }
    if let Some(rival) = &arguments.rival {
        bench::run(&arguments.out, rival, arguments.report.as_deref(), out)?;
    }
    if let Some(port) = arguments.serve {
        let server = Server::start(&arguments.out, port)?;
        writeln!(out, "{} (Ctrl-C ends it)", server.url())?;
        server.wait();
    }
    Ok(())
}

/// Bytes of the program, and of its memory after Grad-CAM of the sample photograph, in a headless Chromium.
pub fn measure() -> Result<(u64, u64)> {
    let program = fs::read(build::build()?)?;
    let site = target().join("site");
    lay_out(&program, &site)?;
    Ok((program.len() as u64, check::memory(&site)?))
}

fn lay_out(program: &[u8], site: &Path) -> Result<()> {
    fs::create_dir_all(site).with_context(|| format!("cannot make {}", site.display()))?;
    let put = |name: &str, content: &[u8]| {
        let path = site.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut hashes = BTreeMap::from([("gradex.wasm", sha256(program))]);
    put("gradex.wasm", program)?;
    for file in FILES {
        let content = fs::read(root().join(file)).with_context(|| format!("cannot read {file}"))?;
        let name = file.rsplit('/').next().unwrap_or(file);
        hashes.insert(if name == "index.html" { "./" } else { name }, sha256(&content));
        put(name, &content)?;
    }
    let offline = fs::read_to_string(root().join(OFFLINE))?.replace(HASHES, &serde_json::to_string(&hashes)?);
    let version = &sha256(offline.as_bytes())[..16];
    put("offline.js", offline.replace(VERSION, version).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn another_program_is_another_version_and_the_same_is_not() {
        let scratch = Scratch::new();
        let version = |program: &[u8]| {
            lay_out(program, scratch.path()).unwrap();
            fs::read_to_string(scratch.path().join("offline.js")).unwrap()
        };
        let first = version(b"one");
        assert!(!first.contains(VERSION));
        assert_ne!(first, version(b"two"));
        assert_eq!(first, version(b"one"));
    }

    #[test]
    fn what_the_page_names_is_there() {
        let scratch = Scratch::new();
        lay_out(b"program", scratch.path()).unwrap();
        let kept = fs::read_to_string(root().join(OFFLINE)).unwrap();
        let list = kept.split_once("const PAGE = [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
        for name in list.split(',').map(|name| name.trim().trim_matches('\'')) {
            let file = if name == "./" { "index.html" } else { name };
            assert!(scratch.path().join(file).is_file(), "{name}");
        }
    }
}
