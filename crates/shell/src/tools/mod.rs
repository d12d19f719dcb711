//! The tools, one file each.

mod admin;
pub mod broker;
mod cluster;
mod configs;
mod console_consumer;
pub(crate) mod console_producer;
mod consumer_groups;
mod consumer_perf;
mod delete_records;
pub(crate) mod fault;
mod file;
mod get_offsets;
mod help;
mod leader_election;
mod line_reader;
mod log_dirs;
mod metadata_quorum;
mod producer_perf;
mod properties;
mod reassign;
mod topics;
pub(crate) mod workload;

use std::sync::Arc;

use blumfeld_client::{ClientConfig, parse_bootstrap};
use blumfeld_kernel::{Context, Input, Instant, Node, Process};

pub use console_consumer::ConsoleConsumer;
pub use console_producer::ConsoleProducer;
pub use consumer_perf::ConsumerPerf;
pub use producer_perf::ProducerPerf;
pub use workload::{Consume, Produce};

use crate::io::{INTERRUPTED, Printed};
use crate::line::Line;
use crate::options::Spec;
use crate::{Environment, Language, ShellError, Started, StdinSource};

/// What a tool is about to do: run, or only write.
pub enum Launch {
    /// Run.
    Run(Box<dyn Process>),
    /// Run, with a dropped file as the standard input whatever the line says.
    Reading(
        /// What.
        Box<dyn Process>,
        /// The file's name.
        String,
    ),
    /// Write and end.
    Print(Printed),
}

impl From<Printed> for Launch {
    fn from(printed: Printed) -> Launch {
        Launch::Print(printed)
    }
}

/// A tool by its name.
pub struct Tool {
    /// `kafka-topics.sh`
    pub name: &'static str,
    /// Its options, for completion.
    pub specs: &'static [Spec],
    /// Whether it reads its standard input.
    reads: bool,
    start: fn(&[String], &dyn Environment, &StdinSource) -> Launch,
}

/// All tools.
pub const TOOLS: &[Tool] = &[
    Tool { name: "kafka-topics.sh", specs: topics::SPECS, reads: false, start: topics::start },
    Tool {
        name: "kafka-console-producer.sh",
        specs: console_producer::SPECS,
        reads: true,
        start: console_producer::start,
    },
    Tool {
        name: "kafka-console-consumer.sh",
        specs: console_consumer::SPECS,
        reads: false,
        start: console_consumer::start,
    },
    Tool {
        name: "kafka-consumer-groups.sh",
        specs: consumer_groups::SPECS,
        reads: false,
        start: consumer_groups::start,
    },
    Tool { name: "kafka-get-offsets.sh", specs: get_offsets::SPECS, reads: false, start: get_offsets::start },
    Tool { name: "kafka-configs.sh", specs: configs::SPECS, reads: false, start: configs::start },
    Tool {
        name: "kafka-delete-records.sh",
        specs: delete_records::SPECS,
        reads: false,
        start: delete_records::start,
    },
    Tool {
        name: "kafka-dump-log.sh",
        specs: crate::dump_log::SPECS,
        reads: false,
        start: crate::dump_log::start,
    },
    Tool { name: "broker", specs: &[], reads: false, start: broker::start },
    Tool { name: "fault", specs: &[], reads: false, start: fault::start },
    Tool { name: "workload", specs: &[], reads: false, start: workload::start },
    Tool { name: "kafka-cluster.sh", specs: cluster::SPECS, reads: false, start: cluster::start },
    Tool {
        name: "kafka-leader-election.sh",
        specs: leader_election::SPECS,
        reads: false,
        start: leader_election::start,
    },
    Tool { name: "kafka-log-dirs.sh", specs: log_dirs::SPECS, reads: false, start: log_dirs::start },
    Tool {
        name: "kafka-metadata-quorum.sh",
        specs: metadata_quorum::SPECS,
        reads: false,
        start: metadata_quorum::start,
    },
    Tool {
        name: "kafka-reassign-partitions.sh",
        specs: reassign::SPECS,
        reads: false,
        start: reassign::start,
    },
    Tool {
        name: "kafka-consumer-perf-test.sh",
        specs: consumer_perf::SPECS,
        reads: false,
        start: consumer_perf::start,
    },
    Tool {
        name: "kafka-producer-perf-test.sh",
        specs: producer_perf::SPECS,
        reads: false,
        start: producer_perf::start,
    },
    Tool { name: "help", specs: &[], reads: false, start: help::start },
    Tool { name: "cat", specs: &[], reads: true, start: |_, _, _| Launch::Run(Box::new(Cat)) },
];

