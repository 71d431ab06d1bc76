//! Receipts: `gradex explain --receipt` and `gradex verify RECEIPT`.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{code, fixture, folder, stderr};
use gradex::formats::write_npy;
use gradex::{Level, Tensor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn run(level: &str, arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
    command.args(arguments).args(paths).env("GRADEX_LEVEL", level).output().unwrap()
}

fn fastest() -> &'static str {
    Level::available()[0].name()
}

/// Explains these inputs with a receipt in the folder.
fn receipt(folder: &Path, arguments: &[&str], inputs: &[&Path]) -> PathBuf {
    let (receipt, out) = (folder.join("receipt.json"), folder.join("out"));
    let files = ["--receipt", receipt.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let output = run(fastest(), &[&["explain"], arguments, &files].concat(), inputs);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    receipt
}

fn verify(level: &str, arguments: &[&str], receipt: &Path) -> (Option<i32>, String) {
    let output = run(level, &[&["verify"], arguments].concat(), &[receipt]);
    let said = format!("{}{}", String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output));
    assert!(!said.contains("panicked"), "{said}");
    (code(&output), said)
}

fn passes(level: &str, arguments: &[&str], receipt: &Path) -> String {
    let (code, said) = verify(level, arguments, receipt);
    let passed = said.lines().last().is_some_and(|last| last.starts_with("PASS"));
    assert!(code == Some(0) && passed && !said.contains("WRONG"), "{said}");
    said
}

/// Verification fails, and each of these is said in a line that is marked.
fn fails(receipt: &Path, wrong: &[&str]) -> String {
    let (code, said) = verify(fastest(), &[], receipt);
    assert_eq!(code, Some(1), "{said}");
    for wrong in wrong {
        let is_said = said.lines().any(|line| line.starts_with("WRONG") && line.contains(wrong));
        assert!(is_said, "`{wrong}` is not marked in: {said}");
    }
    said
}

fn read(receipt: &Path) -> Value {
    serde_json::from_slice(&fs::read(receipt).unwrap()).unwrap()
}

/// Changes a receipt by a forger who seals it again, as the program does: over its keys in their order.
fn forge(receipt: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(receipt).unwrap();
    assert!(text.contains(old), "no {old} in {text}");
    let (body, _) = text.rsplit_once(",\"seal\":").unwrap();
    let body = body.strip_prefix("{\"receipt\":").unwrap().replace(old, new);
    let seal: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(receipt, format!("{{\"receipt\":{body},\"seal\":\"{seal}\"}}\n")).unwrap();
}

#[test]
fn threads_change_nothing_and_levels_stay_within_the_bound() {
    let folders = [folder("receipt-one"), folder("receipt-two")];
    let cat = fixture("images/chelsea.png");
    let methods = ["--method", "grad-cam", "--method", "smooth-grad", "--samples", "2", "--seed", "7", "--top-k", "2"];
    let methods = [&methods[..], &["--size", "64"]].concat();
    let [one, two] = [("1", &folders[0]), ("2", &folders[1])]
        .map(|(threads, folder)| receipt(folder, &[&methods[..], &["--threads", threads]].concat(), &[&cat]));
    let mut told = [read(&one), read(&two)].map(|receipt| receipt["receipt"].clone());
    assert_eq!((&told[0]["threads"], &told[1]["threads"]), (&json!(1), &json!(2)));
    told[0]["threads"] = json!(2);
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["inputs"][0]["explanations"].as_array().unwrap().len(), 4);

    for threads in ["1", "2"] {
        let said = passes(fastest(), &["--threads", threads], &one);
        assert_eq!(said.matches("map: the same bits").count(), 8, "{said}");
        assert!(said.ends_with("PASS, bit for bit\n"), "{said}");
    }
    for level in Level::available().iter().skip(1) {
        let said = passes(level.name(), &[], &one);
        assert!(said.contains("level differs") && said.contains(level.name()), "{said}");
        let within = said.matches("bound 1e-4").count() + said.matches(": the same bits").count();
        assert_eq!(within, 9, "{said}");
        assert!(said.ends_with("PASS within 1e-4, not to the bit\n"), "{said}");
    }
}

