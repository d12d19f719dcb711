//! `kafka-reassign-partitions.sh` (org.apache.kafka.tools.reassign.ReassignPartitionsCommand).

mod plan;
mod run;

use blumfeld_client::ApiError;

use super::admin::AdminProcess;
use super::file::{FromFile, launch};
use super::toolbox::{Launch, client};
use crate::io::Printed;
use crate::java::parse_number;
use crate::options::*;
use crate::{Environment, StdinSource};
use run::{Reassign, Task};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    flag("additional", "With --execute: also while other partitions are being moved"),
    not_yet("bootstrap-controller", Argument::Required("host:port")),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    value("broker-list", "1,2,…", "With --generate: the brokers that are to have the partitions"),
    flag("cancel", "Stop moving the partitions of a plan"),
    COMMAND_CONFIG,
    flag("disable-rack-aware", "With --generate: do not look at the brokers' racks"),
    flag("disallow-replication-factor-change", "With --execute: refuse another number of replicas"),
    flag("execute", "Begin to move the partitions of a plan"),
    flag("generate", "Propose a plan for topics, without moving anything"),
    flag("help", "Show this"),
    flag("list", "Show the partitions that are being moved"),
    flag("preserve-throttles", "With --verify and --cancel: leave throttles as they are"),
    value("reassignment-json-file", "file", "A dropped file with the plan, as JSON"),
    not_yet("replica-alter-log-dirs-throttle", Argument::Required("bytes")),
    not_yet("throttle", Argument::Required("bytes")),
    value("timeout", "ms", "How long moves of log directories are waited for"),
    value("topics-to-move-json-file", "file", "With --generate: a dropped file with the topics, as JSON"),
    flag("verify", "Show how far a plan is"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to move topic partitions between replicas.";

/// An action with the options that it needs and those that it takes besides the ones for all.
struct Action {
    name: &'static str,
    needs: &'static [&'static str],
    takes: &'static [&'static str],
}

const ACTIONS: [Action; 5] = [
    Action {
        name: "generate",
        needs: &["topics-to-move-json-file", "broker-list"],
        takes: &["disable-rack-aware"],
    },
    Action {
        name: "execute",
        needs: &["reassignment-json-file"],
        takes: &[
            "additional",
            "throttle",
            "replica-alter-log-dirs-throttle",
            "timeout",
            "disallow-replication-factor-change",
        ],
    },
    Action { name: "verify", needs: &["reassignment-json-file"], takes: &["preserve-throttles", "timeout"] },
    Action { name: "cancel", needs: &["reassignment-json-file"], takes: &["preserve-throttles", "timeout"] },
    Action { name: "list", needs: &[], takes: &[] },
];
const FOR_ALL: [&str; 4] = ["bootstrap-server", "bootstrap-controller", "command-config", "list"];

/// What is thrown, with Java's class; none where the tool itself catches it.
#[derive(Debug)]
pub struct Failure {
    class: &'static str,
    message: String,
    causes: String,
}

impl Failure {
    fn new(class: &'static str, message: String) -> Failure {
        Failure { class, message, causes: String::new() }
    }

    fn command(message: &str) -> Failure {
        Failure::new("org.apache.kafka.tools.AdminCommandFailedException", message.to_owned())
    }

    fn operation(message: &str) -> Failure {
        Failure::new("org.apache.kafka.tools.AdminOperationException", message.to_owned())
    }

    /// With a message that says all.
    fn terse(message: String) -> Failure {
        Failure::new("", message)
    }

    /// A call that failed.
    fn api(error: &ApiError) -> Failure {
        let thrown = format!("org.apache.kafka.common.errors.{}: {error}", error.exception());
        let causes = format!("Caused by: {thrown}\n");
        Failure { class: "java.util.concurrent.ExecutionException", message: thrown, causes }
    }

    /// On the standard output, where this tool writes what is thrown.
    fn text(&self) -> String {
        match self.class {
            "" => format!("{}\n", self.message),
            class => format!("Error: {0}\n{class}: {0}\n{1}\n", self.message, self.causes),
        }
    }
}

