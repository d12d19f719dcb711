//! `kafka-delete-records.sh` (org.apache.kafka.tools.DeleteRecordsCommand).

use std::collections::BTreeMap;

use blumfeld_client::admin::{AdminRequest, AdminResponse};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;

use super::admin::{AdminTool, Step, no_client};
use super::file::{FromFile, launch};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{Printed, err, log, out};
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    COMMAND_CONFIG,
    flag("help", "Show this"),
    value("offset-json-file", "file", "A dropped file with the partitions and offsets, as JSON (required)"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to delete records of the given partitions down to the specified offset.";

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
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
        .or_else(|| missing(SPECS, &options, &["bootstrap-server", "offset-json-file"]))
    {
        return printed.into();
    }
    let file = options.values("offset-json-file").last().unwrap_or_default().to_owned();
    match client(options.values("bootstrap-server").last().unwrap_or_default(), "adminclient-1", env) {
        Ok(config) => launch(&config, &file, Offsets, env, stdin).unwrap_or_else(|| {
            Printed::error(format!(
                "Unable to read file {file}\njava.io.IOException: Unable to read file {file}\nCaused by: java.nio.file.NoSuchFileException: {file}\n"
            ))
            .into()
        }),
        Err(error) => no_client(&error).into(),
    }
}

/// The tool before its file is read.
#[derive(Clone, Debug)]
struct Offsets;

impl FromFile for Offsets {
    type Tool = DeleteRecords;

    fn read(&self, bytes: &[u8]) -> Result<DeleteRecords, Printed> {
        let offsets = offsets(bytes).map_err(|text| {
            let class = "org.apache.kafka.tools.AdminOperationException";
            Printed::error(format!("{text}\n{class}: {text}\n"))
        })?;
        Ok(DeleteRecords { offsets })
    }
}

/// Reads `{"partitions": [{"topic": "a", "partition": 0, "offset": 7}]}`.
fn offsets(bytes: &[u8]) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let json: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|_| "The input string is not a valid JSON".to_owned())?;
    if let Some(version) = json.get("version").and_then(serde_json::Value::as_i64)
        && version != 1
    {
        return Err(format!("Not supported version field value {version}"));
    }
    let Some(list) = json.get("partitions") else {
        return Err("Missing partitions field".to_owned());
    };
    let mut offsets = BTreeMap::new();
    for entry in list.as_array().into_iter().flatten() {
        let number = |name: &str| entry.get(name).and_then(serde_json::Value::as_i64);
        let topic = entry.get("topic").and_then(serde_json::Value::as_str);
        let partition = number("partition").and_then(|number| i32::try_from(number).ok());
        let (Some(topic), Some(partition), Some(offset)) = (topic, partition, number("offset")) else {
            return Err("The input string is not a valid JSON".to_owned());
        };
        if offsets.insert(TopicPartition::new(topic, partition), offset).is_some() {
            return Err(format!("Offset json file contains duplicate topic partitions: {topic}-{partition}"));
        }
    }
    Ok(offsets)
}

#[derive(Clone, Debug)]
struct DeleteRecords {
    offsets: BTreeMap<TopicPartition, i64>,
}

impl AdminTool for DeleteRecords {
    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        out(cx, "Executing records delete operation");
        Step::Ask(AdminRequest::DeleteRecords(self.offsets.clone()))
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match answer {
            Ok(AdminResponse::Deleted(results)) => {
                for (partition, error) in
                    results.iter().filter_map(|(of, result)| Some((of, result.as_ref().err()?)))
                {
                    let text = format!(
                        "[AdminClient clientId=adminclient-1] DeleteRecords request for topic partition {partition} failed due to an unexpected error {}",
                        error.code
                    );
                    log(
                        cx,
                        "ERROR",
                        &text,
                        "org.apache.kafka.clients.admin.internals.DeleteRecordsHandler",
                        "",
                    );
                }
                out(cx, "Records delete operation completed:");
                for (partition, result) in results {
                    out(
                        cx,
                        &match result {
                            Ok(low) => format!("partition: {partition}\tlow_watermark: {low}"),
                            Err(error) => format!(
                                "partition: {partition}\terror: org.apache.kafka.common.errors.{}: {error}",
                                error.exception()
                            ),
                        },
                    );
                }
                Step::Exit(0)
            }
            Ok(_) => Step::Exit(1),
            Err(error) => {
                err(cx, &error.to_string());
                Step::Exit(1)
            }
        }
    }
}
