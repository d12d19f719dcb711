//! The walls between the crates: which may use which. And those inside the broker, between its rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::setup::{root, say};

/// Each crate with those of ours that it may use. ARCHITECTURE.md says why each wall stands.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("kernel", &[]),
    ("protocol", &["kernel"]),
    ("log", &["kernel", "protocol"]),
    ("broker", &["kernel", "protocol", "log"]),
    ("client", &["kernel", "protocol"]),
    ("sim", &["kernel", "protocol", "log", "broker", "client", "view"]),
    ("view", &[]),
    ("shell", &["kernel", "protocol", "client"]),
    ("store", &["kernel"]),
    ("gateway", &["kernel", "protocol", "broker", "sim", "shell"]),
    ("blumfeld", &["kernel", "protocol", "sim", "shell", "view", "gateway"]),
    ("wasm", &["kernel", "protocol", "log", "broker", "client", "sim", "shell", "store", "view"]),
    ("app", &["view"]),
    ("xtask", &[]),
    ("tests", &["kernel", "protocol", "log", "broker", "client", "sim", "shell", "store", "view", "wasm"]),
];

/// Crates from elsewhere that some of ours must not use: the core knows no clock, no browser and no format but Kafka's.
/// A client knows JSON, for a serializer may make it.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("kernel", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("protocol", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("log", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("broker", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("client", &["wasm-bindgen", "web-sys", "js-sys"]),
    ("sim", &["wasm-bindgen", "web-sys", "js-sys"]),
];

/// The rooms of the broker. Each may use those that stand before it and no other, so that there are no circles, and a
/// handler (`api`) never sees the node. Tests stand outside.
const ROOMS: [&str; 20] = [
    "reply",
    "call",
    "timers",
    "bug",
    "config",
    "channel",
    "metadata",
    "topic_name",
    "topic_config",
    "broker_config",
    "lifecycle",
    "raft",
    "controller",
    "quorum",
    "replica",
    "coordinator",
    "server",
    "api",
    "node",
    "lib",
];

/// Rooms that stand before others and yet are none of their business, so that a handler's signature says all that it
/// may touch.
const APART: [(&str, &[&str]); 4] = [
    ("call", &["reply"]),
    ("timers", &["reply", "call"]),
    ("replica", &["quorum", "controller"]),
    ("server", &["quorum", "controller", "raft", "lifecycle"]),
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

/// The rooms of its crate that a source names: `crate::node`, `super::super::node`, or one of several in braces.
fn rooms_named(source: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let code = source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>();
    for from in ["crate::", "super::super::"] {
        for after in code.join("\n").split(from).skip(1) {
            let ends = |c: char| !(c.is_alphanumeric() || c == '_');
            let Some(braces) = after.strip_prefix('{') else {
                named.extend(after.split(ends).next().map(str::to_owned));
                continue;
            };
            let mut depth = 0_usize;
            let mut name = String::new();
            for c in braces.chars() {
                match c {
                    '}' if depth == 0 => break,
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => drop(named.insert(std::mem::take(&mut name))),
                    c if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            named.insert(name);
        }
    }
    let first = |name: String| name.trim().split("::").next().unwrap_or_default().to_owned();
    named.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

/// What a file of the broker, named from its `src`, uses and must not.
fn rooms_forbidden(file: &str, source: &str) -> Vec<String> {
    let room = file.split(['/', '.']).next().unwrap_or_default();
    let place = |name: &str| ROOMS.iter().position(|known| *known == name);
    let Some(own) = place(room) else {
        return vec![format!("broker/src/{file} is in no room of xtask tidy")];
    };
    let apart = APART.iter().find(|(known, _)| *known == room).map_or(&[] as &[&str], |(_, apart)| *apart);
    // What is no room is an item of the crate's root, which has none but macros.
    let named = rooms_named(source).into_iter().filter(|name| name != room);
    let bad = named.filter(|name| place(name).is_some_and(|at| at > own) || apart.contains(&name.as_str()));
    bad.map(|name| format!("broker/src/{file} must not use crate::{name}")).collect()
}

/// The rooms of the broker that look where they must not.
fn room_violations() -> Result<Vec<String>> {
    let src = root().join("crates/broker/src");
    let mut found = Vec::new();
    for path in sources(&src)? {
        let file = path.strip_prefix(&src).unwrap_or(&path).display().to_string();
        if !file.ends_with("tests.rs") {
            found.extend(rooms_forbidden(&file, &std::fs::read_to_string(&path)?));
        }
    }
    Ok(found)
}

/// The Rust files of a folder and those in it, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
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
    let mut found = violations(&graph()?);
    found.extend(room_violations()?);
    for violation in &found {
        eprintln!("tidy: {violation}");
    }
    for (path, lines) in long_files()? {
        println!("tidy: {path} has {lines} lines: two files may be clearer");
    }
    if found.is_empty() {
        say("tidy: every crate and every room keeps to its walls");
        return Ok(());
    }
    bail!("{} uses are forbidden", found.len())
}

fn long_files() -> Result<Vec<(String, usize)>> {
    let mut long = Vec::new();
    for folder in ["crates", "tests"] {
        for path in sources(&root().join(folder))? {
            let lines = std::fs::read_to_string(&path)?.lines().count();
            if lines > LONG_FILE {
                let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                long.push((name, lines));
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
    fn the_rooms_of_the_broker_keep_to_their_walls() {
        assert_eq!(room_violations().unwrap(), [""; 0]);
    }

    #[test]
    fn a_handler_that_asks_for_the_node_is_found() {
        let api = ["broker/src/api/fetch.rs must not use crate::node"];
        for source in [
            "use crate::node::Broker;",
            "use crate::{call::Call, node::{Broker, Door}};",
            "fn handle(broker: &mut crate::node::Broker) {}",
            "use super::super::node::Broker;",
        ] {
            assert_eq!(rooms_forbidden("api/fetch.rs", source), api, "{source}");
        }
        for source in ["use crate::server::Server;", "// not crate::node", "use crate::node_types::Id;"] {
            assert_eq!(rooms_forbidden("api/fetch.rs", source), [""; 0], "{source}");
        }
        let reply = ["broker/src/reply.rs must not use crate::call"];
        assert_eq!(rooms_forbidden("reply.rs", "use crate::call::Call;"), reply);
        let server = ["broker/src/server/mod.rs must not use crate::quorum"];
        assert_eq!(rooms_forbidden("server/mod.rs", "use crate::quorum::Quorum;"), server);
        let stray = ["broker/src/stray.rs is in no room of xtask tidy"];
        assert_eq!(rooms_forbidden("stray.rs", ""), stray);
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
