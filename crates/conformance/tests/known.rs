//! Every rule of gradex on every layer.
#![allow(clippy::expect_used, clippy::panic)]

use gradex_conformance::{Report, Table, check_known};
use gradex_saliency::rules::FORMS;

#[test]
fn every_rule_passes_every_case() {
    let reports = check_known().expect("cases");
    println!("{}", Table(&reports));
    let failing: Vec<String> = reports.iter().filter(|report| !report.passes()).map(Report::to_string).collect();
    assert!(failing.is_empty(), "{}", failing.join("\n"));
}

#[test]
fn every_rule_that_can_be_written_is_checked() {
    let reports = check_known().expect("cases");
    for form in FORMS {
        let name = form.split('(').next().expect("a name");
        let is = |report: &Report| report.rule.split('(').next() == Some(name);
        assert!(reports.iter().any(is), "{form}");
    }
}