impl From<Failure> for Printed {
    fn from(failure: Failure) -> Printed {
        Printed { out: failure.text(), code: 1, ..Printed::default() }
    }
}

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error @ OptionError::NotYet(_)) => return Printed::error(error.to_string()).into(),
        Err(error) => {
            // Nobody catches it.
            let text = format!("Exception in thread \"main\" {}", error.trace().trim_end());
            return Printed::error(text).into();
        }
    };
    let action = match help_or_version(SPECS, &options, ABOUT).map_or_else(|| check(&options), Err) {
        Ok(action) => action.name,
        Err(printed) => return printed.into(),
    };
    let config = match client(
        options.values("bootstrap-server").last().unwrap_or_default(),
        "reassign-partitions-tool",
        env,
    ) {
        Ok(config) => config,
        Err(error) => {
            let text = "Failed to create new KafkaAdminClient".to_owned();
            let causes = format!("Caused by: org.apache.kafka.common.config.ConfigException: {error}\n");
            let class = "org.apache.kafka.common.KafkaException";
            return Printed::from(Failure { class, message: text, causes }).into();
        }
    };
    let preserve = options.has("preserve-throttles");
    let blank = match action {
        "generate" => {
            let brokers = match brokers(options.values("broker-list").last().unwrap_or_default()) {
                Ok(brokers) => brokers,
                Err(failure) => return Printed::from(failure).into(),
            };
            Task::Generate { topics: Vec::new(), brokers, racks: !options.has("disable-rack-aware") }
        }
        "execute" => Task::Execute {
            additional: options.has("additional"),
            fixed_factor: options.has("disallow-replication-factor-change"),
        },
        "verify" => Task::Verify { preserve },
        "cancel" => Task::Cancel { preserve },
        _ => return Launch::Run(Box::new(AdminProcess::new(config, Reassign::new(Task::List, Vec::new())))),
    };
    let name = if action == "generate" { "topics-to-move-json-file" } else { "reassignment-json-file" };
    let file = options.values(name).last().unwrap_or_default();
    launch(&config, file, Plan(blank), env, stdin).unwrap_or_else(|| {
        let causes = format!("Caused by: java.nio.file.NoSuchFileException: {file}\n");
        let message = format!("Unable to read file {file}");
        Printed::from(Failure { class: "java.io.IOException", message, causes }).into()
    })
}

/// ReassignPartitionsCommand.validateAndParseArgs
fn check(options: &Options) -> Result<&'static Action, Printed> {
    let mut given = ACTIONS.iter().filter(|action| options.has(action.name));
    let (Some(action), None) = (given.next(), given.next()) else {
        return Err(usage_error(
            SPECS,
            "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list",
        ));
    };
    if !options.has("bootstrap-server") {
        return Err(usage_error(SPECS, "Please specify either --bootstrap-server or --bootstrap-controller"));
    }
    if let Some(printed) = missing(SPECS, options, action.needs) {
        return Err(printed);
    }
    let allowed = |name: &str| {
        FOR_ALL.contains(&name)
            || name == action.name
            || action.needs.contains(&name)
            || action.takes.contains(&name)
    };
    match SPECS.iter().find(|spec| options.has(spec.name) && !allowed(spec.name)) {
        None => Ok(action),
        Some(spec) => Err(usage_error(
            SPECS,
            &format!("Option \"[{}]\" can't be used with action \"[{}]\"", spec.name, action.name),
        )),
    }
}

/// `1,2,3`
fn brokers(text: &str) -> Result<Vec<i32>, Failure> {
    let mut brokers = Vec::new();
    for part in text.split(',') {
        let Some(id) = parse_number::<i32>(part) else {
            let message = format!("For input string: \"{part}\"");
            return Err(Failure::new("java.lang.NumberFormatException", message));
        };
        brokers.push(id);
    }
    let twice = plan::duplicates(&brokers);
    if twice.is_empty() {
        return Ok(brokers);
    }
    let text = format!("Broker list contains duplicate entries: [{}]", plan::joined(&twice, ", "));
    Err(Failure::command(&text))
}

/// A task before its file is read.
#[derive(Clone, Debug)]
struct Plan(Task);

impl FromFile for Plan {
    type Tool = Reassign;

    fn read(&self, bytes: &[u8]) -> Result<Reassign, Printed> {
        if let Task::Generate { brokers, racks, .. } = &self.0 {
            let (brokers, racks) = (brokers.clone(), *racks);
            return Ok(Reassign::new(
                Task::Generate { topics: plan::topics(bytes)?, brokers, racks },
                Vec::new(),
            ));
        }
        let entries = plan::read(bytes)?;
        if let Task::Execute { .. } = self.0 {
            plan::check(&entries)?;
        }
        Ok(Reassign::new(self.0.clone(), entries))
    }
}
