//! `kafka-leader-election.sh` (org.apache.kafka.tools.LeaderElectionCommand).

use std::collections::BTreeSet;

use serde_json::Value;

use blumfeld_client::admin::{AdminRequest, AdminResponse, ElectionType};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::admin::{AdminProcess, AdminTool, Step, execution_failed, no_client, thrown};
use super::file::{FromFile, launch};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{Printed, out};
use crate::java::partition_map_order;
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    not_yet("admin.config", Argument::Required("file")),
    flag("all-topic-partitions", "Elect leaders of all partitions that need one"),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    COMMAND_CONFIG,
    value(
        "election-type",
        "type",
        "`preferred`: the first replica; `unclean`: any that lives, which can lose records (required)",
    ),
    flag("help", "Show this"),
    value("partition", "number", "The partition of --topic"),
    value("path-to-json-file", "file", "A dropped file with the partitions, as JSON"),
    value("topic", "topic", "The topic"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.";
const FAILED: &str = "org.apache.kafka.tools.AdminCommandFailedException";
const OPERATION: &str = "org.apache.kafka.tools.AdminOperationException";

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let refused = |error: OptionError| {
        let text = format!("{error}\n{}", error.trace());
        error.printed(&bootstrap_hint(env), text)
    };
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => return refused(error).into(),
    };
    if let Some(printed) = help_or_version(SPECS, &options, ABOUT).or_else(|| check(&options)) {
        return printed.into();
    }
    let election = match options.values("election-type").last().unwrap_or_default() {
        text if text.eq_ignore_ascii_case("preferred") => ElectionType::Preferred,
        text if text.eq_ignore_ascii_case("unclean") => ElectionType::Unclean,
        text => {
            let message = format!("Cannot parse argument '{text}' of option election-type");
            let cause = format!(
                "Caused by: joptsimple.ValueConversionException: Value [{text}] is not one of [[PREFERRED,UNCLEAN]]\n"
            );
            return thrown("joptsimple.OptionArgumentConversionException", &message, &cause).into();
        }
    };
    let partitions = match (options.value("topic"), options.number::<i32>("partition")) {
        (Err(error), _) | (_, Err(error)) => return refused(error).into(),
        (Ok(Some(topic)), Ok(Some(partition))) => {
            Some(BTreeSet::from([TopicPartition::new(topic, partition)]))
        }
        _ => None,
    };
    let tool = Elect { election, partitions };
    let config =
        match client(options.values("bootstrap-server").last().unwrap_or_default(), "adminclient-1", env) {
            Ok(config) => config,
            Err(error) => return no_client(&error).into(),
        };
    let Some(file) = options.values("path-to-json-file").last() else {
        return Launch::Run(Box::new(AdminProcess::new(config, tool)));
    };
    launch(&config, file, tool, env, stdin).unwrap_or_else(|| {
        let cause = format!("java.io.IOException: Unable to read file {file}");
        let causes = format!("Caused by: {cause}\nCaused by: java.nio.file.NoSuchFileException: {file}\n");
        thrown("java.lang.RuntimeException", &cause, &causes).into()
    })
}

/// LeaderElectionCommandOptions.validate
fn check(options: &Options) -> Option<Printed> {
    let failed = |message: &str| Some(thrown(FAILED, message, ""));
    let required = ["bootstrap-server", "election-type"];
    let missing: Vec<&str> = required.into_iter().filter(|name| !options.has(name)).collect();
    if !missing.is_empty() {
        return failed(&format!("Missing required option(s): {}", missing.join(", ")));
    }
    let which = ["topic", "all-topic-partitions", "path-to-json-file"];
    if which.iter().filter(|name| options.has(name)).count() != 1 {
        return failed(&format!(
            "One and only one of the following options is required: {}",
            which.join(", ")
        ));
    }
    match (options.has("topic"), options.has("partition")) {
        (true, false) => failed("Missing required option(s): partition"),
        (false, true) => failed("Option partition is only allowed if topic is used"),
        _ => None,
    }
}

