//! The program for browsers beside onnxruntime-web, in the same page of the same Chromium.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::server::Server;
use crate::browser::Browser;
use crate::document;

const ROUNDS: u32 = 15;
const RIVAL: &str = include_str!("rival.js");
/// What is needed of the rival's folder.
const FILES: [&str; 5] =
    ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm", "lite0.onnx", "chelsea.f32"];

/// Times both, and writes the table to a document or prints it.
pub fn run(site: &Path, rival: &Path, report: Option<&Path>, out: &mut impl Write) -> Result<()> {
    let folder = site.join("rival");
    fs::create_dir_all(&folder)?;
    for file in FILES {
        fs::copy(rival.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let measured = measure(site);
    fs::remove_dir_all(&folder)?;
    let table = table(site, rival, &measured?)?;
    match report {
        Some(path) => document::write(path, "web", &table),
        None => Ok(out.write_all(table.as_bytes())?),
    }
}

fn measure(site: &Path) -> Result<Value> {
    let server = Server::start(site, 0)?;
    let mut browser = Browser::start(&[])?;
    browser.open(&server.url())?;
    browser.wait_for("document.body.dataset.ready !== undefined", "the network is loaded")?;
    let told = browser.evaluate(&format!("{RIVAL}({ROUNDS})"))?;
    let of = |whose: &str| (told[whose]["class"].as_u64(), told[whose]["probability"].as_f64().unwrap_or(f64::NAN));
    let (ours, theirs) = (of("ours"), of("theirs"));
    ensure!(ours.0 == theirs.0 && (ours.1 - theirs.1).abs() < 1e-3, "other answers: {ours:?}, {theirs:?}");
    Ok(told)
}

fn table(site: &Path, rival: &Path, told: &Value) -> Result<String> {
    let megabytes = |folder: &Path, files: &[&str]| -> Result<f64> {
        let sizes = files.iter().map(|file| Ok(fs::metadata(folder.join(file))?.len()));
        Ok(sizes.sum::<Result<u64>>()? as f64 / 1e6)
    };
    let time = |key: &str| told[key].as_f64().with_context(|| format!("no time `{key}`"));
    let mut text = String::from("| one thread, Chromium | gradex | onnxruntime-web |\n|---|---:|---:|\n");
    writeln!(
        text,
        "| program, MB | {:.2} | {:.2} |",
        megabytes(site, &["gradex.wasm", "gradex.js"])?,
        megabytes(rival, &FILES[..3])?
    )?;
    writeln!(
        text,
        "| weights, MB | {:.2} | {:.2} |",
        megabytes(site, &["efficientnet-lite0.safetensors"])?,
        megabytes(rival, &["lite0.onnx"])?
    )?;
    writeln!(text, "| load from this machine, ms | {:.0} | {:.0} |", time("load")?, time("rivalLoad")?)?;
    writeln!(text, "| forward, ms | {:.0} | {:.0} |", time("forward")?, time("rival")?)?;
    writeln!(text, "| Grad-CAM and extrapolation after it, ms | {:.0} | - |", time("explain")?)?;
    let version = told["version"].as_str().unwrap_or("?");
    write!(text, "\nonnxruntime-web {version}; medians of {ROUNDS} runs in turn.\n")?;
    Ok(text)
}