/// Kafka's tools that are not here yet.
const NOT_YET: &[&str] = &[
    "kafka-acls.sh",
    "kafka-broker-api-versions.sh",
    "kafka-client-metrics.sh",
    "kafka-console-share-consumer.sh",
    "kafka-delegation-tokens.sh",
    "kafka-features.sh",
    "kafka-groups.sh",
    "kafka-metadata-shell.sh",
    "kafka-server-start.sh",
    "kafka-server-stop.sh",
    "kafka-share-groups.sh",
    "kafka-storage.sh",
    "kafka-streams-groups.sh",
    "kafka-transactions.sh",
];

/// The sub-commands of a tool.
pub fn commands(tool: &str) -> &'static [&'static str] {
    match tool {
        "kafka-cluster.sh" => &["cluster-id", "list-endpoints", "unregister"],
        "kafka-metadata-quorum.sh" => &["describe"],
        "workload" => workload::COMMANDS,
        _ => &[],
    }
}

/// The tool of a name, which may carry a path (`bin/`) or lack its `.sh`.
pub fn find(command: &str) -> Option<&'static Tool> {
    let name = command.rsplit('/').next().unwrap_or(command);
    TOOLS.iter().find(|tool| tool.name == name || tool.name.strip_suffix(".sh") == Some(name))
}

/// Finds the tool of a line and prepares it.
pub fn start(line: &Line, env: &dyn Environment) -> Result<Started, ShellError> {
    let Some(tool) = find(&line.command) else {
        let name = line.command.rsplit('/').next().unwrap_or(&line.command);
        let known = NOT_YET.iter().find(|tool| **tool == name || tool.strip_suffix(".sh") == Some(name));
        return Err(match known {
            Some(tool) => ShellError::NotYet((*tool).to_owned()),
            None => ShellError::NotFound(line.command.clone()),
        });
    };
    let mut stdin = match &line.stdin {
        Some(file) => StdinSource::File(file.clone()),
        None if tool.reads => StdinSource::Terminal,
        None => StdinSource::Empty,
    };
    if tool.name == "cat" && line.stdin.is_none() {
        match &line.arguments[..] {
            [file] if env.dropped_files().contains(file) => stdin = StdinSource::File(file.clone()),
            [file] if env.read_disk_file(file).is_some() => {
                let bytes = env.read_disk_file(file).unwrap_or_default();
                let printed = Printed::output(String::from_utf8_lossy(&bytes));
                return Ok(Started { process: Box::new(printed), stdin: StdinSource::Empty });
            }
            [file] => return Err(ShellError::NoSuchFile(file.clone())),
            [] => return Err(ShellError::Unsupported("cat without a FILE".to_owned())),
            _ => return Err(ShellError::Unsupported("cat of several files".to_owned())),
        }
    }
    let process: Box<dyn Process> = match (tool.start)(&line.arguments, env, &stdin) {
        Launch::Run(process) => process,
        Launch::Reading(process, file) => {
            stdin = StdinSource::File(file);
            process
        }
        Launch::Print(printed) => Box::new(printed),
    };
    Ok(Started { process, stdin })
}

/// The client settings of a tool, or why its bootstrap servers cannot be used.
pub fn client(bootstrap: &str, client_id: &str) -> Result<ClientConfig, blumfeld_client::ConfigError> {
    Ok(ClientConfig::new(parse_bootstrap(bootstrap)?, client_id))
}

/// Where hints tell people to connect to.
pub fn bootstrap_hint(env: &dyn Environment) -> Arc<str> {
    env.bootstrap().to_string().into()
}

/// `cat FILE`: the standard input, copied.
#[derive(Clone, Debug)]
struct Cat;

impl Node for Cat {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => cx.out.read_stdin(),
            Input::Stdin { bytes } => {
                cx.out.stdout(bytes);
                cx.out.read_stdin();
            }
            Input::StdinClosed => cx.out.exit(0),
            Input::Interrupt => cx.out.exit(INTERRUPTED),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}

/// What a command says that acts on the world around the cluster: alone, or with a language, how it is written. With more
/// it would have to `act`, which no tool can.
fn explained(
    arguments: &[String],
    env: &dyn Environment,
    act: &str,
    explain: fn(Language, &dyn Environment) -> String,
) -> Launch {
    let mut language = env.language();
    for argument in arguments {
        match Language::named(argument) {
            Some(named) => language = named,
            None => {
                let text = format!("blumfeld: there is no world around this console to {act}");
                return Printed::error(text).into();
            }
        }
    }
    Printed::output(explain(language, env)).into()
}
