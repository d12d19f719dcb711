//! Building the npm package: the engine's module with its bindings, and `www/npm` around it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::module::{self, Effort, Module};
use crate::page::copy_files;
use crate::setup::{root, say, target};

/// The package's module.
pub const MODULE: Module = Module { package: "blumfeld-wasm", bin: "npm", name: "engine" };

/// Builds the package into `target/npm`, and gives where that is.
pub fn build(effort: Effort) -> Result<PathBuf> {
    say("npm package: compiling");
    module::compile(&[MODULE], effort)?;
    finish(effort)
}

/// The same of a module that is compiled.
pub fn finish(effort: Effort) -> Result<PathBuf> {
    let folder = target().join("npm");
    module::bind(&[MODULE], &folder, effort)?;
    copy_files(&root().join("www/npm"), &folder)?;
    fs::copy(root().join("LICENSE"), folder.join("LICENSE"))?;
    say(&format!("npm package: built in {}", folder.display()));
    Ok(folder)
}
