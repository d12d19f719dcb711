//! Wasm modules: compiled by cargo, bound to JavaScript by wasm-bindgen as a library, and made smaller and faster by
//! wasm-opt where that pays.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::{self, root, run, say, target};

const TRIPLE: &str = "wasm32-unknown-unknown";
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

/// A program that becomes a module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its package.
    pub package: &'static str,
    /// Its program in that package.
    pub bin: &'static str,
    /// What it is called: `NAME.js` and `NAME_bg.wasm`.
    pub name: &'static str,
}

/// How much time a build may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Crate by crate: for a look at the page on this machine.
    Quick,
    /// Optimised over all crates. Beside an optimised build of the same crates it costs no more than a link.
    Linked,
    /// Linked, and run through wasm-opt: about a sixth smaller, for everybody else.
    Optimized,
}

impl Effort {
    fn profile(self) -> &'static str {
        match self {
            Self::Quick => "wasm-quick",
            Self::Linked | Self::Optimized => "wasm-release",
        }
    }
}

/// Builds modules into a folder.
pub fn build(modules: &[Module], folder: &Path, effort: Effort) -> Result<()> {
    compile(modules, effort)?;
    bind(modules, folder, effort)
}

/// Compiles modules. Those that are compiled together share their dependencies; alone, some have others of their
/// features, and so are compiled anew.
pub fn compile(modules: &[Module], effort: Effort) -> Result<()> {
    setup::wasm_target()?;
    let mut command = Command::new("cargo");
    command.args(["build", "--profile", effort.profile(), "--target", TRIPLE]).current_dir(root());
    for module in modules {
        command.args(["--package", module.package, "--bin", module.bin]);
    }
    run(&mut command, "cargo build")
}

/// Writes compiled modules and their bindings into a folder.
pub fn bind(modules: &[Module], folder: &Path, effort: Effort) -> Result<()> {
    fs::create_dir_all(folder)?;
    for Module { bin, name, .. } in modules {
        let file = target().join(TRIPLE).join(effort.profile()).join(bin).with_extension("wasm");
        let bind = || {
            let mut bindgen = Bindgen::new();
            // A module that is not told where its wasm is looks beside itself, as with wasm-bindgen's command line.
            bindgen.input_path(&file).out_name(name).typescript(false).omit_default_module_path(false);
            bindgen.web(true)?.generate(folder)
        };
        bind().with_context(|| format!("wasm-bindgen cannot bind {}", file.display()))?;
    }
    if effort == Effort::Optimized {
        let wasm_opt = setup::wasm_opt()?;
        for Module { name, .. } in modules {
            optimize(&wasm_opt, &folder.join(format!("{name}_bg.wasm")))?;
        }
    }
    Ok(())
}

fn optimize(wasm_opt: &Path, file: &Path) -> Result<()> {
    say(&format!("wasm-opt {}", file.file_name().unwrap_or_default().to_string_lossy()));
    let small = file.with_extension("opt");
    let mut command = Command::new(wasm_opt);
    command.args(WASM_FEATURES).args(["-O3", "-o"]).arg(&small).arg(file);
    run(&mut command, "wasm-opt")?;
    fs::rename(small, file)?;
    Ok(())
}
