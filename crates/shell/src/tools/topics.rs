//! `kafka-topics.sh` (org.apache.kafka.tools.TopicCommand).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{
    AdminRequest, AdminResponse, ConfigEntry, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    PartitionReassignment,
};
use blumfeld_client::{ApiError, PartitionMetadata, TopicMetadata, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use super::admin::{AdminProcess, AdminTool, Step};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{log, out};
use crate::java::{hash_map_order, parse_number};
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    flag("alter", "Give a topic more partitions"),
    flag(
        "at-min-isr-partitions",
        "With --describe: only partitions with no more in-sync replicas than they need",
    ),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    COMMAND_CONFIG,
    value("config", "name=value", "With --create: a configuration of the topic; may be repeated"),
    flag("create", "Create a topic"),
    flag("delete", "Delete topics"),
    value("delete-config", "name", "Of old Kafka; does nothing"),
    flag("describe", "Show topics with their partitions"),
    flag("exclude-internal", "Leave Kafka's own topics out"),
    flag("help", "Show this"),
    flag("if-exists", "Do nothing if there is no such topic"),
    flag("if-not-exists", "Do nothing if there is such a topic"),
    flag("list", "Show the names of topics"),
    value("partition-size-limit-per-response", "number", "Accepted for Kafka's sake; one answer holds all"),
    value("partitions", "number", "How many partitions"),
    value("replica-assignment", "1:2,2:3,…", "Brokers of each partition, the preferred one first"),
    value("replication-factor", "number", "How many replicas each partition has"),
    value("topic", "topic", "The topic, or except for --create a regular expression"),
    value("topic-id", "id", "With --describe: the topic's id"),
    flag("topics-with-overrides", "With --describe: only topics with configurations of their own"),
    flag("unavailable-partitions", "With --describe: only partitions without a leader"),
    flag("under-min-isr-partitions", "With --describe: only partitions with too few in-sync replicas"),
    flag("under-replicated-partitions", "With --describe: only partitions with replicas out of sync"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ACTIONS: [&str; 5] = ["alter", "create", "delete", "describe", "list"];
const REPORTS: [&str; 4] = [
    "under-replicated-partitions",
    "under-min-isr-partitions",
    "at-min-isr-partitions",
    "unavailable-partitions",
];

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, "Create, delete, describe, or change a topic.").into();
    }
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            // TopicCommand.mainNoExit: the message, then the stack trace.
            let text = format!("{error}\n{}", error.trace());
            return error.printed(&bootstrap_hint(env), text).into();
        }
    };
    if let Some(printed) = check(&options) {
        return printed.into();
    }
    let notice = if options.has("delete-config") {
        "delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.\n"
    } else {
        ""
    };
    let bootstrap = options.values("bootstrap-server").last().unwrap_or_default();
    match client(bootstrap, "adminclient-1", env) {
        Ok(config) => {
            let tool = Topics { options, notice, state: State::Begin };
            Launch::Run(Box::new(AdminProcess::new(config, tool)))
        }
        Err(error) => {
            let text = format!(
                "Failed to create new KafkaAdminClient\norg.apache.kafka.common.KafkaException: Failed to create new KafkaAdminClient\nCaused by: org.apache.kafka.common.config.ConfigException: {error}\n"
            );
            crate::io::Printed::error(text).into()
        }
    }
}

