use std::fs;

use crate::program::{repository, xtask};
use crate::scratch::Scratch;

#[test]
fn the_committed_table_is_the_current_one_and_another_is_refused() {
    let (scratch, committed) = (Scratch::new(), repository("docs/conformance.md"));
    let check = |path: &dyn AsRef<std::ffi::OsStr>| xtask(&[&"conformance", &"--out", path, &"--check"]);
    let run = check(&committed);
    assert_eq!((run.code, run.error.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.contains("No case fails."), "{}", run.out);

    let copy = scratch.path().join("conformance.md");
    let stale = fs::read_to_string(&committed).unwrap().replace("No case fails.", "All is well.");
    fs::write(&copy, &stale).unwrap();
    let run = check(&copy);
    assert_eq!(run.code, Some(1));
    assert!(run.error.contains("not the current one"), "{}", run.error);
    assert_eq!(fs::read_to_string(&copy).unwrap(), stale, "a check must not write");

    assert_eq!(xtask(&[&"conformance", &"--out", &copy]).code, Some(0));
    assert_eq!(fs::read_to_string(&copy).unwrap(), fs::read_to_string(&committed).unwrap());
}
