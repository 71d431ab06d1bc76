//! docs/methods.md says of every method what the program says.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use gradex::methods::{self, Settings};

/// Sections of `docs/methods.md` by name.
fn sections() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/methods.md");
    let text = fs::read_to_string(path).unwrap();
    let parts = text.split("\n### ").skip(1);
    let section = |part: &str| {
        let (name, rest) = part.split_once('\n').unwrap();
        let own = rest.split("\n## ").next().unwrap();
        (name.to_owned(), own.to_owned())
    };
    parts.map(section).collect()
}

/// What follows `- **key:**`, on one line.
fn item<'a>(section: &'a str, key: &str) -> Option<&'a str> {
    let marked = format!("- **{key}:** ");
    section.lines().find_map(|line| line.strip_prefix(marked.as_str())).filter(|text| !text.trim().is_empty())
}

#[test]
fn every_method_has_its_section_with_formula_paper_parameters_cost_and_pitfalls() {
    let sections = sections();
    for method in methods::all(&Settings::default()) {
        let about = method.about();
        let name = about.name;
        let mut found = sections.iter().filter(|(known, _)| known == name);
        let Some((_, section)) = found.next() else { panic!("docs/methods.md has no section `### {name}`") };
        assert!(found.next().is_none(), "{name} has two sections");
        let formula = section.split("- **").next().unwrap().trim();
        assert!(formula.contains(char::is_alphanumeric), "{name}: no formula before its items");
        assert_eq!(item(section, "Paper"), Some(about.paper), "{name}");
        assert_eq!(item(section, "Cost"), Some(about.cost), "{name}");
        for key in ["Parameters", "Pitfalls"] {
            assert!(item(section, key).is_some(), "{name}: nothing about {key}");
        }
    }
}

#[test]
fn no_section_is_about_a_method_that_there_is_not() {
    let all: Vec<&str> = methods::all(&Settings::default()).iter().map(|method| method.about().name).collect();
    let strays: Vec<String> =
        sections().into_iter().map(|(name, _)| name).filter(|name| !all.contains(&name.as_str())).collect();
    assert_eq!(strays, Vec::<String>::new(), "sections without a method");
}
