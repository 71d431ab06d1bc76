//! The page as its readers meet it: wide and on a phone, light and dark, with scripts and without, on paper.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::made::{INPUTS, MAPS};
use crate::browser::{Browser, base64};

/// A wide window and a phone, in CSS pixels, and how fine their pixels are.
const WINDOWS: [(&str, u32, u32, f64); 2] = [("wide", 1280, 900, 1.0), ("phone", 390, 844, 2.0)];
/// What WCAG 2.2 asks of text at level AA.
const CONTRAST: f64 = 4.5;
/// How a sheet of paper begins in a PDF of Chromium's, and how many the page may take.
const SHEET: &[u8] = b"/Type /Page\n";
const SHEETS: usize = 9;
const READ: &str = include_str!("read.js");
const MAP: &str = "document.querySelector('.stack img')";

/// Reads the page, and fails at the first thing that a reader would miss.
pub fn run(page: &Path, shots: Option<&Path>) -> Result<()> {
    let mut browser = Browser::start(&[])?;
    let address = address_of(page);
    browser.open(&address)?;
    for (name, width, height, fineness) in WINDOWS {
        browser.resize(width, height, fineness)?;
        for colours in ["light", "dark"] {
            browser.prefer(colours)?;
            let read = browser.evaluate(READ)?;
            seen(&read).with_context(|| format!("{name}, {colours}"))?;
            ensure!(read["dark"] == (colours == "dark"), "the page does not follow the wish for {colours} colours");
            if let Some(shots) = shots {
                shoot(&mut browser, &shots.join(format!("{name}-{colours}.png")))?;
            }
        }
    }
    browser.prefer("light")?;
    slider(&mut browser)?;
    alone(&mut browser, &address)?;
    printed(&mut browser, shots)?;

    browser.command("Emulation.setScriptExecutionDisabled", json!({ "value": true }))?;
    browser.open(&address)?;
    let read = browser.evaluate(READ)?;
    seen(&read).context("without scripts")?;
    ensure!(read["sliders"] == 0, "a slider that does nothing shows where scripts are off");
    Ok(())
}

fn address_of(page: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let path = page.to_string_lossy();
    let letters =
        path.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("file://{}", letters.collect::<String>())
}

/// What must be there in any window and colours.
fn seen(read: &Value) -> Result<()> {
    let names: Vec<&str> = INPUTS.iter().map(|(name, _)| *name).collect();
    ensure!(read["names"] == json!(names), "the photographs: {} instead of {names:?}", read["names"]);
    ensure!(read["title"].as_str().is_some_and(|title| title.starts_with("What did")), "the title: {}", read["title"]);
    let explained = INPUTS.iter().filter(|(_, photograph)| photograph.is_some()).count();
    let pictures = explained * (1 + MAPS);
    ensure!(read["pictures"] == pictures, "{} pictures, not {pictures}", read["pictures"]);
    ensure!(read["charts"] == 2 * explained, "{} charts", read["charts"]);
    ensure!(read["failures"] == 1, "{} sections about inputs that failed", read["failures"]);
    ensure!(read["scripts"] == 1, "{} scripts: a name became one", read["scripts"]);
    for what in ["broken", "nameless", "overflowing", "skipped", "scopeless", "faint"] {
        ensure!(read[what] == json!([]), "{what}: {}", read[what]);
    }
    ensure!(read["language"] == "en" && read["mains"] == 1, "the page says neither its language nor its main part");
    let contrast = read["contrast"].as_f64().context("no text")?;
    ensure!(contrast >= CONTRAST, "a contrast of {contrast:.2}, less than {CONTRAST}: {}", read["faintest"]);
    Ok(())
}

/// The slider is moved by the keyboard, and the photograph shows below the heat.
fn slider(browser: &mut Browser) -> Result<()> {
    let opacity = format!("getComputedStyle({MAP}).opacity");
    ensure!(browser.evaluate(&opacity)? == "1", "the heat does not show at first");
    browser.evaluate("document.querySelector('.opacity input').focus()")?;
    browser.press("Home")?;
    browser.wait_for(&format!("{opacity} === '0'"), "the slider takes the heat away")?;
    let below = browser.evaluate(&format!("getComputedStyle({MAP}.parentElement).backgroundImage.slice(0, 20)"))?;
    ensure!(below.as_str().is_some_and(|image| image.starts_with("url(\"data:image/jpe")), "nothing is below: {below}");
    browser.press("End")?;
    browser.wait_for(&format!("{opacity} === '1'"), "the slider brings the heat back")
}

/// The page asked for nothing but itself, and may not.
fn alone(browser: &mut Browser, address: &str) -> Result<()> {
    let is_own = |request: &&String| request.as_str() == address || request.starts_with("data:");
    let foreign: Vec<&String> = browser.requests().iter().filter(|one| !is_own(one)).collect();
    ensure!(foreign.is_empty(), "requests: {foreign:?}");
    ensure!(browser.problems().is_empty(), "errors in the page: {:?}", browser.problems());
    let refused = "new Promise((told) => { document.addEventListener('securitypolicyviolation', \
        (event) => told(event.effectiveDirective)); new Image().src = 'https://example.org/a.png'; })";
    let directive = browser.evaluate(refused)?;
    ensure!(directive == "img-src", "pictures of other hosts are not forbidden: {directive}");
    Ok(())
}

fn printed(browser: &mut Browser, shots: Option<&Path>) -> Result<()> {
    let printed = browser.command("Page.printToPDF", json!({ "printBackground": false, "preferCSSPageSize": true }))?;
    let printed = base64(printed["data"].as_str().context("nothing was printed")?)?;
    ensure!(printed.starts_with(b"%PDF"), "what was printed is no PDF");
    let sheets = printed.windows(SHEET.len()).filter(|bytes| *bytes == SHEET).count();
    ensure!(
        (1..=SHEETS).contains(&sheets),
        "printed on {sheets} sheets of paper, not on up to {SHEETS}: they are half empty"
    );
    if let Some(shots) = shots {
        fs::write(shots.join("printed.pdf"), printed)?;
    }
    Ok(())
}

/// A picture of the whole page, not of the window alone.
fn shoot(browser: &mut Browser, path: &Path) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let shot = browser.command("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }))?;
    fs::write(path, base64(shot["data"].as_str().context("no screenshot")?)?)?;
    Ok(())
}
