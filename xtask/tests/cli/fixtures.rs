use std::fs;

use crate::program::{repository, xtask};
use crate::scratch::Scratch;

#[test]
fn the_cases_of_the_repository_are_whole() {
    let run = xtask(&[&"fixtures", &"--check"]);
    assert_eq!((run.code, run.error.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.contains("golden cases"), "{}", run.out);
}

#[test]
fn the_list_names_every_case_and_its_script() {
    let run = xtask(&[&"fixtures"]);
    assert_eq!(run.code, Some(0), "{}", run.error);
    let expected = "networks/vgg16-224x224: ";
    let line = run.out.lines().find(|line| line.starts_with(expected)).unwrap();
    assert!(line.ends_with("fixtures/scripts/networks.py"), "{line}");
}

#[test]
fn one_altered_byte_is_found() {
    let copy = Scratch::new();
    let case = repository("fixtures/layers/relu/plain");
    for name in ["manifest.json", "input.npy", "upstream.npy", "expected_output.npy", "expected_gradient.npy"] {
        copy.write(&format!("layers/relu/plain/{name}"), &fs::read(case.join(name)).unwrap());
    }
    assert_eq!(xtask(&[&"fixtures", &copy.path(), &"--check"]).code, Some(0));

    let input = copy.path().join("layers/relu/plain/input.npy");
    let mut bytes = fs::read(&input).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&input, bytes).unwrap();
    let run = xtask(&[&"fixtures", &copy.path(), &"--check"]);
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("layers/relu/plain/input.npy has sha256"), "{}", run.out);
    assert!(run.error.contains("1 problem"), "{}", run.error);
}

#[test]
fn a_folder_without_cases_fails() {
    let empty = Scratch::new();
    for run in [xtask(&[&"fixtures", &empty.path()]), xtask(&[&"fixtures", &empty.path(), &"--check"])] {
        assert_eq!(run.code, Some(1));
        assert!(run.error.contains("no golden case"), "{}", run.error);
    }
}