/// TopicCommandOptions.checkArgs
fn check(options: &Options) -> Option<crate::io::Printed> {
    let about = "This tool helps to create, delete, describe, or change a topic.";
    if let Some(printed) = help_or_version(SPECS, options, about) {
        return Some(printed);
    }
    if ACTIONS.iter().filter(|action| options.has(action)).count() != 1 {
        return Some(usage_error(
            SPECS,
            "Command must include exactly one action: --list, --describe, --create, --alter or --delete",
        ));
    }
    if !options.has("bootstrap-server") {
        let text = "--bootstrap-server must be specified";
        return Some(crate::io::Printed::error(format!(
            "{text}\njava.lang.IllegalArgumentException: {text}\n"
        )));
    }
    if !options.has("list")
        && !options.has("describe")
        && let Some(printed) = missing(SPECS, options, &["topic"])
    {
        return Some(printed);
    }
    if options.has("alter") {
        if options.has("config") {
            return Some(usage_error(
                SPECS,
                "Option combination \"[[config], [bootstrap-server]]\" can't be used with option \"[alter]\" (To alter topic configurations, the kafka-configs tool can be used.)",
            ));
        }
        if let Some(printed) = missing(SPECS, options, &["partitions"]) {
            return Some(printed);
        }
    }
    let except = |allowed: &[&str]| -> Vec<&'static str> {
        ACTIONS.iter().filter(|action| !allowed.contains(action)).copied().collect()
    };
    let mut rules: Vec<(&str, Vec<&str>)> = vec![
        ("config", except(&["alter", "create"])),
        ("partitions", except(&["alter", "create"])),
        ("replication-factor", except(&["create"])),
        ("replica-assignment", except(&["alter", "create"])),
    ];
    if options.has("create") {
        rules.push(("replica-assignment", vec!["partitions", "replication-factor"]));
    }
    for report in REPORTS {
        let mut forbidden = except(&["describe"]);
        forbidden.push("topics-with-overrides");
        rules.push((report, forbidden));
    }
    let mut overrides = except(&["describe"]);
    overrides.extend(REPORTS);
    rules.push(("topics-with-overrides", overrides));
    rules.push(("if-exists", except(&["alter", "delete", "describe"])));
    rules.push(("if-not-exists", except(&["create"])));
    rules.push(("exclude-internal", except(&["list", "describe"])));
    rules.iter().find_map(|(used, forbidden)| conflict(SPECS, options, used, forbidden))
}

/// An error with Java's class, as the tool prints it.
struct Failure {
    class: &'static str,
    message: String,
    causes: String,
}

impl Failure {
    fn new(class: &'static str, message: impl Into<String>) -> Failure {
        Failure { class, message: message.into(), causes: String::new() }
    }

    fn illegal(message: impl Into<String>) -> Failure {
        Failure::new("java.lang.IllegalArgumentException", message)
    }
}

impl From<OptionError> for Failure {
    fn from(error: OptionError) -> Failure {
        let trace = error.trace();
        let causes = trace.split_once('\n').map_or(String::new(), |(_, causes)| causes.to_owned());
        Failure { class: error.class(), message: error.to_string(), causes }
    }
}

#[derive(Clone, Debug)]
enum State {
    Begin,
    /// The names of topics were asked for.
    Names,
    Created(String),
    /// Topics to be altered were asked for.
    ToAlter,
    Altered,
    Deleted,
    /// Topics to be described were asked for, in this order.
    ToDescribe(Vec<String>),
    /// Their configurations were asked for.
    Configurations(Vec<TopicMetadata>),
    /// Their reassignments were asked for.
    Reassignments(Vec<TopicMetadata>, Configurations),
}

type Configurations = Vec<(ConfigResource, Result<Vec<ConfigEntry>, ApiError>)>;
type Reassignments = BTreeMap<TopicPartition, PartitionReassignment>;

#[derive(Clone, Debug)]
struct Topics {
    options: Options,
    notice: &'static str,
    state: State,
}

impl AdminTool for Topics {
    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        if !self.notice.is_empty() {
            cx.out.stderr(self.notice);
        }
        let step = self.first(cx);
        self.settle(cx, step)
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        let step = match (answer, &self.state) {
            (Ok(response), _) => self.next(cx, response),
            // A cluster that cannot tell, or may not: then there are none (TopicService.listAllReassignments).
            (Err(error), State::Reassignments(..))
                if [ErrorCode::UNSUPPORTED_VERSION, ErrorCode::CLUSTER_AUTHORIZATION_FAILED]
                    .contains(&error.code) =>
            {
                self.next(cx, AdminResponse::Reassignments(BTreeMap::new()))
            }
            (Err(error), _) => Err(thrown(&error)),
        };
        self.settle(cx, step)
    }
}

