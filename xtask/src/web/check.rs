//! The page in a real browser: as a person uses it, beside the native program, and without a network.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::native::Native;
use super::server::Server;
use crate::browser::{Browser, base64};
use crate::repository::{root, target};

/// How far a map may be from the native one.
const TOLERANCE: f32 = 1e-3;
/// How far a pixel of an overlay may be from the native one, in levels.
const LEVELS: u8 = 2;
const METHODS: &str = "['grad-cam', 'layer-cam', 'excitation-backprop', 'epsilon-gamma-box']";
const MAPS: &str = include_str!("maps.js");
const READY: &str = "document.body.dataset.ready !== undefined";
const EXPLAINED: &str = "document.getElementById('status').textContent.startsWith('Explained') && !document.body.classList.contains('busy')";
const FIRST: &str = "document.querySelector('#predictions span').textContent";
const CAPTION: &str = "document.getElementById('caption').textContent";

/// Goes through the page, and says what was found.
pub fn run(site: &Path, shots: Option<&Path>, out: &mut impl Write) -> Result<()> {
    let native = Native::new()?;
    let (_, label) = native.best()?;
    let server = Server::start(site, 0)?;
    let address = server.url();
    let camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
    let mut browser = Browser::start(&camera)?;
    browser.resize(1280, 860, 1.0)?;
    browser.open(&address)?;
    browser.wait_for(READY, "the network is loaded")?;

    browser.choose("#file", &[&root().join("fixtures/images/chelsea.png")])?;
    browser.wait_for(EXPLAINED, "the photograph is explained")?;
    ensure!(browser.evaluate(FIRST)? == label, "the page sees {}, not {label}", browser.evaluate(FIRST)?);
    writeln!(out, "ok     the page sees {label}, as the native program")?;

    compare(&mut browser, &native, out)?;
    keyboard(&mut browser, &address, label)?;
    writeln!(out, "ok     everything is reached and used by keyboard, and what has the focus shows it")?;
    photographs(&mut browser)?;
    writeln!(out, "ok     no picture is refused with its reason; the camera takes a photograph")?;
    looks(&mut browser, &address, shots)?;
    writeln!(out, "ok     a phone's width holds the page")?;

    portal(site)?;
    writeln!(out, "ok     what a network hands out in place of the site's files is not kept, nor are other files")?;
    drop(server);
    browser.open(&address)?;
    browser.wait_for(READY, "the network is loaded without a server")?;
    browser.evaluate("document.getElementById('sample').click()")?;
    browser.wait_for(EXPLAINED, "the sample is explained without a server")?;
    ensure!(browser.evaluate(FIRST)? == label, "without a server the page sees {}", browser.evaluate(FIRST)?);
    writeln!(out, "ok     it works without a network once loaded")?;
    strangers(&mut browser, &address)?;
    writeln!(out, "ok     nothing is asked of another host, and the page could not")?;
    Ok(())
}

/// The bytes of memory that the module has after Grad-CAM of the sample photograph.
pub fn memory(site: &Path) -> Result<u64> {
    let server = Server::start(site, 0)?;
    let mut browser = Browser::start(&[])?;
    browser.open(&server.url())?;
    browser.wait_for(READY, "the network is loaded")?;
    let found = browser.evaluate(&format!("{MAPS}(['grad-cam'])"))?;
    found["maps"][0]["bytes"].as_u64().context("no bytes")
}

/// The raw maps and overlays of several methods, beside the native ones.
fn compare(browser: &mut Browser, native: &Native, out: &mut impl Write) -> Result<()> {
    let found = browser.evaluate(&format!("{MAPS}({METHODS})"))?;
    let (best, _) = native.best()?;
    let probability = found["best"]["probability"].as_f64().context("no probability")?;
    ensure!((probability - best.probability).abs() < 1e-4, "{probability}, expected {}", best.probability);
    for map in found["maps"].as_array().context("no maps")? {
        let text = |key: &str| map[key].as_str().with_context(|| format!("no `{key}`"));
        let (method, plain) = (text("method")?, map["plain"] == true);
        let expected = native.explain(method, plain)?;
        let fine: Vec<f32> = base64(text("fine")?)?
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        ensure!(fine.len() == expected.fine.len(), "{method}: {} values, expected {}", fine.len(), expected.fine.len());
        ensure!(fine.iter().all(|value| value.is_finite()), "{method}: values that are no numbers");
        let distance = fine.iter().zip(&expected.fine).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let pixels = base64(text("overlay")?)?;
        ensure!(pixels.len() / 4 == expected.overlay.len() / 3, "{method}: an overlay of another size");
        let pixels = pixels.chunks_exact(4).flat_map(|pixel| &pixel[..3]);
        let levels = pixels.zip(&expected.overlay).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(u8::MAX);
        let kind = if plain { "plain" } else { "extrapolated" };
        let told = format!("{method}, {kind}: {distance:.1e} from the native map, {levels} levels from the overlay");
        ensure!(distance <= TOLERANCE && levels <= LEVELS, "{told}");
        let milliseconds = map["milliseconds"].as_f64().unwrap_or(f64::NAN);
        writeln!(out, "ok     {told}; {milliseconds:.0} ms, {} MiB", map["bytes"].as_u64().unwrap_or(0) >> 20)?;
    }
    Ok(())
}