#[test]
fn hashes_are_those_of_the_files() {
    let folder = folder("receipt-hashes");
    let (cat, weights) = (fixture("images/chelsea.png"), fixture("../weights/efficientnet-lite0.safetensors"));
    let told = read(&receipt(&folder, &[], &[&cat]));
    let told = &told["receipt"];
    let hash = |path: &Path| -> String {
        Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(told["inputs"][0]["file"], hash(&cat));
    assert_eq!(told["model"]["sha256"], hash(&weights));
    assert_eq!(told["program"], hash(Path::new(env!("CARGO_BIN_EXE_gradex"))));
}

#[test]
fn what_was_changed_is_named() {
    let folder = folder("receipt-changed");
    let (cat, weights) = (folder.join("cat.png"), folder.join("weights.safetensors"));
    fs::copy(fixture("images/chelsea.png"), &cat).unwrap();
    fs::copy(fixture("../weights/efficientnet-lite0.safetensors"), &weights).unwrap();
    let path =
        receipt(&folder, &["--weights", weights.to_str().unwrap(), "--resize", "crop", "--class", "285"], &[&cat]);
    let (whole, content, bytes) = (fs::read(&path).unwrap(), fs::read(&cat).unwrap(), fs::read(&weights).unwrap());
    passes(fastest(), &[], &path);

    // Bytes after the last chunk: the same pixels, and yet another file.
    fs::write(&cat, [&content[..], b" "].concat()).unwrap();
    fails(&path, &["cat.png, file: changed"]);
    fs::remove_file(&cat).unwrap();
    fails(&path, &["cat.png"]);
    fs::write(&cat, &content).unwrap();

    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&weights, other).unwrap();
    assert!(fails(&path, &["weights.safetensors: changed"]).contains("no map is computed"));
    fs::write(&weights, &bytes).unwrap();

    let text = String::from_utf8(whole.clone()).unwrap();
    fs::write(&path, text.replace("\"crop\"", "\"squash\"")).unwrap();
    fails(&path, &["it was altered since it was written", "the network's input: changed"]);
    for (old, new, wrong) in [
        ("\"crop\"", "\"squash\"", "the network's input: changed"),
        ("\"activated\"", "\"none\"", "fine map: not the same bits"),
        ("\"class\":285", "\"class\":281", "coarse map: not the same bits"),
        ("\"method\":\"grad-cam\"", "\"method\":\"layer-cam\"", "coarse map: not the same bits"),
        ("\"largest\":1.0", "\"largest\":2.0", "the receipt's means are not its map's"),
        ("\"points\":[]", "\"points\":[\"input\"]", "it lies on"),
    ] {
        fs::write(&path, &whole).unwrap();
        forge(&path, old, new);
        let said = fails(&path, &[wrong]);
        assert!(!said.contains("altered"), "{said}");
    }
    fs::write(&path, &whole).unwrap();
    forge(&path, "\"program\":\"", "\"program\":\"0");
    assert!(passes(fastest(), &[], &path).contains("program differs"));
    // Logits are compared though nothing demands their bits.
    let logit = read(&path)["receipt"]["inputs"][0]["logits"]["values"][285].as_f64().unwrap() as f32;
    forge(&path, &format!("{logit}"), &format!("{}", logit + 1.0));
    let values = fs::read_to_string(&path).unwrap();
    forge(&path, "\"logits\":{\"sha256\":\"", "\"logits\":{\"sha256\":\"0");
    fails(&path, &["logits: "]);
    fs::write(&path, values).unwrap();
    fails(&path, &["logits: the same bits, but the receipt's values are others"]);
    fs::write(&path, &whole).unwrap();
    forge(&path, "\"shape\":[1,", "\"shape\":[2,");
    fails(&path, &["of shape [2, "]);
    fs::write(&path, &whole).unwrap();
    forge(&path, &format!("\"level\":\"{}\"", fastest()), "\"level\":\"quantum\"");
    let (code, said) = verify(fastest(), &[], &path);
    assert!(code == Some(1) && said.contains("quantum") && said.contains("portable"), "{said}");
}

#[test]
fn what_a_receipt_asks_for_is_bounded() {
    let folder = folder("receipt-bounded");
    let cat = fixture("images/chelsea.png");
    let path = receipt(&folder, &["--method", "smooth-grad", "--samples", "2", "--size", "64"], &[&cat]);
    let whole = fs::read_to_string(&path).unwrap();
    let refused = |old: &str, new: &str, said: &str| {
        fs::write(&path, &whole).unwrap();
        forge(&path, old, new);
        let (code, told) = verify(fastest(), &["--max-memory", "128M"], &path);
        assert!(code == Some(1) && told.contains(said), "`{said}` not in {told}");
    };
    refused("\"samples\":2", "\"samples\":100000000", "samples 100000000: expected");
    refused("\"batch\":null", "\"batch\":1000000", "batch 1000000: expected");
    refused("\"size\":[64,64]", "\"size\":[9000,64]", "9000");
    refused("\"size\":[64,64]", "\"size\":[4000,4000]", "it takes");
    refused("\"weights\":null", "\"weights\":\"/dev/zero\"", "/dev/zero");
    let pipe = folder.join("pipe.png");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for pipe in [pipe.to_str().unwrap(), "/dev/zero"] {
        refused(cat.to_str().unwrap(), pipe, "not a regular file");
    }
    // Batches are made smaller, and nothing depends on them.
    fs::write(&path, &whole).unwrap();
    forge(&path, "\"batch\":null", "\"batch\":4096");
    passes(fastest(), &[], &path);
}

#[test]
fn whoever_stops_reading_leaves_the_verdict_as_it_is() {
    let folder = folder("receipt-unread");
    let path = receipt(&folder, &["--size", "32"], &[&fixture("images/chelsea.png")]);
    let unread = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
        let command = command.arg("verify").arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().unwrap().code()
    };
    assert_eq!(unread(), Some(0));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"squash\"", "\"crop\"")).unwrap();
    assert_eq!(unread(), Some(1));
}

