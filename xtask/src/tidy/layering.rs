//! Dependencies go one way, downward in the table of ARCHITECTURE.md, and the core stands on ndarray alone.

use super::package::{Dependency, Package};
use super::{Violation, Workspace};

/// What each crate of the library may use of the others.
const LAYERS: [(&str, &[&str]); 11] = [
    ("gradex-kernels", &[]),
    ("gradex-engine", &["gradex-kernels"]),
    ("gradex-models", &["gradex-engine"]),
    ("gradex-saliency", &["gradex-engine", "gradex-kernels"]),
    ("gradex-metrics", &["gradex-engine", "gradex-saliency"]),
    ("gradex-conformance", &["gradex-engine", "gradex-models", "gradex-saliency"]),
    ("gradex-formats", &[]),
    ("gradex-render", &[]),
    (
        "gradex",
        &[
            "gradex-engine",
            "gradex-formats",
            "gradex-kernels",
            "gradex-metrics",
            "gradex-models",
            "gradex-render",
            "gradex-saliency",
        ],
    ),
    ("gradex-ffi", &["gradex"]),
    ("gradex-wasm", &["gradex-ffi"]),
];

/// Packages that may use everything, and that nothing may use.
const TOPMOST: [&str; 3] = ["gradex-cli", "gradex-tests", "xtask"];

/// Crates that outside their tests use ndarray and, where a feature asks for it, rayon.
const CORE: [&str; 4] = ["gradex-kernels", "gradex-engine", "gradex-saliency", "gradex-metrics"];

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let names = LAYERS.iter().map(|(name, _)| *name).chain(TOPMOST);
    let absent = names.filter(|name| workspace.packages.iter().all(|package| package.name != *name));
    let absent = absent.map(|name| Violation::in_file("Cargo.toml", format!("no package {name} is in the workspace")));
    absent.chain(workspace.packages.iter().flat_map(of_package)).collect()
}

fn of_package(package: &Package) -> Vec<Violation> {
    let forbidden = package.dependencies.iter().filter_map(|dependency| {
        let why = if dependency.is_internal {
            forbidden_layer(&package.name, &dependency.name)
        } else {
            forbidden_in_core(&package.name, dependency)
        }?;
        Some(format!("{} depends on {}: {why}", package.name, dependency.name))
    });
    forbidden.map(|what| Violation::in_file(&package.manifest, what)).collect()
}

fn forbidden_layer(package: &str, dependency: &str) -> Option<String> {
    if TOPMOST.contains(&dependency) {
        return Some("nothing may".to_owned());
    }
    if TOPMOST.contains(&package) {
        return None;
    }
    match LAYERS.iter().find(|(name, _)| *name == package) {
        None => Some("it has no layer yet; give it one in xtask/src/tidy/layering.rs".to_owned()),
        Some((_, allowed)) if allowed.contains(&dependency) => None,
        Some((_, [])) => Some("it may depend on no other crate of gradex".to_owned()),
        Some((_, allowed)) => Some(format!("of gradex it may depend on {}", allowed.join(", "))),
    }
}

fn forbidden_in_core(package: &str, dependency: &Dependency) -> Option<String> {
    if !CORE.contains(&package) || dependency.is_for_tests {
        return None;
    }
    match dependency.name.as_str() {
        "ndarray" => None,
        "rayon" if dependency.is_optional => None,
        "rayon" => Some("it must be optional".to_owned()),
        _ => Some("the core stands on ndarray alone".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn internal(name: &str) -> Dependency {
        Dependency { name: name.to_owned(), is_internal: true, is_for_tests: false, is_optional: false }
    }

    fn third_party(name: &str) -> Dependency {
        Dependency { is_internal: false, ..internal(name) }
    }

    fn package(name: &str, dependencies: Vec<Dependency>) -> Package {
        Package { name: name.to_owned(), manifest: format!("{name}/Cargo.toml"), dependencies, roots: Vec::new() }
    }

    /// A whole workspace, in which one package has these dependencies.
    fn with(name: &str, dependency: Dependency) -> Vec<Violation> {
        let names = LAYERS.iter().map(|(name, _)| *name).chain(TOPMOST);
        let packages = names.map(|other| package(other, if other == name { vec![dependency.clone()] } else { vec![] }));
        violations(&Workspace { packages: packages.collect(), ..Workspace::default() })
    }

    #[test]
    fn allowed_edges_pass() {
        for (package, dependency) in [
            ("gradex-engine", internal("gradex-kernels")),
            ("gradex-engine", third_party("ndarray")),
            ("gradex-kernels", Dependency { is_optional: true, ..third_party("rayon") }),
            ("gradex-kernels", Dependency { is_for_tests: true, ..third_party("approx") }),
            ("gradex", internal("gradex-render")),
            ("gradex-render", third_party("image")),
            ("xtask", internal("gradex")),
        ] {
            assert_eq!(with(package, dependency), []);
        }
    }

    #[test]
    fn edges_upward_fail_even_for_tests() {
        for (package, dependency) in [
            ("gradex-kernels", "gradex-engine"),
            ("gradex-engine", "gradex-models"),
            ("gradex-models", "gradex-saliency"),
            ("gradex-formats", "gradex-engine"),
            ("gradex-saliency", "gradex"),
            ("gradex", "gradex-cli"),
            ("gradex-tests", "xtask"),
        ] {
            let found = with(package, Dependency { is_for_tests: true, ..internal(dependency) });
            assert_eq!(places(&found), [format!("{package}/Cargo.toml")], "{package} on {dependency}");
            assert!(found[0].what.contains(dependency), "{}", found[0]);
        }
    }

    #[test]
    fn the_core_takes_nothing_but_ndarray_and_optional_rayon() {
        for dependency in [third_party("rayon"), third_party("serde"), third_party("image")] {
            assert_eq!(with("gradex-engine", dependency).len(), 1);
        }
        // Models are no core.
        assert_eq!(with("gradex-models", third_party("serde")), []);
    }

    #[test]
    fn packages_without_a_layer_and_layers_without_a_package_fail() {
        let mut workspace = Workspace::default();
        assert_eq!(violations(&workspace).len(), LAYERS.len() + TOPMOST.len());
        workspace.packages.push(package("gradex-new", vec![internal("gradex-kernels")]));
        assert!(violations(&workspace).iter().any(|violation| violation.what.contains("no layer yet")));
    }
}
