//! Programs that people run, against the gateway: streams, connectors, mirrors, and the clients of more languages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::setup::{self, root, run as run_command, say};
use crate::{conformance, examples};

/// What a program is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Python,
    Go,
    Cargo,
    Java,
    Node,
}

impl Need {
    fn read(word: &str) -> Result<Need> {
        Ok(match word {
            "python" => Need::Python,
            "go" => Need::Go,
            "cargo" => Need::Cargo,
            "java" => Need::Java,
            "node" => Need::Node,
            other => bail!("programs.json: nobody knows how to set up '{other}'"),
        })
    }
}

/// Runs those that are named, or all. What they need is fetched and built first.
pub fn run(names: &[String]) -> Result<()> {
    let folder = root().join("tests/programs");
    let needs = needs(&folder.join("programs.json"), names)?;
    // The runner's too: some programs are driven from Python, and write and read with its packages.
    let python = setup::python(&folder.join("python/requirements.txt"), &made().join("venv"))?;
    for need in needs {
        match need {
            Need::Python => {}
            Need::Go => go(&folder.join("go"))?,
            Need::Cargo => rskafka(&folder.join("rskafka"))?,
            Need::Java => java(&folder.join("java"))?,
            Need::Node => node(&folder.join("node"))?,
        }
    }
    let mut command = Command::new(&python);
    command.arg("run.py").arg("--gateway").arg(conformance::gateway()?);
    command.arg("--target").arg(setup::target()).args(names);
    command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    run_command(&mut command, "programs")
}

/// Where what is fetched and built for them is.
fn made() -> PathBuf {
    setup::target().join("programs")
}

/// What has to be set up for those that are named, or for all.
fn needs(table: &Path, names: &[String]) -> Result<BTreeSet<Need>> {
    let text = std::fs::read_to_string(table).with_context(|| format!("cannot read {}", table.display()))?;
    let table: Vec<Value> = serde_json::from_str(&text).context("programs.json")?;
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    if let Some(name) = names.iter().find(|name| table.iter().all(|line| word(line, "name") != **name)) {
        let known: Vec<String> = table.iter().map(|line| word(line, "name")).collect();
        bail!("there is no program '{name}', but {}", known.join(", "));
    }
    let chosen = table.iter().filter(|line| names.is_empty() || names.contains(&word(line, "name")));
    chosen.map(|line| Need::read(&word(line, "needs"))).collect()
}

fn go(folder: &Path) -> Result<()> {
    setup::go()?;
    say("programs of Go: building");
    // With a slash at the end it is a folder to put each into.
    let out = format!("{}/", made().join("go").display());
    std::fs::create_dir_all(&out)?;
    run_command(Command::new("go").args(["build", "-o", &out, "./..."]).current_dir(folder), "go build")
}

fn rskafka(folder: &Path) -> Result<()> {
    setup::c_compiler()?;
    say("program of rskafka: building");
    let mut command = Command::new("cargo");
    command.args(["build", "--locked"]).current_dir(folder);
    // Beside the example that has the same crates.
    run_command(examples::in_one_target(&mut command), "cargo build of the program of rskafka")
}

fn java(folder: &Path) -> Result<()> {
    let java = made().join("java");
    setup::jdk()?;
    setup::jars("jars of Streams, Connect, MirrorMaker and Spring", &folder.join("pom.xml"), &java)?;
    setup::javac(&java, &["Streams.java", "Spring.java"].map(|name| folder.join(name)))
}

fn node(folder: &Path) -> Result<()> {
    setup::c_compiler()?;
    setup::npm(folder, "node-rdkafka (to compile it takes some minutes)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_can_be_set_up_and_no_other_is_known() {
        let table = root().join("tests/programs/programs.json");
        let all = [Need::Python, Need::Go, Need::Cargo, Need::Java, Need::Node];
        assert_eq!(needs(&table, &[]).unwrap(), BTreeSet::from(all));
        assert_eq!(needs(&table, &["sarama".to_owned()]).unwrap(), BTreeSet::from([Need::Go]));
        assert!(needs(&table, &["samara".to_owned()]).is_err());
    }
}
