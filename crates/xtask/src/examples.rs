//! The examples, run as a reader of theirs runs them: each is a project of its own, with the crates and the gateway of
//! this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::setup::{self, root, run as run_command, say};
use crate::test;

/// Examples that `cargo test` runs.
const RUST: [&str; 3] = ["rust-rskafka", "rust-rdkafka", "rust-wasm"];
/// The one of them that runs in a browser as well.
const IN_BROWSER: &str = "rust-wasm";

/// Runs those of Rust and of Python, the latter beside a gateway that is built.
pub fn run(gateway: &Path) -> Result<()> {
    setup::c_compiler()?;
    for name in RUST {
        rust(name)?;
    }
    setup::wasm_target()?;
    let (tools, browser) = setup::for_tests()?;
    say(&format!("example {IN_BROWSER} in the browser"));
    let mut command = test::in_browser(&tools, &browser, &folder(IN_BROWSER))?;
    run_command(in_one_target(&mut command), "wasm-pack test")?;
    pytest(gateway)
}

/// Runs the one of Go.
pub fn go(gateway: &Path) -> Result<()> {
    setup::go()?;
    beside_a_cluster(gateway, "go", &["go", "test", "-count=1", "./..."])
}

/// Runs the one of JUnit.
pub fn junit(gateway: &Path) -> Result<()> {
    setup::maven()?;
    beside_a_cluster(gateway, "junit", &["mvn", "--batch-mode", "--quiet", "test"])
}

fn pytest(gateway: &Path) -> Result<()> {
    let python = setup::conformance_python()?;
    let flags = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];
    let python = python.to_string_lossy();
    beside_a_cluster(gateway, "pytest", &[&[&*python], flags.as_slice()].concat())
}

fn rust(name: &str) -> Result<()> {
    say(&format!("example {name}"));
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(folder(name));
        run_command(in_one_target(&mut command), &format!("cargo {} of {name}", args.join(" ")))
    };
    cargo(&["fmt", "--check"])?;
    cargo(&["test"])
}

/// Runs a command of an example beside three brokers.
fn beside_a_cluster(gateway: &Path, name: &str, line: &[&str]) -> Result<()> {
    say(&format!("example {name}"));
    let mut command = Command::new(gateway);
    command.args(["exec", "--brokers", "3", "--log-level", "warn", "--"]).args(line);
    command.current_dir(folder(name));
    command.env("BLUMFELD_GATEWAY", gateway).env("PYTHONDONTWRITEBYTECODE", "1");
    run_command(&mut command, &format!("{} of {name}", line.join(" ")))
}

fn folder(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// Has cargo build into one folder for all examples: what they have in common is built once.
pub fn in_one_target(command: &mut Command) -> &mut Command {
    let target: &Path = &setup::target().join("examples");
    command.env("CARGO_TARGET_DIR", target).env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
}
