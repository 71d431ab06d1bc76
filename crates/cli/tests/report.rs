//! The page that `gradex report` writes, as text. What a browser makes of it: `cargo xtask report`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{code, fixture, folder, gradex, stderr};

/// Small and few steps, so that it is quick.
const QUICK: [&str; 7] = ["report", "--size", "64", "--steps", "2", "--methods", "grad-cam"];

/// Of fixtures/images/chelsea.png.
const HASH: &str = "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb";

fn report(arguments: &[&str], paths: &[&Path], page: &Path) -> (Output, Option<String>) {
    let arguments = [&QUICK, arguments, &["-o", page.to_str().unwrap()]].concat();
    let output = gradex(&arguments, paths, page);
    (output, fs::read_to_string(page).ok())
}

/// The values of an attribute, in order.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let marked = format!(" {name}=\"");
    page.split(marked.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn a_page_has_everything_inside() {
    let out = folder("page");
    let path = out.join("report.html");
    let (output, page) = report(&["--top-k", "2"], &[&fixture("images/chelsea.png")], &path);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), path.to_str().unwrap());
    let page = page.unwrap();
    assert_eq!(page.matches("<h3 ").count(), 2, "two classes");
    let sources = attributes(&page, "src");
    assert_eq!(sources.len(), 5, "the photograph, and a plain and an extrapolated map of each class");
    assert!(sources.iter().all(|source| source.starts_with("data:image/jpeg;base64,/9j/")));
    let alternatives = attributes(&page, "alt");
    assert_eq!(alternatives.len(), sources.len());
    assert!(
        alternatives[1..].iter().all(|alt| alt.starts_with("grad-cam of ") && alt.contains("most of the heat is at"))
    );
    for said in [
        "Class or activations?",
        "Unlike class:",
        "Random weights:",
        "Down to",
        "the score follows its heat",
        "<svg class=\"chart\"",
        "efficientnet-lite0",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(page.contains(HASH), "the photograph's sha256");
    assert!(!page.contains("http://") && !page.contains("https://"), "no address of another host");
    assert!(!page.contains(" style=\""), "the policy forbids styles in tags");
}

#[test]
fn names_are_words_and_never_markup() {
    let (inputs, out) = (folder("page-names"), folder("page-names-out"));
    let evil = inputs.join("<script>alert('x')&quot;.png");
    fs::copy(fixture("images/chelsea.png"), &evil).unwrap();
    let broken = inputs.join("<img src=x>.png");
    fs::write(&broken, "no photograph").unwrap();
    let (output, page) = report(&[], &[&inputs], &out.join("r.html"));
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    let page = page.unwrap();
    assert_eq!(page.matches("<script>").count(), 1, "our own");
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&amp;quot;.png"));
    assert!(page.contains("&lt;img src=x&gt;.png") && !page.contains("<img src=x>"));
    let folder = inputs.to_str().unwrap();
    assert!(!page.contains(folder), "whoever reads the page is not told whose folder it was");
}

#[test]
fn an_input_that_fails_has_a_section_that_says_why_and_the_rest_are_done() {
    let (inputs, out) = (folder("page-mixed"), folder("page-mixed-out"));
    fs::write(inputs.join("a.png"), "this is no photograph").unwrap();
    fs::copy(fixture("images/chelsea.png"), inputs.join("b.png")).unwrap();
    let (output, page) = report(&[], &[&inputs, Path::new("no/such.png")], &out.join("r.html"));
    assert_eq!(code(&output), Some(1));
    let said = stderr(&output);
    assert!(said.contains("a.png") && said.contains("such.png") && said.contains("2 of 3 inputs failed"), "{said}");
    let page = page.unwrap();
    assert_eq!(page.matches("Not explained.").count(), 2);
    assert_eq!(page.matches("<h2 id=\"photograph-").count(), 3);
    assert!(page.contains("Why "));
}

#[test]
fn the_same_inputs_give_the_same_page() {
    let out = folder("page-twice");
    let pages =
        ["a.html", "b.html"].map(|name| report(&[], &[&fixture("images/chelsea.png")], &out.join(name)).1.unwrap());
    assert!(pages[0] == pages[1]);
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let out = folder("page-whole");
    let taken = out.join("taken.html");
    fs::create_dir(&taken).unwrap();
    let (output, _) = report(&[], &[&fixture("images/chelsea.png")], &taken);
    assert_eq!(code(&output), Some(2), "{}", stderr(&output));
    let (output, page) = report(&["--methods", "grad-cat"], &[&fixture("images/chelsea.png")], &out.join("r.html"));
    assert_eq!((code(&output), page), (Some(2), None));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing else was left");
}

/// Nothing is read, so nothing was computed: the input that does not exist is not spoken of.
#[test]
fn where_no_page_can_be_written_nothing_is_computed() {
    let out = folder("page-nowhere");
    fs::write(out.join("file"), "").unwrap();
    let mut nowhere = vec![out.join("file/r.html"), out.join("new/r.html")];
    if cfg!(target_os = "linux") {
        // A folder in which not even root makes files.
        nowhere.push("/proc/self/r.html".into());
    }
    for page in nowhere {
        let (output, _) = report(&[], &[Path::new("no/such.png")], &page);
        assert_eq!(code(&output), Some(1), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains(page.parent().unwrap().to_str().unwrap()) && !said.contains("such.png"), "{said}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing else was left");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_leaves_no_half_page() {
    let out = folder("page-full");
    // Beyond one block a write fails, as it does on a full disk.
    let limited = "ulimit -f 1; trap '' XFSZ; exec \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_gradex")])
        .args(QUICK)
        .arg("-o")
        .arg(out.join("r.html"))
        .arg(fixture("images/chelsea.png"))
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("r.html"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}
