//! `gradex verify`.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use gradex::Level;

fn verify(arguments: &[&str], level: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gradex"));
    command.arg("verify").args(arguments).env_remove("GRADEX_LEVEL");
    command.envs(level.map(|level| ("GRADEX_LEVEL", level))).output().unwrap()
}

#[test]
fn every_level_of_this_machine_computes_what_pytorch_does() {
    let output = verify(&[], None);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.ends_with("PASS\n") && !said.contains("WRONG"), "{said}");
    for level in Level::available() {
        for part in ["logits", "coarse map", "fine map"] {
            let begins = format!("ok      {level}, {part}: ");
            assert_eq!(said.lines().filter(|line| line.starts_with(&begins)).count(), 2, "{begins} in {said}");
        }
    }
}

#[test]
fn one_level_alone_and_one_that_is_none() {
    let said = String::from_utf8(verify(&["--this-level"], Some("portable")).stdout).unwrap();
    assert!(said.contains("portable") && said.lines().count() == 7, "{said}");
    let output = verify(&["--this-level"], Some("abacus"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("abacus") && said.contains("portable"), "{said}");
}
