//! The walls between the crates: which may use which. Those inside the broker, between its rooms. And how long lines
//! and files may be.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::font;
use crate::setup::{root, say};

/// Each crate with those of ours that it may use. ARCHITECTURE.md says why each wall stands.
const MAY_USE: [(&str, &[&str]); 27] = [
    ("expect", &[]),
    ("kernel", &[]),
    ("condition", &["kernel", "protocol"]),
    ("filter", &[]),
    ("permalink", &[]),
    ("protocol", &["kernel"]),
    ("log", &["kernel", "protocol"]),
    ("broker", &["kernel", "protocol", "log"]),
    ("client", &["kernel", "protocol"]),
    ("logdirs", &["kernel", "protocol", "log", "broker"]),
    ("zookeeper", &["kernel", "protocol"]),
    ("sim", &["kernel", "protocol", "log", "broker", "client", "condition", "view"]),
    ("view", &[]),
    ("lesson", &["condition"]),
    ("shell", &["kernel", "protocol", "client", "condition"]),
    ("console", &["condition", "sim", "shell"]),
    ("timeline", &["kernel", "condition", "sim", "shell", "console", "view"]),
    ("store", &["kernel"]),
    (
        "gateway",
        &["kernel", "protocol", "broker", "condition", "logdirs", "shell", "sim", "console", "timeline"],
    ),
    ("blumfeld", &["kernel", "protocol", "client", "condition", "sim", "shell", "view", "gateway"]),
    (
        "wasm",
        &[
            "kernel",
            "protocol",
            "log",
            "broker",
            "client",
            "condition",
            "filter",
            "lesson",
            "logdirs",
            "sim",
            "shell",
            "console",
            "timeline",
            "store",
            "permalink",
            "view",
            "zookeeper",
        ],
    ),
    ("app", &["view", "filter", "lesson", "permalink"]),
    ("xtask", &[]),
    ("tests", &["kernel", "protocol", "log", "broker", "sim", "shell", "console"]),
    ("compare", &["kernel", "protocol", "blumfeld"]),
    ("random", &["kernel", "protocol", "broker", "client", "sim", "store", "view", "wasm"]),
    (
        "bench",
        &[
            "kernel",
            "broker",
            "client",
            "protocol",
            "log",
            "sim",
            "store",
            "tests",
            "view",
            "wasm",
            "zookeeper",
        ],
    ),
];