#[test]
fn a_path_in_a_receipt_writes_no_lines_of_its_own() {
    let folder = folder("receipt-lines");
    let path = receipt(&folder, &["--size", "32"], &[&fixture("images/chelsea.png")]);
    forge(&path, "chelsea.png", "none\\n\\u001b[2JPASS");
    let said = fails(&path, &["none\\n\\u{1b}[2JPASS"]);
    assert!(!said.contains('\u{1b}') && !said.lines().any(|line| line.starts_with("PASS")), "{said}");
}

#[test]
fn the_content_of_files_that_a_receipt_names_is_not_told() {
    let folder = folder("receipt-secret");
    let path = receipt(&folder, &["--size", "32"], &[&fixture("images/chelsea.png")]);
    let secret = folder.join("secret");
    fs::write(&secret, "root:x:0:0").unwrap();
    forge(&path, "\"weights\":null", &format!("\"weights\":{secret:?}"));
    let said = fails(&path, &["secret: changed"]);
    assert!(!said.contains("72 6f 6f 74") && !said.contains("root"), "{said}");
}

#[test]
fn what_moved_is_found_in_a_folder() {
    let (folder, moved) = (folder("receipt-moving"), folder("receipt-moved"));
    let batch = folder.join("batch.npy");
    let values = Tensor::from_shape_fn(vec![2, 3, 64, 64], |at| ((at[0] + at[2] * at[3]) % 7) as f32 / 7.0);
    write_npy(&batch, &values).unwrap();
    let path = receipt(&folder, &["--point", "_blocks.15", "--point", "_blocks.10"], &[&batch]);
    passes(fastest(), &[], &path);
    fs::rename(&batch, moved.join("batch.npy")).unwrap();
    fails(&path, &["batch.npy"]);
    passes(fastest(), &["--folder", moved.to_str().unwrap()], &path);
}

#[test]
fn what_is_no_receipt_is_refused() {
    let folder = folder("receipt-none");
    let path = folder.join("receipt.json");
    let refused = |said: &str| {
        let (code, told) = verify(fastest(), &[], &path);
        assert!(code == Some(1) && told.contains("receipt.json") && told.contains(said), "`{said}` not in {told}");
    };
    refused("No such file");
    let (code, told) = verify(fastest(), &[], &folder);
    assert!(code == Some(1) && told.contains("a receipt is a file, and this is a folder"), "{told}");
    let whole = fs::read_to_string(receipt(&folder, &[], &[&fixture("images/chelsea.png")])).unwrap();
    for broken in ["", "{}", "[]", "nonsense", &whole[..whole.len() / 2], &"[".repeat(100_000)] {
        fs::write(&path, broken).unwrap();
        refused("it is no receipt");
    }
    for (old, new, said) in [
        ("\"form\":1", "\"form\":2", "form 2"),
        ("\"form\":1", "\"form\":1,\"more\":1", "unknown field `more`"),
        ("\"resize\":\"squash\"", "\"resize\":\"fold\"", "fold"),
        ("\"grad-cam\"", "\"divination\"", "divination"),
        ("\"efficientnet-lite0\"", "\"leviathan\"", "leviathan"),
        ("\"weights\":null", "\"weights\":\"nowhere.safetensors\"", "nowhere.safetensors"),
        ("\"values\":[", "\"values\":[1e39,", "too large for a float32"),
        ("\"means\":[", "\"means\":[-1e39,", "too large for a float32"),
        ("\"size\":[224,224]", "\"size\":[0,224]", "0"),
        ("\"size\":[224,224]", "\"size\":[400000000000,400000000000]", "400000000000"),
    ] {
        fs::write(&path, whole.replace(old, new)).unwrap();
        let (code, told) = verify(fastest(), &[], &path);
        assert!(code == Some(1) && told.contains(said), "`{said}` not in {told}");
    }
}

#[test]
fn a_receipt_is_written_whole_or_not_at_all() {
    let folder = folder("receipt-whole");
    let (cat, none) = (fixture("images/chelsea.png"), folder.join("none.png"));
    let explain = |receipt: &str, inputs: &[&Path]| {
        let out = folder.join("out");
        run(fastest(), &["explain", "--receipt", receipt, "--out", out.to_str().unwrap()], inputs)
    };
    let output = explain("/proc/self/receipt.json", &[&cat]);
    assert!(code(&output) == Some(1) && stderr(&output).contains("receipt.json cannot be written"), "{output:?}");
    let output = explain("nowhere/receipt.json", &[&cat]);
    assert!(code(&output) == Some(1) && stderr(&output).contains("there is no folder nowhere"), "{output:?}");

    let path = folder.join("receipt.json");
    let output = explain(path.to_str().unwrap(), &[&none]);
    assert!(code(&output) == Some(1) && !path.exists(), "{output:?}");
    let output = explain(path.to_str().unwrap(), &[&none, &cat]);
    assert_eq!(code(&output), Some(1), "{output:?}");
    assert_eq!(read(&path)["receipt"]["inputs"].as_array().unwrap().len(), 1);
    passes(fastest(), &[], &path);
    let beside = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(beside.len(), 2, "{beside:?}");
}
