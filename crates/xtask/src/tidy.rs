//! The walls between the crates: which may use which.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::setup::{root, say};

/// Each crate with those of ours that it may use. ARCHITECTURE.md says why each wall stands.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("kernel", &[]),
    ("protocol", &["kernel"]),
    ("log", &["kernel", "protocol"]),
    ("broker", &["kernel", "protocol", "log"]),
    ("client", &["kernel", "protocol"]),
    ("sim", &["kernel", "protocol", "log", "broker", "client", "view"]),
    ("view", &[]),
    ("shell", &["kernel", "protocol", "client"]),
    ("console", &["sim", "shell"]),
    ("store", &["kernel"]),
    ("gateway", &["kernel", "protocol", "broker", "sim", "console"]),
    ("wasm", &["kernel", "protocol", "log", "broker", "client", "sim", "shell", "console", "store", "view"]),
    ("app", &["view"]),
    ("xtask", &[]),
    (
        "tests",
        &[
            "kernel", "protocol", "log", "broker", "client", "sim", "shell", "console", "store", "view",
            "wasm",
        ],
    ),
    ("bench", &["broker", "client", "protocol", "sim", "store", "tests", "view", "wasm"]),
];

/// Crates from elsewhere that some of ours must not use: the core knows no clock, no browser and no format but Kafka's. A
/// client knows JSON, for a serializer may make it.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("kernel", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("protocol", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("log", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("broker", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("client", &["wasm-bindgen", "web-sys", "js-sys"]),
    ("sim", &["wasm-bindgen", "web-sys", "js-sys"]),
];

/// A source file longer than this wants to be two.
const LONG_FILE: usize = 800;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// What breaks the rules; nothing, it is hoped.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (name, uses) in graph {
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            found.push(format!("crate {name} has no line in the table of xtask tidy"));
            continue;
        };
        for used in uses {
            let ours = graph.contains_key(used);
            let forbidden =
                FORBIDDEN.iter().any(|(known, list)| known == name && list.contains(&used.as_str()));
            if (ours && !allowed.contains(&used.as_str())) || forbidden {
                found.push(format!("crate {name} must not use {used}"));
            }
        }
    }
    found
}

/// The workspace's crates with what they use, tests left out.
fn graph() -> Result<Graph> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let short = |name: &str| name.strip_prefix("blumfeld-").unwrap_or(name).to_owned();
    Ok((metadata.packages.iter())
        .map(|package| {
            let normal = package.dependencies.iter().filter(|used| used.kind == DependencyKind::Normal);
            (short(&package.name), normal.map(|used| short(&used.name)).collect())
        })
        .collect())
}

/// Checks the walls, and names files that have grown too long.
pub fn run() -> Result<()> {
    let found = violations(&graph()?);
    for violation in &found {
        eprintln!("tidy: {violation}");
    }
    for (path, lines) in long_files()? {
        println!("tidy: {path} has {lines} lines: two files may be clearer");
    }
    if found.is_empty() {
        say("tidy: every crate keeps to its walls");
        return Ok(());
    }
    bail!("{} dependencies are forbidden", found.len())
}

fn long_files() -> Result<Vec<(String, usize)>> {
    let mut long = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                let lines = std::fs::read_to_string(&path)?.lines().count();
                if lines > LONG_FILE {
                    let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                    long.push((name, lines));
                }
            }
        }
    }
    long.sort();
    Ok(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_to_its_walls() {
        assert_eq!(violations(&graph().unwrap()), [""; 0]);
    }

    #[test]
    fn a_forbidden_dependency_is_found() {
        for (name, used, want) in [
            ("app", "sim", "crate app must not use sim"),
            ("log", "broker", "crate log must not use broker"),
            ("client", "log", "crate client must not use log"),
            ("broker", "client", "crate broker must not use client"),
            ("kernel", "serde", "crate kernel must not use serde"),
            ("sim", "wasm-bindgen", "crate sim must not use wasm-bindgen"),
            ("stray", "kernel", "crate stray has no line in the table of xtask tidy"),
        ] {
            let mut graph = graph().unwrap();
            graph.entry(name.to_owned()).or_default().insert(used.to_owned());
            assert_eq!(violations(&graph), [want]);
        }
    }
}
