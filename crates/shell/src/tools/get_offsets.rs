//! `kafka-get-offsets.sh` (org.apache.kafka.tools.GetOffsetShell).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{AdminRequest, AdminResponse, OffsetSpec};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;

use super::admin::{AdminProcess, AdminTool, Step};
use super::toolbox::{Launch, bootstrap_hint, client};
use super::topics::IncludeList;
use crate::io::{Printed, err, log, out};
use crate::java::parse_number;
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    COMMAND_CONFIG,
    flag("exclude-internal-topics", "Leave Kafka's own topics out"),
    flag("help", "Show this"),
    value("partitions", "0,1,…", "Only these partitions"),
    value("time", "timestamp | earliest | latest | max-timestamp | …", "Which offset (default: latest)"),
    value("topic", "pattern", "Only topics that fit this regular expression"),
    value("topic-partitions", "a:0,b:1-3,…", "Only these partitions of these topics"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, "An interactive shell for getting topic-partition offsets.").into();
    }
    let hint = bootstrap_hint(env);
    let failed = |text: String| Launch::from(Printed::error(format!("Error occurred: {text}")));
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => return error.printed(&hint, format!("Error occurred: {error}")).into(),
    };
    if let Some(printed) = help_or_version(SPECS, &options, "This tool helps to get topic-partition offsets.")
        .or_else(|| missing(SPECS, &options, &["bootstrap-server"]))
    {
        return printed.into();
    }
    match prepare(&options) {
        Ok((filter, spec)) => {
            let bootstrap = options.values("bootstrap-server").last().unwrap_or_default();
            match client(bootstrap, "GetOffsetShell", env) {
                Ok(config) => {
                    let tool = GetOffsets { filter, spec };
                    Launch::Run(Box::new(AdminProcess::new(config, tool)))
                }
                Err(error) => failed(format!("Failed to create new KafkaAdminClient ({error})")),
            }
        }
        Err(text) => failed(text),
    }
}

type Prepared = (Filter, OffsetSpec);

fn prepare(options: &Options) -> Result<Prepared, String> {
    let internal = !options.has("exclude-internal-topics");
    let value = |name| options.value(name).map_err(|error| error.to_string());
    let (topic, partitions, both) = (value("topic")?, value("partitions")?, value("topic-partitions")?);
    if both.is_some() && (topic.is_some() || partitions.is_some()) {
        return Err("--topic-partitions cannot be used with --topic or --partitions".to_owned());
    }
    let spec = offset_spec(value("time")?.unwrap_or("latest"))?;
    let rules = match both {
        Some(list) => {
            let rules: Result<Vec<Rule>, String> =
                list.split(',').filter(|rule| !rule.is_empty()).map(rule).collect();
            rules.map_err(|text| {
                let class = "org.apache.kafka.tools.TerseException";
                format!("{class}: {text}\njava.lang.RuntimeException: {class}: {text}\nCaused by: {class}: {text}\n")
            })?
        }
        None => {
            let topic = topic.map(IncludeList::new).transpose()?;
            match partitions {
                None => vec![Rule { topic, from: 0, to: None }],
                Some(list) => {
                    let mut rules = Vec::new();
                    for id in list.split(',').filter(|id| !id.is_empty()) {
                        let id = parse_number::<i32>(id).ok_or_else(|| {
                            format!(
                                "--partitions expects a comma separated list of numeric partition ids, but received: {list}"
                            )
                        })?;
                        rules.push(Rule { topic: topic.clone(), from: id, to: id.checked_add(1) });
                    }
                    rules
                }
            }
        }
    };
    Ok((Filter { rules, internal }, spec))
}

/// `--time`
fn offset_spec(text: &str) -> Result<OffsetSpec, String> {
    match text {
        "latest" => Ok(OffsetSpec::LATEST),
        "earliest" => Ok(OffsetSpec::EARLIEST),
        "max-timestamp" => Ok(OffsetSpec::MAX_TIMESTAMP),
        "earliest-local" => Ok(OffsetSpec::EARLIEST_LOCAL),
        "latest-tiered" => Ok(OffsetSpec::LATEST_TIERED),
        "earliest-pending-upload" => Ok(OffsetSpec(-6)),
        number => parse_number(number).map(OffsetSpec).ok_or_else(|| {
            format!(
                "Malformed time argument {number}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp"
            )
        }),
    }
}

