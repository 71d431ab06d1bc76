//! A page about photographs with good names and bad, and a file that is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::repository::root;

/// The inputs: a name, and the photograph that it holds, if any.
pub const INPUTS: [(&str, Option<&str>); 3] = [
    ("<script>document.title='run'<&>.png", Some("chelsea.png")),
    ("broken.png", None),
    ("rocket.jpg", Some("rocket.jpg")),
];
/// Methods of few passes.
const METHODS: &str = "grad-cam,gradient";
/// Maps of one photograph: Grad-CAM plain and extrapolated; the gradient is as fine as the input.
pub const MAPS: usize = 3;

/// Writes the page, and gives its path.
pub fn make(program: Option<&Path>, folder: &Path) -> Result<PathBuf> {
    let inputs = folder.join("inputs");
    let _ = fs::remove_dir_all(&inputs);
    fs::create_dir_all(&inputs).with_context(|| format!("cannot make {}", inputs.display()))?;
    for (name, photograph) in INPUTS {
        let path = inputs.join(name);
        match photograph {
            Some(photograph) => fs::copy(root().join("fixtures/images").join(photograph), path).map(drop)?,
            None => fs::write(path, "no photograph")?,
        }
    }
    let page = std::path::absolute(folder)?.join("report.html");
    let _ = fs::remove_file(&page);
    let mut command = match program {
        Some(program) => Command::new(std::path::absolute(program)?),
        None => {
            let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
            cargo.args(["run", "--release", "--locked", "--package", "gradex-cli", "--"]);
            cargo
        }
    };
    let status = command
        .args(["report", "--steps", "8"])
        .args(["--methods", METHODS, "-o"])
        .args([&page, &inputs])
        .current_dir(root())
        .status()?;
    ensure!(status.code() == Some(1), "one input is broken, so the program should end with 1: {status}");
    Ok(page)
}
