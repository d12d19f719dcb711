//! Which tools there are, and how a line finds its own.

use blumfeld_kernel::Process;

use super::toolbox::{Launch, Tool, is_called};
use super::{
    broker, cat, cluster, command_config, configs, console_consumer, console_producer, consumer_groups,
    consumer_perf, delete_records, dump_log, fault, get_offsets, help, leader_election, log_dirs,
    metadata_quorum, odds, producer_perf, reassign, timeline, topics, transactions, until, why, workload,
};
use crate::line::{Input, Line};
use crate::{Environment, ShellError, Started, StdinSource};

/// All tools.
pub const TOOLS: &[Tool] = &[
    Tool::new("kafka-topics.sh", topics::SPECS, topics::start),
    Tool {
        name: "kafka-console-producer.sh",
        specs: console_producer::SPECS,
        reads: true,
        explain: None,
        start: console_producer::start,
    },
    Tool::new("kafka-console-consumer.sh", console_consumer::SPECS, console_consumer::start),
    Tool::new("kafka-consumer-groups.sh", consumer_groups::SPECS, consumer_groups::start),
    Tool::new("kafka-get-offsets.sh", get_offsets::SPECS, get_offsets::start),
    Tool::new("kafka-configs.sh", configs::SPECS, configs::start),
    Tool::new("kafka-delete-records.sh", delete_records::SPECS, delete_records::start),
    Tool::new("kafka-dump-log.sh", dump_log::SPECS, dump_log::start),
    Tool { name: "broker", specs: &[], reads: false, explain: Some(broker::explain), start: broker::start },
    Tool { name: "fault", specs: &[], reads: false, explain: Some(fault::explain), start: fault::start },
    Tool {
        name: "timeline",
        specs: &[],
        reads: false,
        explain: Some(timeline::explain),
        start: timeline::start,
    },
    Tool { name: "until", specs: &[], reads: false, explain: Some(until::explain), start: until::start },
    Tool { name: "why", specs: &[], reads: false, explain: Some(why::explain), start: why::start },
    Tool { name: "odds", specs: &[], reads: false, explain: Some(odds::explain), start: odds::start },
    Tool {
        name: "workload",
        specs: &[],
        reads: false,
        explain: Some(workload::explain),
        start: workload::start,
    },
    Tool::new("kafka-cluster.sh", cluster::SPECS, cluster::start),
    Tool::new("kafka-leader-election.sh", leader_election::SPECS, leader_election::start),
    Tool::new("kafka-log-dirs.sh", log_dirs::SPECS, log_dirs::start),
    Tool::new("kafka-metadata-quorum.sh", metadata_quorum::SPECS, metadata_quorum::start),
    Tool::new("kafka-reassign-partitions.sh", reassign::SPECS, reassign::start),
    Tool::new("kafka-transactions.sh", transactions::SPECS, transactions::start),
    Tool::new("kafka-consumer-perf-test.sh", consumer_perf::SPECS, consumer_perf::start),
    Tool::new("kafka-producer-perf-test.sh", producer_perf::SPECS, producer_perf::start),
    Tool::new("help", &[], |arguments, env, _| help::start(arguments, env, TOOLS)),
    Tool { name: "cat", specs: &[], reads: true, explain: None, start: cat::start },
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
];

/// The sub-commands of a tool.
pub fn commands(tool: &str) -> &'static [&'static str] {
    match tool {
        "kafka-cluster.sh" => &["cluster-id", "list-endpoints", "unregister"],
        "kafka-metadata-quorum.sh" => &["describe"],
        "kafka-transactions.sh" => transactions::COMMANDS,
        "workload" => workload::COMMANDS,
        _ => &[],
    }
}

/// The tool that a command means.
pub fn find(command: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.is_called(command))
}

/// Finds the tool of a line and prepares it.
pub fn start(line: &Line, env: &dyn Environment) -> Result<Started, ShellError> {
    let Some(tool) = find(&line.command) else {
        let known = NOT_YET.iter().find(|tool| is_called(tool, &line.command));
        return Err(match known {
            Some(tool) => ShellError::NotYet((*tool).to_owned()),
            None => ShellError::NotFound(line.command.clone()),
        });
    };
    let stdin = match &line.stdin {
        Some(Input::File(file)) => StdinSource::File(file.clone()),
        Some(Input::Text(text)) => StdinSource::Text(text.clone()),
        None if tool.reads => StdinSource::Terminal,
        None => StdinSource::Empty,
    };
    let (process, stdin): (Box<dyn Process>, _) =
        match command_config::launch(tool, &line.arguments, env, &stdin) {
            Launch::Run(process) => (process, stdin),
            Launch::Reading(process, stdin) => (process, stdin),
            Launch::Print(printed) => (Box::new(printed), stdin),
            Launch::Refuse(error) => return Err(error),
        };
    Ok(Started { process, stdin })
}
