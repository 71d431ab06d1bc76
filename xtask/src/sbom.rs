//! `cargo xtask sbom`: what a program is made of, as a CycloneDX 1.5 bill of materials.
//!
//! The components are the crates that the package's normal dependencies reach, on one platform, with their versions,
//! licences, and the sha256 that Cargo.lock holds for what the registry sent. The same sources give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::repository;

/// `cargo xtask sbom`.
#[derive(Args)]
pub struct Arguments {
    /// The package that is shipped
    #[arg(long, default_value = "gradex-cli")]
    package: String,
    /// The platform that it is built for
    #[arg(long, default_value = "x86_64-unknown-linux-gnu")]
    target: String,
}

/// Prints the bill.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let words = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &arguments.target];
    let metadata: Value = serde_json::from_str(&repository::standard_output(&cargo, &words)?)?;
    let lock = fs::read_to_string(repository::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let bill = bill(&metadata, &checksums(&lock), &arguments.package)?;
    serde_json::to_writer_pretty(&mut *out, &bill)?;
    Ok(writeln!(out)?)
}

fn bill(metadata: &Value, checksums: &BTreeMap<(String, String), String>, root: &str) -> Result<Value> {
    let packages = by_id(&metadata["packages"])?;
    let nodes = by_id(&metadata["resolve"]["nodes"])?;
    let of_root = packages.iter().find(|(_, package)| package["name"] == root);
    let (root, _) = of_root.with_context(|| format!("there is no package {root}"))?;

    let mut reached = BTreeSet::new();
    let mut next = vec![*root];
    while let Some(id) = next.pop() {
        if reached.insert(id) {
            next.extend(dependencies(nodes.get(id).copied().unwrap_or(&Value::Null)));
        }
    }
    let component = |id: &&str| component(packages.get(id).copied().unwrap_or(&Value::Null), checksums);
    let reference = |id: &str| reference(packages.get(id).copied().unwrap_or(&Value::Null));
    let edges = reached.iter().map(|id| {
        let on: BTreeSet<String> =
            nodes.get(id).into_iter().flat_map(|node| dependencies(node)).map(reference).collect();
        json!({ "ref": reference(id), "dependsOn": on })
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(root) },
        "components": reached.iter().filter(|id| *id != root).map(component).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    }))
}

fn by_id(list: &Value) -> Result<BTreeMap<&str, &Value>> {
    let list = list.as_array().context("`cargo metadata` prints something else than it used to")?;
    Ok(list.iter().filter_map(|entry| Some((entry["id"].as_str()?, entry))).collect())
}

/// The packages that a node needs when it runs: not those of its tests or its build script.
fn dependencies(node: &Value) -> Vec<&str> {
    let is_normal = |edge: &&Value| {
        edge["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    node["deps"].as_array().into_iter().flatten().filter(is_normal).filter_map(|edge| edge["pkg"].as_str()).collect()
}

fn component(package: &Value, checksums: &BTreeMap<(String, String), String>) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": text("name"),
        "version": text("version"),
        "purl": reference(package),
        "licenses": [{ "expression": text("license").replace('/', " OR ") }],
    });
    if let Some(hash) = checksums.get(&(text("name"), text("version"))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    }
    component
}

fn reference(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}

/// The sha256 of each locked package, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.and_then(|line| line.strip_suffix('"')).map(str::to_owned)
    };
    let packages = lock.split("[[package]]");
    packages
        .filter_map(|package| {
            Some(((field(package, "name")?, field(package, "version")?), field(package, "checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Value {
        let package = |id: &str, license: &str| json!({ "id": id, "name": id, "version": "1.0.0", "license": license });
        let edge = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [package("shipped", "MIT"), package("used", "MIT/Apache-2.0"), package("test", "MIT"), package("other", "MIT")],
            "resolve": { "nodes": [
                { "id": "shipped", "deps": [edge("used", Value::Null), edge("test", json!("dev"))] },
                { "id": "used", "deps": [] }, { "id": "test", "deps": [] }, { "id": "other", "deps": [] },
            ] },
        })
    }

    #[test]
    fn what_is_shipped_is_listed_with_its_hash_and_nothing_else() {
        let lock = "[[package]]\nname = \"used\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n\n[[package]]\nname = \"shipped\"\n";
        let bill = bill(&metadata(), &checksums(lock), "shipped").unwrap();
        assert_eq!(bill["metadata"]["component"]["purl"], "pkg:cargo/shipped@1.0.0");
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), 1);
        assert_eq!(components[0]["hashes"][0]["content"], "abc");
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/used@1.0.0"]));
    }

    #[test]
    fn a_package_that_is_not_there_is_named() {
        let error = bill(&metadata(), &BTreeMap::new(), "absent").unwrap_err();
        assert!(error.to_string().contains("absent"));
    }
}
