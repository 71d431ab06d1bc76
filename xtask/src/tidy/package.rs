//! The packages of the workspace, as their manifests declare them.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::repository;

/// A member of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its manifest, from the repository's root.
    pub manifest: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// The root files of its library, programs and build script.
    pub roots: Vec<String>,
}

/// A dependency as declared, whether or not a feature turns it on.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// Its package's name.
    pub name: String,
    /// Whether it is a member of the workspace.
    pub is_internal: bool,
    /// Whether only tests, examples and benches use it.
    pub is_for_tests: bool,
    /// Whether a feature turns it on.
    pub is_optional: bool,
}

/// Every member, from `cargo metadata`. Dependencies are read as declared, so none needs to be resolved or downloaded.
pub fn all() -> Result<Vec<Package>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"];
    let metadata: Value = serde_json::from_str(&repository::standard_output(&cargo, &arguments)?)?;
    let packages = parse(&metadata, &repository::root());
    packages.context("`cargo metadata` prints something else than it used to")
}

fn parse(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    list(metadata, "packages")?.iter().map(|package| parse_package(package, root)).collect()
}

fn parse_package(package: &Value, root: &Path) -> Result<Package> {
    let is_kind =
        |target: &Value, kind: &str| target["kind"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()));
    let ships = |target: &Value| ["lib", "proc-macro", "bin", "custom-build"].iter().any(|kind| is_kind(target, kind));
    let targets = list(package, "targets")?.iter().filter(|target| ships(target));
    Ok(Package {
        name: text(package, "name")?.to_owned(),
        manifest: below(text(package, "manifest_path")?, root),
        dependencies: list(package, "dependencies")?.iter().map(parse_dependency).collect::<Result<_>>()?,
        roots: targets.map(|target| Ok(below(text(target, "src_path")?, root))).collect::<Result<_>>()?,
    })
}

fn parse_dependency(dependency: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(dependency, "name")?.to_owned(),
        is_internal: dependency["path"].is_string(),
        is_for_tests: dependency["kind"] == "dev",
        is_optional: dependency["optional"].as_bool().ok_or_else(|| anyhow!("a dependency has no `optional`"))?,
    })
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().ok_or_else(|| anyhow!("there is no list `{key}`"))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().ok_or_else(|| anyhow!("there is no text `{key}`"))
}

/// An absolute path as one from the root, with `/` between folders.
fn below(path: &str, root: &Path) -> String {
    let path = Path::new(path);
    let below = path.strip_prefix(root).unwrap_or(path);
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_found_with_what_they_declare() {
        let packages = all().unwrap();
        let engine = packages.iter().find(|package| package.name == "gradex-engine").unwrap();
        assert_eq!(engine.manifest, "crates/engine/Cargo.toml");
        assert_eq!(engine.roots, ["crates/engine/src/lib.rs"]);
        let of = |name: &str| engine.dependencies.iter().find(|dependency| dependency.name == name).unwrap();
        assert!(of("gradex-kernels").is_internal && !of("gradex-kernels").is_for_tests);
        assert!(!of("ndarray").is_internal && !of("ndarray").is_optional);

        let kernels = packages.iter().find(|package| package.name == "gradex-kernels").unwrap();
        assert!(kernels.dependencies.iter().any(|dependency| dependency.name == "rayon" && dependency.is_optional));
    }

    #[test]
    fn metadata_of_another_shape_is_an_error() {
        let metadata = serde_json::json!({ "packages": [{ "name": "a", "targets": [], "dependencies": [] }] });
        assert!(parse(&metadata, Path::new("/")).unwrap_err().to_string().contains("manifest_path"));
    }
}
