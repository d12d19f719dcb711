//! What both kinds of clusters do to their world.

use std::time::Duration;

use blumfeld_condition::Condition;
use blumfeld_kernel::Endpoint;
use blumfeld_protocol::record_batch::Batch;
use blumfeld_shell::{Environment, Started, StdinSource};
use blumfeld_sim::{Output as Written, ProcessId, Wait, World};

use crate::{Error, Record, View};

/// Reads a condition.
pub(crate) fn condition(text: &str) -> Result<Condition, Error> {
    Condition::parse(text).map_err(|error| Error::Refused(error.pointed(text, false)))
}

/// What keeps a condition from being so, and how the cluster stands, for the error.
pub(crate) fn kept(wait: &Wait, world: &World) -> String {
    let told: String = wait.told(world).iter().map(|clause| format!("{clause}; ")).collect();
    told + &View::of(world).told()
}

/// What a console tool wrote, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its standard output. What is not UTF-8 is replaced.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit code.
    pub exit: i32,
}

/// What a line can refer to: the cluster and nothing of the machine that the test runs on.
struct Around {
    bootstrap: Endpoint,
    topics: Vec<String>,
}

impl Environment for Around {
    fn bootstrap(&self) -> Endpoint {
        self.bootstrap.clone()
    }

    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }
}

/// Something that processes of the world do, and that is waited for.
pub(crate) trait Job {
    /// What comes of it.
    type Outcome;
    /// What came of it, once it is over.
    fn look(&mut self, world: &mut World) -> Option<Self::Outcome>;
    /// Ends it where it is, and gives what it said until then.
    fn end(&mut self, world: &mut World) -> String;
    /// What is so once it is over, for the error.
    fn goal(&self) -> String;
}

/// A console tool that runs.
pub(crate) struct Running {
    process: ProcessId,
    line: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Running {
    /// Starts a tool with this standard input.
    pub fn start(world: &mut World, line: &str, stdin: &str) -> Result<Running, Error> {
        let bootstrap = world.config().brokers.first().map(|broker| broker.advertised.clone());
        let around = Around {
            bootstrap: bootstrap.unwrap_or_else(|| Endpoint::new("localhost", 9_092)),
            topics: world.topic_names(),
        };
        let Started { process, stdin: said } =
            blumfeld_shell::start(line, &around).map_err(|error| Error::Refused(error.to_string()))?;
        let process = world.spawn(process);
        if let StdinSource::Text(text) = said {
            world.write_stdin(process, text.into());
        }
        if !stdin.is_empty() {
            world.write_stdin(process, stdin.to_owned().into());
        }
        world.close_stdin(process);
        Ok(Running { process, line: line.to_owned(), stdout: Vec::new(), stderr: Vec::new() })
    }

    /// Takes what it has written, and its exit code if it has ended.
    fn take(&mut self, world: &mut World) -> Option<i32> {
        let mut exit = None;
        for written in world.take_output(self.process) {
            match written {
                Written::Stdout(bytes) => self.stdout.extend_from_slice(&bytes),
                Written::Stderr(bytes) => self.stderr.extend_from_slice(&bytes),
                Written::Exit(code) => exit = Some(code),
            }
        }
        exit
    }
}

impl Job for Running {
    /// What it wrote, and how it ended.
    type Outcome = Output;

    fn look(&mut self, world: &mut World) -> Option<Output> {
        let exit = self.take(world)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Output { exit, stdout: text(&self.stdout), stderr: text(&self.stderr) })
    }

    fn end(&mut self, world: &mut World) -> String {
        self.take(world);
        world.kill(self.process);
        drop(world.take_output(self.process));
        let said = if self.stderr.is_empty() { &self.stdout } else { &self.stderr };
        String::from_utf8_lossy(said).trim().to_owned()
    }

    fn goal(&self) -> String {
        format!("`{}` has ended", self.line)
    }
}

/// The line that creates a topic.
pub(crate) fn create_topic(
    bootstrap: &str,
    name: &str,
    partitions: u32,
    replication_factor: u16,
    configs: &[(&str, &str)],
) -> String {
    let mut line = format!(
        "kafka-topics.sh --bootstrap-server {bootstrap} --create --topic {} --partitions {partitions} \
         --replication-factor {replication_factor}",
        quoted(name)
    );
    for (key, value) in configs {
        line += &format!(" --config {}", quoted(&format!("{key}={value}")));
    }
    line
}

/// A text as one word of a line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The output of a tool that was to succeed.
pub(crate) fn succeeded(line: &str, output: Output) -> Result<Output, Error> {
    if output.exit == 0 {
        return Ok(output);
    }
    let said = if output.stderr.is_empty() { output.stdout } else { output.stderr };
    Err(Error::Tool { line: line.to_owned(), exit: output.exit, said: said.trim().to_owned() })
}

/// All records of a topic below the high watermarks, by partition and offset. Control batches are left out.
pub(crate) fn records(world: &World, topic: &str) -> Vec<Record> {
    let mut found = Vec::new();
    let Some(view) = world.topic_views().into_iter().find(|view| view.name == topic) else { return found };
    for partition in view.partitions {
        let number = partition.partition;
        let holder = world.holder_of(topic, number).and_then(|node| world.broker(node));
        let Some(replica) = holder.and_then(|broker| broker.replicas().get(topic, number)) else { continue };
        let log = replica.log();
        let batches =
            log.browse(log.log_start()).map(|(_, _, batch)| batch).filter(|batch| !batch.is_control());
        let all = batches.flat_map(|batch: &Batch| batch.records().into_iter().flatten().flatten());
        let records = all.filter(|one| (partition.log_start..partition.high_watermark).contains(&one.offset));
        found.extend(records.map(|one| {
            Record {
                partition: number,
                offset: one.offset,
                timestamp: one.timestamp,
                key: one.key,
                value: one.value,
                headers: one
                    .headers
                    .into_iter()
                    .map(|header| (String::from_utf8_lossy(&header.key).into_owned(), header.value))
                    .collect(),
            }
        }));
    }
    found
}

/// What a job was waited for in vain: what is not so, and what it said.
pub(crate) fn not_ended(goal: String, said: &str, after: Duration, state: &str) -> Error {
    /// Of what a job said so many characters are told, the last ones.
    const TOLD: usize = 600;
    let skipped = said.chars().count().saturating_sub(TOLD);
    let end: String = said.chars().skip(skipped).collect();
    let said = if end.is_empty() { String::new() } else { format!(" It said: {end}") };
    Error::NotYet { what: goal, after, state: format!("{state}{said}") }
}