/// Partitions `from` up to and without `to` of the topics that fit.
#[derive(Clone, Debug)]
struct Rule {
    topic: Option<IncludeList>,
    from: i32,
    to: Option<i32>,
}

/// `topic`, `topic:1`, `topic:1-3`, `topic:1-`, `topic:-3`
fn rule(text: &str) -> Result<Rule, String> {
    let invalid = || format!("Invalid rule specification: {text}");
    let (topic, range) = match text.rsplit_once(':') {
        Some((topic, range)) => (topic, Some(range)),
        None => (text, None),
    };
    let topic = if topic.is_empty() { None } else { Some(IncludeList::new(topic)?) };
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { parse_number::<i32>(text).ok_or_else(invalid) } else { Err(invalid()) }
    };
    let (from, to) = match range {
        None | Some("") => (0, None),
        Some(range) => match range.split_once('-') {
            None => {
                let id = number(range)?;
                (id, id.checked_add(1))
            }
            Some((from, to)) => (
                if from.is_empty() { 0 } else { number(from)? },
                if to.is_empty() { None } else { Some(number(to)?) },
            ),
        },
    };
    Ok(Rule { topic, from, to })
}

#[derive(Clone, Debug)]
struct Filter {
    rules: Vec<Rule>,
    internal: bool,
}

impl Filter {
    fn matches(&self, topic: &str, partition: i32) -> bool {
        self.rules.iter().any(|rule| {
            rule.topic.as_ref().is_none_or(|include| include.matches(topic))
                && partition >= rule.from
                && rule.to.is_none_or(|to| partition < to)
        })
    }
}

#[derive(Clone, Debug)]
struct GetOffsets {
    filter: Filter,
    spec: OffsetSpec,
}

impl AdminTool for GetOffsets {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(AdminRequest::ListTopics)
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match answer {
            Ok(AdminResponse::Descriptions(topics)) => {
                let mut partitions = BTreeSet::new();
                for topic in topics.into_values().flatten() {
                    if topic.internal && !self.filter.internal {
                        continue;
                    }
                    for &partition in topic.partitions.keys() {
                        if self.filter.matches(&topic.name, partition) {
                            partitions.insert(TopicPartition { topic: topic.name.clone(), partition });
                        }
                    }
                }
                if partitions.is_empty() {
                    err(
                        cx,
                        "Error occurred: Could not match any topic-partitions with the specified filters",
                    );
                    return Step::Exit(1);
                }
                let specs: BTreeMap<_, _> = partitions.into_iter().map(|of| (of, self.spec)).collect();
                Step::Ask(AdminRequest::ListOffsets(specs))
            }
            Ok(AdminResponse::Offsets(offsets)) => {
                let failed = |(of, result): (&TopicPartition, &Result<_, ApiError>)| {
                    result.as_ref().err().map(|error| (of.clone(), error.clone()))
                };
                let errors: Vec<(TopicPartition, ApiError)> = offsets.iter().filter_map(failed).collect();
                for (partition, error) in &errors {
                    let text = format!(
                        "[AdminClient clientId=GetOffsetShell] ListOffsets request for topic partition {partition} failed due to an unexpected error {}",
                        error.code
                    );
                    log(
                        cx,
                        "ERROR",
                        &text,
                        "org.apache.kafka.clients.admin.internals.ListOffsetsHandler",
                        "",
                    );
                }
                for (partition, error) in &errors {
                    err(
                        cx,
                        &format!(
                            "Skip getting offsets for topic-partition {partition} due to error: org.apache.kafka.common.errors.{}: {error}",
                            error.exception()
                        ),
                    );
                }
                for (of, found) in offsets {
                    if let Ok(found) = found
                        && found.offset >= 0
                    {
                        out(cx, &format!("{}:{}:{}", of.topic, of.partition, found.offset));
                    }
                }
                Step::Exit(0)
            }
            Ok(_) => Step::Exit(1),
            Err(error) => {
                err(cx, &format!("Error occurred: {error}"));
                Step::Exit(1)
            }
        }
    }
}
