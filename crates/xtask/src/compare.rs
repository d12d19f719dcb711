//! Odd requests to Apache Kafka and to the gateway, and where their answers differ.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::conformance;
use crate::setup::{self, Java, root, run as run_command, say};

/// What both are told beside where they listen: nothing is created by a question, no group waits for members, and no
/// fetch session makes room.
const CONFIGS: &str = include_str!("../../../tests/compare/configs.txt");
/// What is recorded: one in so many requests with one odd place, and so many pairs for each good request and version.
const RECORDED: [&str; 4] = ["--one-in", "25", "--pairs", "3"];
/// So many pairs of a Kafka and a gateway are asked side by side: each waits much of its time.
const SIDES: usize = 2;

/// Compares. With `--record` what Kafka says to a few of the requests, and we say too, is written to the corpus of the
/// tests; everything else is for the comparer, as `--api Fetch`.
pub fn run(args: &[String]) -> Result<()> {
    let (record, rest): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| *arg == "--record");
    let pairs = if record.is_empty() { SIDES } else { 1 };
    let java = setup::for_java()?;
    let gateway = conformance::gateway()?;
    let mut build = Command::new("cargo");
    build.args(["build", "--profile", "sim", "--package", "blumfeld-compare"]).current_dir(root());
    run_command(&mut build, "cargo build of the comparer")?;
    let folder = root().join("target/compare");
    fs::create_dir_all(&folder)?;
    let mut compare = Command::new(setup::target().join("sim/compare"));
    compare.arg("--out").arg(folder.join("differences.txt"));
    if !record.is_empty() {
        compare.args(RECORDED).arg("--record").arg(root().join("tests/compare/corpus.gz"));
    }
    compare.args(&rest);
    let result = beside_kafka(&java, &gateway, (&folder, pairs), compare);
    say(&format!("the differences are in {}", folder.join("differences.txt").display()));
    result
}

/// Runs the comparer on new Kafkas and new gateways.
fn beside_kafka(
    java: &Java,
    gateway: &Path,
    (folder, pairs): (&Path, usize),
    mut compare: Command,
) -> Result<()> {
    let (mut running, mut theirs, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=pairs {
        let own = folder.join(number.to_string());
        fs::create_dir_all(&own)?;
        let (kafka, address) = kafka(java, &own)?;
        let (gateway, listens) = serve(gateway, &own)?;
        running.extend([kafka, gateway]);
        theirs.push(address);
        ours.push(listens);
    }
    compare.args(["--kafka", &theirs.join(","), "--ours", &ours.join(","), "--known"]);
    compare.arg(root().join("tests/compare/known.txt"));
    let result = run_command(&mut compare, "compare");
    drop(running);
    result
}

/// A gateway on the loopback, and its address.
fn serve(gateway: &Path, folder: &Path) -> Result<(Ended, String)> {
    let (ours, ready) = (folder.join("gateway.log"), folder.join("gateway.json"));
    let _ = fs::remove_file(&ready);
    let mut command = Command::new(gateway);
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--ready-file"]).arg(&ready);
    for config in CONFIGS.lines() {
        command.arg("--config").arg(config);
    }
    let log = fs::File::create(ours)?;
    let gateway = Ended(command.stdout(Stdio::null()).stderr(log).spawn().context("the gateway")?);
    let mut said = String::new();
    wait("the gateway", || {
        said = fs::read_to_string(&ready).unwrap_or_default();
        said.contains('}')
    })?;
    let from = said.find("127.0.0.1:").context("the gateway does not say where it listens")?;
    let end = said.split_at(from).1.find('"').context("the gateway does not say where it listens")?;
    Ok((gateway, said.split_at(from).1.split_at(end).0.to_owned()))
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A node of Apache Kafka on the loopback, and its address.
fn kafka(java: &Java, folder: &Path) -> Result<(Ended, String)> {
    let port = || -> Result<u16> { Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port()) };
    let (client, controller) = (port()?, port()?);
    let data: PathBuf = folder.join("kafka");
    if data.is_dir() {
        fs::remove_dir_all(&data)?;
    }
    let (properties, quiet) = (folder.join("kafka.properties"), folder.join("log4j2.properties"));
    // Most of what is sent makes a broker log a stack trace.
    fs::write(&quiet, "status = off\nrootLogger.level = OFF\n")?;
    let mut text = format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{client}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs={}\n",
        data.display()
    );
    text.push_str(CONFIGS);
    fs::write(&properties, text)?;
    let program = |class: &str| {
        let mut command = Command::new("java");
        command.arg("-Xmx512m").arg(format!("-Dlog4j2.configurationFile={}", quiet.display()));
        command.arg("-cp").arg(java.lib.join("*")).arg(class);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut format = program("kafka.tools.StorageTool");
    format.args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]).arg(&properties);
    run_command(&mut format, "kafka-storage.sh format")?;
    let node = Ended(program("kafka.Kafka").arg(&properties).spawn().context("Apache Kafka")?);
    let address = format!("127.0.0.1:{client}");
    wait("Apache Kafka", || TcpStream::connect(&address).is_ok())?;
    Ok((node, address))
}

#[allow(clippy::disallowed_methods, reason = "a process of its own starts in a time of its own")]
fn wait(what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    for _ in 0..600 {
        if there() {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    bail!("{what} did not start within a minute")
}
