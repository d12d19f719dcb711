//! The gateway under clients that others wrote: those of six libraries, or Apache Kafka's own tools and Java client.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::setup::{self, Java, root, run as run_command};
use crate::{examples, programs};

/// Builds the gateway as fast as it gets without the minutes that optimising over all crates takes, and gives its
/// program.
pub fn gateway() -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build.args(["build", "--profile", "sim", "--package", "blumfeld-gateway"]).current_dir(root());
    run_command(&mut build, "cargo build of the gateway")?;
    Ok(setup::target().join("sim/blumfeld-gateway"))
}

/// Programs of Apache Kafka's own: Kafka Streams with both of its guarantees, and Connect.
const KAFKAS_OWN: [&str; 3] = ["streams", "streams-exactly-once", "connect"];

/// Runs one of the suites. What is not for this command is for the suite, as `--brokers 3`. With the whole suite of
/// Java go Apache Kafka's own programs and the example of JUnit.
pub fn run(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--go") {
        return if args.len() == 1 { examples::go(&gateway()?) } else { bail!("--go takes nothing else") };
    }
    if let Some((_, names)) = args.split_first().filter(|(first, _)| *first == "--programs") {
        return programs::run(names);
    }
    let (chosen, rest): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| *arg == "--java");
    let mut command = if chosen.is_empty() { clients()? } else { java()? };
    command.args(&rest);
    beside(command, &gateway()?)?;
    if chosen.is_empty() || !rest.is_empty() {
        return Ok(());
    }
    programs::run(&KAFKAS_OWN.map(ToOwned::to_owned))?;
    examples::junit(&gateway()?)
}

/// Runs the suite of six libraries against a gateway that is built.
pub fn with(gateway: &Path) -> Result<()> {
    beside(clients()?, gateway)
}

fn beside(mut suite: Command, gateway: &Path) -> Result<()> {
    suite.arg("--gateway").arg(gateway);
    run_command(suite.current_dir(root().join("tests/conformance")), "conformance")
}

fn clients() -> Result<Command> {
    let python = setup::for_conformance()?;
    let mut command = Command::new(&python);
    command.arg("run.py").arg("--python").arg(&python);
    command.arg("--logs").arg(root().join("target/conformance/logs"));
    Ok(command)
}

fn java() -> Result<Command> {
    let Java { lib, client } = setup::for_java()?;
    let mut command = Command::new("python3");
    command.arg("java/suite.py").arg("--lib").arg(lib).arg("--jar").arg(client);
    command.arg("--logs").arg(root().join("target/java/logs"));
    Ok(command)
}
