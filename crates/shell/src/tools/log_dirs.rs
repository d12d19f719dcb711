//! `kafka-log-dirs.sh` (org.apache.kafka.tools.LogDirsCommand).

use std::collections::BTreeSet;

use blumfeld_client::admin::{AdminRequest, AdminResponse, LogDir, ReplicaSize};
use blumfeld_client::{ApiError, TopicPartition, exception_name};
use blumfeld_kernel::Context;

use super::admin::{AdminProcess, AdminTool, Step, execution_failed, no_client};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{Printed, err, out};
use crate::java::{parse_number, partition_map_order};
use crate::json::string;
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    value("broker-list", "1,2,…", "Only these brokers"),
    COMMAND_CONFIG,
    flag("describe", "Show what is in the brokers' log directories (required)"),
    flag("help", "Show this"),
    value("topic-list", "topic,…", "Only partitions of these topics"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to query log directory usage on the specified brokers.";

#[derive(Clone, Debug)]
struct LogDirs {
    /// All where none are named.
    wanted: BTreeSet<i32>,
    topics: BTreeSet<String>,
    /// Brokers that are still to be asked, the next one last.
    open: Vec<i32>,
    described: Vec<(i32, Vec<LogDir>)>,
}

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            let text = format!("{error}\n{}", error.trace());
            return error.printed(&bootstrap_hint(env), text).into();
        }
    };
    if let Some(printed) = help_or_version(SPECS, &options, ABOUT)
        .or_else(|| missing(SPECS, &options, &["bootstrap-server", "describe"]))
    {
        return printed.into();
    }
    let list = |name: &str| -> Vec<String> {
        let text = options.values(name).last().unwrap_or_default();
        text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut wanted = BTreeSet::new();
    for id in list("broker-list") {
        let Some(id) = parse_number(&id) else {
            let text = format!("For input string: \"{id}\"");
            return Printed::error(format!("{text}\njava.lang.NumberFormatException: {text}\n")).into();
        };
        wanted.insert(id);
    }
    let topics = list("topic-list").into_iter().collect();
    match client(options.values("bootstrap-server").last().unwrap_or_default(), "adminclient-1", env) {
        Ok(config) => {
            let tool = LogDirs { wanted, topics, open: Vec::new(), described: Vec::new() };
            Launch::Run(Box::new(AdminProcess::new(config, tool)))
        }
        Err(error) => no_client(&error).into(),
    }
}

fn joined(ids: impl IntoIterator<Item = i32>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

impl LogDirs {
    fn next(&mut self, cx: &mut Context<'_>) -> Step {
        match self.open.last() {
            Some(&broker) => Step::Ask(AdminRequest::DescribeLogDirs { broker }),
            None => {
                let ids = joined(self.described.iter().map(|(broker, _)| *broker));
                out(cx, &format!("Received log directory information from brokers {ids}"));
                out(cx, &self.json());
                Step::Exit(0)
            }
        }
    }

    fn json(&self) -> String {
        let partitions = |dir: &LogDir| -> String {
            let all = dir.replicas.iter();
            let wanted = all.filter(|(of, _)| self.topics.is_empty() || self.topics.contains(&*of.topic));
            let ordered = partition_map_order(wanted.collect(), |(of, _)| of);
            let one = |(of, size): &(TopicPartition, ReplicaSize)| {
                format!(
                    "{{\"partition\":{},\"size\":{},\"offsetLag\":{},\"isFuture\":{}}}",
                    string(&of.to_string()),
                    size.size,
                    size.offset_lag,
                    size.future
                )
            };
            ordered.into_iter().map(one).collect::<Vec<_>>().join(",")
        };
        let dir = |dir: &LogDir| {
            let error = match dir.error.is_none() {
                true => "null".to_owned(),
                false => format!("\"org.apache.kafka.common.errors.{}\"", exception_name(dir.error)),
            };
            format!(
                "{{\"partitions\":[{}],\"error\":{error},\"logDir\":{}}}",
                partitions(dir),
                string(&dir.path)
            )
        };
        let broker = |(broker, dirs): &(i32, Vec<LogDir>)| {
            let dirs: Vec<String> = dirs.iter().map(dir).collect();
            format!("{{\"broker\":{broker},\"logDirs\":[{}]}}", dirs.join(","))
        };
        let brokers: Vec<String> = self.described.iter().map(broker).collect();
        format!("{{\"brokers\":[{}],\"version\":1}}", brokers.join(","))
    }
}

impl AdminTool for LogDirs {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(AdminRequest::DescribeCluster { fenced: false })
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match answer {
            Ok(AdminResponse::Cluster(cluster)) => {
                let there: BTreeSet<i32> = cluster.brokers.iter().map(|broker| broker.id).collect();
                let missing: Vec<i32> = self.wanted.difference(&there).copied().collect();
                if !missing.is_empty() {
                    err(
                        cx,
                        &format!(
                            "ERROR: The given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
                            joined(missing),
                            joined(there)
                        ),
                    );
                    return Step::Exit(1);
                }
                out(cx, "Querying brokers for log directories information");
                let chosen = if self.wanted.is_empty() { there } else { self.wanted.clone() };
                self.open = chosen.into_iter().rev().collect();
                self.next(cx)
            }
            Ok(AdminResponse::LogDirs(dirs)) => {
                if let Some(broker) = self.open.pop() {
                    self.described.push((broker, dirs));
                }
                self.next(cx)
            }
            Ok(_) => Step::Exit(1),
            Err(error) => execution_failed(cx, &error),
        }
    }
}
