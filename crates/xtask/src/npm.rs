//! Building the npm package: the engine's module with its bindings, and `www/npm` around it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::page;
use crate::setup::{Tools, root, run, say, target};

const TRIPLE: &str = "wasm32-unknown-unknown";

/// Compiles a program of the crate `wasm` as the page is compiled, binds it to JavaScript, and gives the folder
/// `target/NAME` with `MODULE.js` and `MODULE_bg.wasm`.
pub fn module(tools: &Tools, bin: &str, (folder, name): (&str, &str)) -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--profile", "wasm-release", "--target", TRIPLE, "--package", "blumfeld-wasm"]);
    run(command.args(["--bin", bin]).current_dir(root()), "cargo build")?;
    let target = target();
    let folder = target.join(folder);
    fs::create_dir_all(&folder)?;
    let mut bindgen = tools.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"]).arg(&folder);
    run(
        bindgen.arg(target.join(TRIPLE).join("wasm-release").join(bin).with_extension("wasm")),
        "wasm-bindgen",
    )?;
    page::optimize(tools, &folder.join(format!("{name}_bg.wasm")))?;
    Ok(folder)
}

/// Builds the package into `target/npm`, and gives where that is.
pub fn build(tools: &Tools) -> Result<PathBuf> {
    say("npm package: compiling");
    let folder = module(tools, "npm", ("npm", "engine"))?;
    let sources = root().join("www/npm");
    for entry in fs::read_dir(&sources).with_context(|| format!("cannot read {}", sources.display()))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    fs::copy(root().join("LICENSE"), folder.join("LICENSE"))?;
    say(&format!("npm package: built in {}", folder.display()));
    Ok(folder)
}
