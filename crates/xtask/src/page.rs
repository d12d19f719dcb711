//! Building the page: trunk, then wasm-opt, then the service worker's list of files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::setup::{Tools, root, run, say};

/// What the browsers that the page needs can do; named one by one, because "all features" writes what none can read.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds the page into `dist/`, and gives where that is.
pub fn build(tools: &Tools) -> Result<PathBuf> {
    let dist = root().join("dist");
    say("page: compiling (a first build takes some minutes)");
    let mut trunk = tools.command("trunk");
    trunk.args(["build", "--cargo-profile", "wasm-release", "--dist"]).arg(&dist);
    // trunk takes NO_COLOR for a flag of its own and does not know the value 1.
    trunk.env_remove("NO_COLOR");
    run(&mut trunk, "trunk build")?;
    for name in ["blumfeld-app_bg.wasm", "worker_bg.wasm"] {
        optimize(tools, &dist.join(name))?;
    }
    stamp(&dist)?;
    say(&format!("page: built, {}", sizes(&dist)?));
    Ok(dist)
}

/// Makes a wasm file smaller and faster.
pub fn optimize(tools: &Tools, file: &Path) -> Result<()> {
    say(&format!("wasm-opt {}", file.file_name().unwrap_or_default().to_string_lossy()));
    let small = file.with_extension("opt");
    let mut command = tools.command("wasm-opt");
    command.args(WASM_FEATURES).args(["-O3", "-o"]).arg(&small).arg(file);
    run(&mut command, "wasm-opt")?;
    fs::rename(small, file)?;
    Ok(())
}

/// Writes the version and the list of files with their hashes into the service worker.
fn stamp(dist: &Path) -> Result<()> {
    let mut files = Vec::new();
    list(dist, dist, &mut files)?;
    files.retain(|name| name != "sw.js");
    files.sort();
    let mut entries = serde_json::Map::new();
    let mut all = Sha256::new();
    for name in files {
        let hash = hex(&Sha256::digest(fs::read(dist.join(&name))?));
        all.update(name.as_bytes());
        all.update(hash.as_bytes());
        entries.insert(name, hash.into());
    }
    let version = hex(&all.finalize())[..16].to_owned();
    let path = dist.join("sw.js");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once("/* stamp:begin */").context("sw.js has no /* stamp:begin */")?;
    let (_, after) = rest.split_once("/* stamp:end */").context("sw.js has no /* stamp:end */")?;
    let list = serde_json::to_string_pretty(&entries)?;
    fs::write(path, format!("{before}const VERSION = \"{version}\";\nconst FILES = {list};{after}"))?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(top: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(top, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(top) {
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

fn sizes(dist: &Path) -> Result<String> {
    let kib = |name: &str| -> Result<u64> { Ok(fs::metadata(dist.join(name))?.len() / 1024) };
    Ok(format!("page {} KiB, engine {} KiB of wasm", kib("blumfeld-app_bg.wasm")?, kib("worker_bg.wasm")?))
}