/// Crates from elsewhere that some of ours must not use: the core knows no clock, no browser and no format but Kafka's.
/// A client knows JSON, for a serializer may make it.
const FORBIDDEN: [(&str, &[&str]); 7] = [
    ("kernel", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("protocol", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("log", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("broker", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
    ("zookeeper", &["serde", "wasm-bindgen", "web-sys", "js-sys"]),
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
/// A line has so many characters at most. Formatting sees to code; this sees to comments, and to what it cannot break.
const LONG_LINE: usize = 120;
/// Sources whose long lines are left for now.
const WIDE: [&str; 2] = [
    // Markup in macros is not formatted.
    "crates/app/src/app.rs",
    "crates/app/src/ui/",
];

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
fn room_violations(sources: &[(String, String)]) -> Vec<String> {
    let files =
        sources.iter().filter_map(|(path, text)| Some((path.strip_prefix("crates/broker/src/")?, text)));
    files
        .filter(|(file, _)| !file.ends_with("tests.rs"))
        .flat_map(|(file, text)| rooms_forbidden(file, text))
        .collect()
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

/// Checks the walls and the lines, and names files that have grown too long.
pub fn run() -> Result<()> {
    let sources = sources()?;
    let mut found = violations(&graph()?);
    found.extend(room_violations(&sources));
    found.extend(sources.iter().flat_map(|(path, text)| long_lines(path, text)));
    found.extend(font::missing()?);
    found.extend(class_twins(&style_sheets()?));
    for violation in &found {
        eprintln!("tidy: {violation}");
    }
    for (path, text) in &sources {
        let lines = text.lines().count();
        if lines > LONG_FILE {
            println!("tidy: {path} has {lines} lines: two files may be clearer");
        }
    }
    if found.is_empty() {
        say("tidy: every crate and every room keeps to its walls, and every line to its length");
        return Ok(());
    }
    bail!("{} things break the rules", found.len())
}

/// Lines that are too long. One that holds a string is spared: what Kafka says stays in one piece.
fn long_lines(path: &str, text: &str) -> Vec<String> {
    if WIDE.iter().any(|wide| path.starts_with(wide)) {
        return Vec::new();
    }
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let mut in_string = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let holds_string = in_string || (line.contains('"') && !is_comment(line));
        if !is_comment(line) && line.matches('"').count() % 2 == 1 {
            in_string = !in_string;
        }
        let length = line.chars().count();
        if length > LONG_LINE && !holds_string {
            found.push(format!("{path}:{number} has {length} characters, and {LONG_LINE} are the most"));
        }
    }
    found
}

/// Classes that stand alone as a rule's selector in more than one style sheet: two parts of the page that use one name
/// change each other.
fn class_twins(sheets: &[(String, String)]) -> Vec<String> {
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in sheets {
        // Rules within @media belong to rules outside.
        let mut depth = 0_usize;
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}', ';']) {
            let (before, mark) = (&rest[..at], rest.as_bytes()[at]);
            if mark == b'{' {
                let selectors = before.rsplit_once("*/").map_or(before, |(_, selectors)| selectors);
                let alone = |one: &&str| {
                    let name = one.strip_prefix('.').unwrap_or_default();
                    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                };
                // A comma within brackets separates no selectors.
                for name in selectors.split(',').map(str::trim).filter(alone) {
                    if depth == 0 && !selectors.contains('(') {
                        homes.entry(name).or_default().insert(path);
                    }
                }
                depth += 1;
            } else if mark == b'}' {
                depth = depth.saturating_sub(1);
            }
            rest = &rest[at + 1..];
        }
    }
    let shared = homes.into_iter().filter(|(_, homes)| homes.len() > 1);
    shared
        .map(|(name, homes)| {
            format!("{name} is a rule of {}", homes.into_iter().collect::<Vec<_>>().join(" and of "))
        })
        .collect()
}

/// The page's style sheets with their paths from the root.
fn style_sheets() -> Result<Vec<(String, String)>> {
    let mut sheets = Vec::new();
    for entry in std::fs::read_dir(root().join("www"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|suffix| suffix == "css") {
            let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            sheets.push((name, std::fs::read_to_string(&path)?));
        }
    }
    sheets.sort();
    Ok(sheets)
}

/// Every Rust source with its path from the root, in order.
fn sources() -> Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    let mut folders: Vec<_> =
        ["crates", "tests", "bench", "fuzz", "examples"].map(|folder| root().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                sources.push((name, std::fs::read_to_string(&path)?));
            }
        }
    }
    sources.sort();
    Ok(sources)
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
        assert_eq!(room_violations(&sources().unwrap()), [""; 0]);
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
    fn every_line_keeps_to_its_length() {
        let found: Vec<String> =
            sources().unwrap().iter().flat_map(|(path, text)| long_lines(path, text)).collect();
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_long_line_is_found_unless_it_holds_a_string() {
        let (short, long) = ("x".repeat(LONG_LINE), "x".repeat(LONG_LINE + 1));
        for (line, want) in [
            (short.clone(), 0),
            (long.clone(), 1),
            (format!("// \"{long}\""), 1),
            (format!("say(\"{long}\")"), 0),
            (format!("\"begins\n{long}\nends\""), 0),
        ] {
            assert_eq!(long_lines("crates/log/src/lib.rs", &line).len(), want, "{line}");
        }
        assert_eq!(long_lines("crates/app/src/ui/row.rs", &long), [""; 0]);
    }

    #[test]
    fn a_class_of_two_style_sheets_is_found() {
        assert_eq!(class_twins(&style_sheets().unwrap()), Vec::<String>::new());
        let sheet = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let sheets = [
            sheet(
                "a.css",
                "/* .x { } */ .said { color: red; } .one, .two { } .three .said { } @media (x) { .four { } }",
            ),
            sheet("b.css", ".said { } .a:is(.one, .b) { } .two-more { } .three { } .four { }"),
        ];
        assert_eq!(class_twins(&sheets), [".said is a rule of a.css and of b.css"]);
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
