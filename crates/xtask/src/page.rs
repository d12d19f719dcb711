//! Building the page: its two modules, the files of `www/`, and the service worker's list of them all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::module::{self, Effort, Module};
use crate::setup::{root, say};

/// The modules of the page.
pub const MODULES: [Module; 2] = [
    Module { package: "blumfeld-app", bin: "blumfeld-app", name: "blumfeld-app" },
    Module { package: "blumfeld-wasm", bin: "worker", name: "worker" },
];

/// Builds the page into `dist/`, and gives where that is.
pub fn build(effort: Effort) -> Result<PathBuf> {
    say("page: compiling (a first build takes some minutes)");
    module::compile(&MODULES, effort)?;
    finish(effort)
}

/// The same of modules that are compiled.
pub fn finish(effort: Effort) -> Result<PathBuf> {
    let dist = root().join("dist");
    if dist.is_dir() {
        fs::remove_dir_all(&dist).with_context(|| format!("cannot empty {}", dist.display()))?;
    }
    module::bind(&MODULES, &dist, effort)?;
    copy_files(&root().join("www"), &dist)?;
    let lessons = dist.join("lessons");
    fs::create_dir_all(&lessons)?;
    copy_files(&root().join("www/lessons"), &lessons)?;
    stamp(&dist)?;
    say(&format!("page: built, {}", sizes(&dist)?));
    Ok(dist)
}

/// Copies the files of a folder, and none of its folders.
pub fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
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