/// From the top of a new page to a downloaded picture, without a mouse.
fn keyboard(browser: &mut Browser, address: &str, label: &str) -> Result<()> {
    browser.open(address)?;
    browser.wait_for(READY, "the network is loaded again")?;
    tab_to(browser, "document.activeElement.id === 'file'")?;
    tab_to(browser, "document.activeElement.id === 'sample'")?;
    browser.press("Enter")?;
    browser.wait_for(EXPLAINED, "the sample is explained by keyboard")?;
    ensure!(
        browser.evaluate(CAPTION)? == format!("{label} by grad-cam, extrapolated"),
        "{}",
        browser.evaluate(CAPTION)?
    );
    let first = browser.evaluate("canvas.toDataURL()")?;

    tab_to(browser, "document.activeElement.name === 'class'")?;
    browser.press("ArrowDown")?;
    browser.wait_for(
        &format!("{CAPTION}.endsWith(' by grad-cam, extrapolated') && !{CAPTION}.startsWith('{label}')"),
        "another class",
    )?;
    ensure!(browser.evaluate("canvas.toDataURL()")? != first, "another class has the same picture");
    browser.press("ArrowUp")?;
    browser.wait_for(&format!("{CAPTION}.startsWith('{label}')"), "the first class again")?;

    tab_to(browser, "document.activeElement.name === 'shown'")?;
    browser.press("ArrowRight")?;
    browser.wait_for(&format!("{CAPTION} === '{label} by grad-cam, plain'"), "the plain map")?;
    tab_to(browser, "document.activeElement.id === 'method'")?;
    browser.press("ArrowDown")?;
    browser.wait_for(&format!("{CAPTION} === '{label} by grad-cam++, plain'"), "another method")?;
    tab_to(browser, "document.activeElement.id === 'opacity'")?;
    let before = browser.evaluate("canvas.toDataURL()")?;
    browser.press("Home")?;
    let changed = format!("canvas.toDataURL() !== {before}");
    browser.wait_for(&changed, "another opacity")?;
    let told =
        browser.evaluate("[percent.value, opacity.getAttribute('aria-valuetext'), percent.htmlFor.value].join()")?;
    ensure!(told == "0 %,0 %,opacity", "beside the slider: {told}");
    tab_to(browser, "document.activeElement.id === 'download'")?;
    let name = "new Promise((told) => { HTMLAnchorElement.prototype.click = function () { told(this.download); }; document.activeElement.click(); })";
    let name = browser.evaluate(name)?;
    ensure!(name.as_str().is_some_and(|name| name.starts_with("chelsea-") && name.ends_with("-plain.png")), "{name}");
    Ok(())
}

/// Presses Tab until the condition holds; each stop on the way must show that it has the focus, and have a name.
fn tab_to(browser: &mut Browser, condition: &str) -> Result<()> {
    const STOP: &str = "(() => { const it = document.activeElement; const shows = [it, it.closest('label')].some((one) => \
        one && getComputedStyle(one).outlineStyle !== 'none'); const named = it.labels?.length || it.textContent.trim(); \
        return shows && named ? '' : it.outerHTML; })()";
    for _ in 0..30 {
        browser.press("Tab")?;
        let bad = browser.evaluate(STOP)?;
        ensure!(bad == "", "no outline or no name at the focus: {bad}");
        if browser.evaluate(condition)? == true {
            return Ok(());
        }
    }
    anyhow::bail!("Tab never leads to {condition}")
}

