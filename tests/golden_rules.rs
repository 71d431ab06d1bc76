//! Relevance rules on single layers against zennit, and changed gradients against TorchRay, in float64.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use gradex_engine::{Site, values};
use gradex_saliency::rules::{FORMS, parse};
use gradex_tests::{Case, LayerCase, cases, difference};

const SMALLEST_COSINE: f64 = 0.99999;

/// The case's files, without what tells inputs apart, and the text of the rule behind each.
fn rules(case: &Case) -> Vec<(&str, &str)> {
    let rules = case.manifest["rules"].as_object().expect("rules");
    rules.iter().map(|(file, rule)| (file.as_str(), rule.as_str().expect("a rule"))).collect()
}

/// What lies outside the tolerance in one case.
fn problems(case: &Case) -> Vec<String> {
    let layer = LayerCase::read(case);
    layer.at_site(&layer.inputs, |site, _| problems_at(site, case, &layer))
}

fn problems_at(site: &Site<'_>, case: &Case, layer: &LayerCase) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, text) in rules(case) {
        let sent = parse(text).expect("a rule").propagate(site, &layer.upstream).expect("relevance").inputs;
        assert_eq!(sent.len(), layer.suffixes.len(), "{} {text}", case.name());
        for (sent, suffix) in sent.iter().zip(&layer.suffixes) {
            let expected = case.array::<f64>(&format!("{file}{suffix}"));
            assert_eq!(sent.shape(), expected.shape(), "{} {text}", case.name());
            let expected = expected.as_slice().expect("row-major");
            let difference = difference(&values(sent), expected, layer.tolerances[1]);
            if !difference.is_within() || difference.cosine < SMALLEST_COSINE {
                let again = case.regenerate();
                problems.push(format!("{} {text}{suffix}: {difference}\n    regenerate by `{again}`", case.name()));
            }
        }
    }
    problems
}

#[test]
fn every_rule_agrees_with_its_peer() {
    let problems: Vec<String> = cases("rules").iter().flat_map(problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The gradient's goldens are the layers' own.
#[test]
fn every_rule_has_cases() {
    let name = |text: &str| text.split('(').next().unwrap_or_default().to_owned();
    let cases = cases("rules");
    let tried: BTreeSet<String> = cases.iter().flat_map(rules).map(|(_, text)| name(text)).collect();
    let all = FORMS.iter().map(|form| name(form)).filter(|name| name != "gradient");
    assert_eq!(tried, all.collect());
}