/// Reads `{"partitions": [{"topic": "a", "partition": 0}]}`.
fn partitions(bytes: &[u8]) -> Result<BTreeSet<TopicPartition>, Printed> {
    let failed = |message: &str| Err(thrown(OPERATION, message, ""));
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else {
        return failed("Replica election data is empty");
    };
    let Some(list) = json.get("partitions") else {
        return failed("Replica election data is missing \"partitions\" field");
    };
    let (mut partitions, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for entry in list.as_array().into_iter().flatten() {
        let topic = entry.get("topic").and_then(Value::as_str);
        let number = entry.get("partition").and_then(Value::as_i64);
        let (Some(topic), Some(partition)) = (topic, number.and_then(|number| i32::try_from(number).ok()))
        else {
            let field = if topic.is_none() { "topic" } else { "partition" };
            let text = format!("No such field exists: `{field}`");
            return Err(thrown("com.fasterxml.jackson.databind.JsonMappingException", &text, ""));
        };
        let of = TopicPartition::new(topic, partition);
        if !partitions.insert(of.clone()) {
            twice.insert(of.to_string());
        }
    }
    if twice.is_empty() {
        return Ok(partitions);
    }
    let twice: Vec<String> = twice.into_iter().collect();
    failed(&format!("Replica election data contains duplicate partitions: [{}]", twice.join(", ")))
}

#[derive(Clone, Debug)]
struct Elect {
    election: ElectionType,
    /// All where none are named.
    partitions: Option<BTreeSet<TopicPartition>>,
}

/// With a file of partitions.
impl FromFile for Elect {
    type Tool = Elect;

    fn read(&self, bytes: &[u8]) -> Result<Elect, Printed> {
        Ok(Elect { partitions: Some(partitions(bytes)?), ..self.clone() })
    }
}

impl AdminTool for Elect {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(AdminRequest::ElectLeaders { election: self.election, partitions: self.partitions.clone() })
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        let kind = match self.election {
            ElectionType::Preferred => "PREFERRED",
            ElectionType::Unclean => "UNCLEAN",
        };
        let results = match answer {
            Ok(AdminResponse::Partitions(results)) => results,
            Ok(_) => return Step::Exit(1),
            Err(error) => {
                let text = match error.code {
                    ErrorCode::REQUEST_TIMED_OUT => "Timeout waiting for election results",
                    ErrorCode::CLUSTER_AUTHORIZATION_FAILED => "Not authorized to perform leader election",
                    _ => return execution_failed(cx, &error),
                };
                out(cx, text);
                let cause =
                    format!("Caused by: org.apache.kafka.common.errors.{}: {error}\n", error.exception());
                cx.out.stderr(thrown(FAILED, text, &cause).err);
                return Step::Exit(1);
            }
        };
        let results = partition_map_order(results.into_iter().collect(), |(of, _)| of);
        let list = |fits: &dyn Fn(&Result<(), ApiError>) -> bool| -> String {
            let names = results.iter().filter(|(_, result)| fits(result)).map(|(of, _)| of.to_string());
            names.collect::<Vec<_>>().join(", ")
        };
        let not_needed = |result: &Result<(), ApiError>| {
            result.as_ref().is_err_and(|error| error.code == ErrorCode::ELECTION_NOT_NEEDED)
        };
        let (elected, noop) = (list(&Result::is_ok), list(&not_needed));
        if !elected.is_empty() {
            out(cx, &format!("Successfully completed leader election ({kind}) for partitions {elected}"));
        }
        if !noop.is_empty() {
            out(cx, &format!("Valid replica already elected for partitions {noop}"));
        }
        let mut suppressed = Vec::new();
        for (of, result) in &results {
            if let Err(error) = result
                && !not_needed(result)
            {
                let cause = format!("org.apache.kafka.common.errors.{}: {error}", error.exception());
                out(cx, &format!("Error completing leader election ({kind}) for partition: {of}: {cause}"));
                suppressed.push(format!("\tSuppressed: {cause}\n"));
            }
        }
        if suppressed.is_empty() {
            return Step::Exit(0);
        }
        let text = format!("{} replica(s) could not be elected", suppressed.len());
        cx.out.stderr(thrown(FAILED, &text, &suppressed.concat()).err);
        Step::Exit(1)
    }
}