/// What Java throws for a broker's error.
fn thrown(error: &ApiError) -> Failure {
    let message = error.to_string();
    // Kafka's tool checks values itself before it asks; the broker's check has the same words.
    let class = if error.code == ErrorCode::INVALID_CONFIG && message.starts_with("Invalid value") {
        "org.apache.kafka.common.config.ConfigException"
    } else {
        error_class(error)
    };
    Failure::new(class, message)
}

/// The exception's class with its package.
fn error_class(error: &ApiError) -> &'static str {
    macro_rules! with_package {
        ($($name:literal)*) => {
            match error.exception() {
                $($name => concat!("org.apache.kafka.common.errors.", $name),)*
                _ => "org.apache.kafka.common.errors.UnknownServerException",
            }
        };
    }
    with_package!(
        "TopicExistsException" "InvalidTopicException" "InvalidPartitionsException"
        "InvalidReplicationFactorException" "InvalidReplicaAssignmentException" "InvalidConfigurationException"
        "InvalidRequestException" "UnknownTopicOrPartitionException" "UnknownTopicIdException" "TimeoutException"
        "NetworkException" "PolicyViolationException" "TopicDeletionDisabledException" "UnsupportedVersionException"
        "ThrottlingQuotaExceededException" "NotControllerException" "KafkaStorageException"
        "ClusterAuthorizationException" "TopicAuthorizationException"
    )
}

impl Topics {
    /// Prints what was thrown (TopicCommand.printException).
    fn settle(&self, cx: &mut Context<'_>, step: Result<Step, Failure>) -> Step {
        step.unwrap_or_else(|Failure { class, message, causes }| {
            out(cx, &format!("Error while executing topic command : {message}"));
            let trace = format!("{class}: {message}\n{causes}");
            log(cx, "ERROR", &trace, "org.apache.kafka.tools.TopicCommand", "");
            Step::Exit(1)
        })
    }

    fn first(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        if !self.options.has("create") {
            if self.options.has("alter") {
                self.options.number::<i32>("partitions")?;
            }
            self.options.value("topic")?;
            self.state = State::Names;
            return Ok(Step::Ask(AdminRequest::ListTopics));
        }
        let topic = self.new_topic()?;
        if topic.name.contains(['.', '_']) {
            out(
                cx,
                "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
            );
        }
        self.state = State::Created(topic.name.clone());
        Ok(Step::Ask(AdminRequest::CreateTopics { topics: vec![topic], validate_only: false }))
    }