/// What is no picture is refused in words; the camera gives one.
fn photographs(browser: &mut Browser) -> Result<()> {
    browser.choose("#file", &[&root().join("README.md")])?;
    browser
        .wait_for("document.getElementById('status').textContent.includes('README.md is no picture')", "a refusal")?;
    browser.evaluate("document.getElementById('camera').click()")?;
    browser.wait_for(
        "document.getElementById('viewfinder').open && document.getElementById('video').videoWidth > 0",
        "the camera",
    )?;
    browser.evaluate("document.getElementById('shoot').click()")?;
    browser.wait_for(&format!("{EXPLAINED} && canvas.width !== 451"), "the camera's photograph is explained")?;
    ensure!(browser.evaluate("document.getElementById('video').srcObject")?.is_null(), "the camera stays on");
    Ok(())
}

/// The page on screens of several kinds; nothing is wider than they are.
fn looks(browser: &mut Browser, address: &str, shots: Option<&Path>) -> Result<()> {
    browser.open(address)?;
    browser.wait_for(READY, "the network is loaded anew")?;
    browser.evaluate("document.getElementById('sample').click()")?;
    browser.wait_for(EXPLAINED, "the sample is explained")?;
    for (name, width, height, pixels, colours) in
        [("desktop", 1180, 820, 1.0, "light"), ("dark", 1180, 820, 1.0, "dark"), ("phone", 390, 844, 2.0, "light")]
    {
        browser.resize(width, height, pixels)?;
        browser.prefer(colours)?;
        let wide = browser.evaluate("document.documentElement.scrollWidth")?;
        ensure!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{name}: {wide} pixels wide, not {width}");
        if let Some(shots) = shots {
            fs::create_dir_all(shots)?;
            fs::write(shots.join(format!("{name}.png")), browser.screenshot("png")?)?;
            fs::write(shots.join(format!("{name}.jpg")), browser.screenshot("jpeg")?)?;
        }
    }
    Ok(())
}

/// A network whose first answer is a page of its own in place of the weights, and later the weights.
fn portal(site: &Path) -> Result<()> {
    let folder = target().join("site-portal");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(site)? {
        let path = entry?.path();
        fs::copy(&path, folder.join(path.file_name().context("no name")?))?;
    }
    let weights = folder.join("efficientnet-lite0.safetensors");
    fs::write(&weights, "<html>Please sign in</html>")?;
    fs::write(folder.join("stray.txt"), "stray")?;
    let server = Server::start(&folder, 0)?;
    let mut browser = Browser::start(&[])?;
    browser.open(&server.url())?;
    browser
        .wait_for("document.getElementById('status').classList.contains('failed')", "a page in place of the weights")?;
    browser.evaluate("fetch('stray.txt').then((answer) => answer.text())")?;
    fs::copy(site.join("efficientnet-lite0.safetensors"), &weights)?;
    browser.evaluate("document.getElementById('sample').click()")?;
    browser.wait_for(EXPLAINED, "the sample is explained once the weights are there")?;
    drop(server);
    let address = browser.evaluate("location.href")?;
    browser.open(address.as_str().context("no address")?)?;
    browser.wait_for(READY, "the network is loaded from what was kept")?;
    let kept = "caches.keys().then(([name]) => caches.open(name)).then((cache) => cache.match('stray.txt')).then((it) => it === undefined)";
    ensure!(browser.evaluate(kept)? == true, "a file that is none of the page's was kept");
    Ok(())
}

/// Every address that was asked for is the site's own, and the page's policy forbids others.
fn strangers(browser: &mut Browser, address: &str) -> Result<()> {
    // The browser's own first tab is no page of ours.
    let known = [address, "blob:", "data:", "chrome:", "chrome-untrusted:"];
    let is_own = |request: &&String| known.iter().any(|own| request.starts_with(own));
    let foreign: Vec<&String> = browser.requests().iter().filter(|request| !is_own(request)).collect();
    ensure!(foreign.is_empty(), "requests to other hosts: {foreign:?}");
    ensure!(browser.requests().iter().any(|request| request.ends_with(".safetensors")), "the workers were not heard");
    let unexpected: Vec<&String> = browser.problems().iter().collect();
    ensure!(unexpected.is_empty(), "errors in the page: {unexpected:?}");
    let refused = "new Promise((told) => { document.addEventListener('securitypolicyviolation', (event) => told(event.effectiveDirective)); fetch('https://example.org/').catch(() => {}); })";
    let directive = browser.evaluate(refused)?;
    ensure!(directive == "connect-src", "another host is not forbidden: {directive}");
    Ok(())
}