    fn new_topic(&self) -> Result<NewTopic, Failure> {
        let name = self.options.value("topic")?.unwrap_or_default().to_owned();
        let partitions = self.options.number::<i32>("partitions")?;
        let replicas = self.options.number::<i32>("replication-factor")?;
        let replication_factor = match replicas {
            None => None,
            Some(replicas) => Some(i16::try_from(replicas).ok().filter(|n| *n >= 1).ok_or_else(|| {
                Failure::illegal("The replication factor must be between 1 and 32767 inclusive")
            })?),
        };
        if partitions.is_some_and(|partitions| partitions < 1) {
            return Err(Failure::illegal("The partitions must be greater than 0"));
        }
        let mut configs = BTreeMap::new();
        for config in self.options.values("config") {
            let parts: Vec<&str> = crate::java::split(config, "=");
            let [name, value] = parts[..] else {
                return Err(Failure::illegal(
                    "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".",
                ));
            };
            configs.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        let assignments = match self.options.value("replica-assignment")? {
            Some(text) => assignment(text)?,
            None => BTreeMap::new(),
        };
        Ok(NewTopic { name, partitions, replication_factor, assignments, configs })
    }

    fn next(&mut self, cx: &mut Context<'_>, response: AdminResponse) -> Result<Step, Failure> {
        match (self.state.clone(), response) {
            (State::Names, AdminResponse::Descriptions(topics)) => {
                self.names(cx, topics.into_values().flatten().collect())
            }
            (State::Created(name), AdminResponse::CreateTopics(results)) => {
                match results.into_iter().find(|(topic, _)| *topic == name).map(|(_, result)| result) {
                    Some(Err(error))
                        if error.code == ErrorCode::TOPIC_ALREADY_EXISTS
                            && self.options.has("if-not-exists") => {}
                    Some(Err(error)) => return Err(thrown(&error)),
                    _ => out(cx, &format!("Created topic {name}.")),
                }
                Ok(Step::Exit(0))
            }
            (State::ToAlter, AdminResponse::Descriptions(topics)) => self.alter(topics),
            (State::Altered | State::Deleted, AdminResponse::Topics(results)) => {
                match results.into_values().find_map(Result::err) {
                    Some(error) => Err(thrown(&error)),
                    None => Ok(Step::Exit(0)),
                }
            }
            (State::ToDescribe(names), AdminResponse::Descriptions(mut topics)) => {
                let topics: Result<Vec<TopicMetadata>, ApiError> =
                    names.iter().filter_map(|name| topics.remove(name)).collect();
                Ok(self.configurations(topics.map_err(|error| thrown(&error))?))
            }
            (State::Configurations(topics), AdminResponse::Configs(configs)) => {
                self.state = State::Reassignments(topics, configs);
                Ok(Step::Ask(AdminRequest::ListPartitionReassignments(None)))
            }
            (State::Reassignments(topics, configs), AdminResponse::Reassignments(reassignments)) => {
                self.describe(cx, &topics, configs, &reassignments);
                Ok(Step::Exit(0))
            }
            _ => Ok(Step::Exit(1)),
        }
    }

    /// Goes on with the topics that the command is about (TopicService.getTopics).
    fn names(&mut self, cx: &mut Context<'_>, topics: Vec<TopicMetadata>) -> Result<Step, Failure> {
        let internal = !self.options.has("exclude-internal");
        let wanted = self.options.value("topic")?.map(str::to_owned);
        let include = match &wanted {
            Some(pattern) => Some(
                IncludeList::new(pattern).map_err(|text| Failure::new("java.lang.RuntimeException", text))?,
            ),
            None => None,
        };
        let id = match self.options.value("topic-id")? {
            Some(text) => Some(topic_id(text)?).filter(|id| !id.is_nil()),
            None => None,
        };
        let chosen: Vec<TopicMetadata> = topics
            .into_iter()
            .filter(|topic| match (&id, &include) {
                (Some(id), _) => topic.id == *id,
                (None, Some(include)) => include.matches(&topic.name) && (internal || !topic.internal),
                (None, None) => internal || !topic.internal,
            })
            .collect();
        if self.options.has("list") {
            for topic in &chosen {
                out(cx, &topic.name);
            }
            // Java prints the joined names, and with none an empty line.
            if chosen.is_empty() {
                out(cx, "");
            }
            return Ok(Step::Exit(0));
        }
        if chosen.is_empty() && !self.options.has("if-exists") {
            if let Some(id) = id {
                let text = format!("TopicId '{}' does not exist as expected", uuid_text::to_text(id));
                return Err(Failure::illegal(text));
            }
            if let Some(topic) = wanted {
                return Err(Failure::illegal(format!("Topic '{topic}' does not exist as expected")));
            }
        }
        if chosen.is_empty() {
            return Ok(Step::Exit(0));
        }
        let names: Vec<String> = chosen.iter().map(|topic| topic.name.to_string()).collect();
        if self.options.has("delete") {
            self.state = State::Deleted;
            return Ok(Step::Ask(AdminRequest::DeleteTopics(names)));
        }
        if self.options.has("alter") {
            self.state = State::ToAlter;
            return Ok(Step::Ask(AdminRequest::DescribeTopics(names)));
        }
        let count = chosen.len();
        let ordered = hash_map_order(chosen, Some(count), |topic| &topic.name);
        if id.is_some() {
            // Java asks by id without the replicas that may become leaders.
            return Ok(self.configurations(ordered));
        }
        self.state = State::ToDescribe(ordered.iter().map(|topic| topic.name.to_string()).collect());
        Ok(Step::Ask(AdminRequest::DescribeTopicPartitions(names)))
    }

    fn configurations(&mut self, topics: Vec<TopicMetadata>) -> Step {
        let resources = topics.iter().map(|topic| ConfigResource::Topic(topic.name.to_string())).collect();
        self.state = State::Configurations(topics);
        Step::Ask(AdminRequest::DescribeConfigs { resources, synonyms: false })
    }

    fn alter(&mut self, topics: BTreeMap<String, Result<TopicMetadata, ApiError>>) -> Result<Step, Failure> {
        let total = self.options.number::<i32>("partitions")?.unwrap_or(0);
        let assigned = match self.options.value("replica-assignment")? {
            Some(text) => Some(assignment(text)?),
            None => None,
        };
        let mut wanted = Vec::new();
        for (name, topic) in topics {
            let topic = topic.map_err(|error| thrown(&error))?;
            let assignments = assigned
                .as_ref()
                .map(|assigned| assigned.values().skip(topic.partitions.len()).cloned().collect());
            wanted.push((name, NewPartitions { total, assignments }));
        }
        self.state = State::Altered;
        Ok(Step::Ask(AdminRequest::CreatePartitions(wanted)))
    }

    fn describe(
        &self,
        cx: &mut Context<'_>,
        topics: &[TopicMetadata],
        configs: Configurations,
        reassignments: &Reassignments,
    ) {
        let reports: Vec<&str> = REPORTS.iter().filter(|report| self.options.has(report)).copied().collect();
        for (topic, (_, configs)) in topics.iter().zip(configs) {
            // A topic that was deleted meanwhile is passed over.
            let Ok(configs) = configs else { continue };
            let configs = hash_map_order(configs, None, |config| &config.name);
            let own: Vec<&ConfigEntry> =
                configs.iter().filter(|config| config.source != ConfigSource::Default).collect();
            let reassignment = |partition: &PartitionMetadata| {
                reassignments.get(&TopicPartition::new(&topic.name, partition.partition))
            };
            if reports.is_empty() && (!self.options.has("topics-with-overrides") || !own.is_empty()) {
                let pairs: Vec<String> = own
                    .iter()
                    .map(|config| format!("{}={}", config.name, config.value.as_deref().unwrap_or("null")))
                    .collect();
                let first = topic.partitions.values().next();
                let replicas = first.map_or(0, |first| replication_factor(first, reassignment(first)));
                out(
                    cx,
                    &format!(
                        "Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {replicas}\tConfigs: {}",
                        topic.name,
                        uuid_text::to_text(topic.id),
                        topic.partitions.len(),
                        pairs.join(","),
                    ),
                );
            }
            if self.options.has("topics-with-overrides") {
                continue;
            }
            let min_isr = configs
                .iter()
                .find(|config| config.name == "min.insync.replicas")
                .and_then(|config| config.value.as_deref()?.parse::<usize>().ok())
                .unwrap_or(1);
            for partition in topic.partitions.values() {
                let isr = partition.isr.len();
                let moving = reassignment(partition);
                let fits = |report: &&str| match *report {
                    "under-replicated-partitions" => isr < replication_factor(partition, moving),
                    "under-min-isr-partitions" => isr < min_isr,
                    "at-min-isr-partitions" => isr == min_isr,
                    _ => partition.leader < 0,
                };
                if reports.is_empty() || reports.iter().any(fits) {
                    out(cx, &described(&topic.name, partition, moving));
                }
            }
        }
    }
}

/// Without the brokers to which the partition is being moved (TopicCommand.getReplicationFactor).
fn replication_factor(partition: &PartitionMetadata, moving: Option<&PartitionReassignment>) -> usize {
    let changing = |moving: &&PartitionReassignment| {
        partition.replicas.iter().any(|id| moving.adding.contains(id) || moving.removing.contains(id))
    };
    match moving.filter(changing) {
        Some(moving) => moving.replicas.len().saturating_sub(moving.adding.len()),
        None => partition.replicas.len(),
    }
}

/// A partition's line (TopicCommand.PartitionDescription).
fn described(topic: &str, partition: &PartitionMetadata, moving: Option<&PartitionReassignment>) -> String {
    let ids = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
    let known = |known: &Option<Vec<i32>>| known.as_deref().map_or_else(|| "N/A".to_owned(), ids);
    let leader = if partition.leader < 0 { "none".to_owned() } else { partition.leader.to_string() };
    let moving = moving.map_or_else(String::new, |moving| {
        format!("\tAdding Replicas: {}\tRemoving Replicas: {}", ids(&moving.adding), ids(&moving.removing))
    });
    format!(
        "\tTopic: {topic}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}{moving}\tElr: {}\tLastKnownElr: {}",
        partition.partition,
        ids(&partition.replicas),
        ids(&partition.isr),
        known(&partition.elr),
        known(&partition.last_known_elr),
    )
}

/// `1:2,2:3`: brokers by partition (TopicCommand.parseReplicaAssignment).
fn assignment(text: &str) -> Result<BTreeMap<i32, Vec<i32>>, Failure> {
    let mut partitions = BTreeMap::new();
    let mut factor = None;
    for (partition, brokers) in (0..).zip(crate::java::split(text, ",")) {
        let mut ids = Vec::new();
        for broker in crate::java::split(brokers, ":") {
            let id = parse_number::<i32>(broker.trim()).ok_or_else(|| {
                Failure::new("java.lang.NumberFormatException", format!("For input string: \"{broker}\""))
            })?;
            ids.push(id);
        }
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<i32> = ids.iter().filter(|id| !seen.insert(**id)).copied().collect();
        if !twice.is_empty() {
            let ids = twice.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
            let text = format!("Partition replica lists may not contain duplicate entries: {ids}");
            return Err(Failure::new("org.apache.kafka.tools.AdminCommandFailedException", text));
        }
        if *factor.get_or_insert(ids.len()) != ids.len() {
            let text = format!(
                "Partition {partition} has different replication factor: [{}]",
                ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
            );
            return Err(Failure::new("org.apache.kafka.tools.AdminOperationException", text));
        }
        partitions.insert(partition, ids);
    }
    Ok(partitions)
}

/// Uuid.fromString
fn topic_id(text: &str) -> Result<Uuid, Failure> {
    if let Some(id) = uuid_text::from_text(text) {
        return Ok(id);
    }
    let decoded = text.trim_end_matches('=').len() * 6 / 8;
    Err(Failure::illegal(if text.len() > 24 {
        format!(
            "Input string with prefix `{}` is too long to be decoded as a base64 UUID",
            text.chars().take(24).collect::<String>()
        )
    } else if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte)) {
        format!(
            "Input string `{text}` decoded as {decoded} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        )
    } else {
        let bad =
            text.bytes().find(|byte| !byte.is_ascii_alphanumeric() && !b"-_=".contains(byte)).unwrap_or(0);
        format!("Illegal base64 character {bad:x}")
    }))
}

/// Topics by a regular expression, in which a comma is an alternative
/// (org.apache.kafka.server.util.TopicFilter.IncludeList).
#[derive(Clone, Debug)]
pub struct IncludeList(regex_lite::Regex);

impl IncludeList {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Result<IncludeList, String> {
        let text = pattern.trim().replace(',', "|").replace(' ', "");
        let text = text.trim_matches(['"', '\'']);
        let whole = regex_lite::Regex::new(&format!("^(?:{text})$"));
        whole.map(IncludeList).map_err(|_| format!("{text} is an invalid regex."))
    }

    /// The regular expression that it is.
    pub fn expression(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a topic's name fits as a whole.
    pub fn matches(&self, topic: &str) -> bool {
        self.0.is_match(topic)
    }
}
