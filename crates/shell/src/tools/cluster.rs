//! `kafka-cluster.sh` (org.apache.kafka.tools.ClusterTool).

use blumfeld_client::ApiError;
use blumfeld_client::admin::{AdminRequest, AdminResponse, ClusterDescription};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::admin::{AdminProcess, AdminTool, Step, execution_failed, no_client};
use super::toolbox::{Launch, client};
use crate::argparse::Command;
use crate::io::{err, log, out};
use crate::java::parse_number;
use crate::options::*;
use crate::{Environment, StdinSource};

const COMMON: [Spec; 4] = [
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    not_yet("bootstrap-controller", Argument::Required("host:port")),
    not_yet("config", Argument::Required("file")),
    COMMAND_CONFIG,
];
const SHORT: &[(&str, &str)] =
    &[("b", "bootstrap-server"), ("C", "bootstrap-controller"), ("c", "config"), ("i", "id")];
const SERVERS: &[&str] = &["bootstrap-server", "bootstrap-controller"];

/// The options of all its commands, for completion.
pub const SPECS: &[Spec] = &[
    COMMON[0],
    COMMON[1],
    COMMON[2],
    COMMON[3],
    value("id", "id", "With unregister: the broker"),
    flag("include-fenced-brokers", "With list-endpoints: also brokers that are fenced"),
];

/// The tool's commands.
pub static COMMAND: Command = Command {
    name: "kafka-cluster",
    about: "The cluster's id and brokers",
    specs: &[],
    short: &[],
    one_of: &[],
    several: &[],
    required: &[],
    commands: &[
        Command {
            name: "cluster-id",
            about: "Show the cluster's id",
            specs: &COMMON,
            short: SHORT,
            one_of: SERVERS,
            several: &[],
            required: &[],
            commands: &[],
        },
        Command {
            name: "unregister",
            about: "Take a broker that is gone for good out of the list",
            specs: &[COMMON[0], COMMON[1], COMMON[2], COMMON[3], SPECS[4]],
            short: SHORT,
            one_of: SERVERS,
            several: &[],
            required: &["id"],
            commands: &[],
        },
        Command {
            name: "list-endpoints",
            about: "List the brokers with their addresses",
            specs: &[COMMON[0], COMMON[1], COMMON[2], COMMON[3], SPECS[5]],
            short: SHORT,
            one_of: SERVERS,
            several: &[],
            required: &[],
            commands: &[],
        },
    ],
};

#[derive(Clone, Copy, Debug)]
enum Cluster {
    Id,
    Unregister(i32),
    Endpoints { fenced: bool },
}

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    let parsed = match COMMAND.parse(arguments) {
        Ok(parsed) => parsed,
        Err(printed) => return printed.into(),
    };
    let tool = match parsed.command {
        "unregister" => {
            let text = parsed.value("id").unwrap_or_default();
            let Some(id) = parse_number(text) else {
                let message = format!(
                    "argument --id/-i: could not convert '{text}' to Integer (For input string: \"{text}\")"
                );
                return COMMAND.error(COMMAND.name, &message).into();
            };
            Cluster::Unregister(id)
        }
        "list-endpoints" => Cluster::Endpoints { fenced: parsed.has("include-fenced-brokers") },
        _ => Cluster::Id,
    };
    match client(parsed.value("bootstrap-server").unwrap_or_default(), "adminclient-1", env) {
        Ok(config) => Launch::Run(Box::new(AdminProcess::new(config, tool))),
        Err(error) => no_client(&error).into(),
    }
}

impl AdminTool for Cluster {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(match self {
            Self::Id => AdminRequest::DescribeCluster { fenced: false },
            Self::Unregister(id) => AdminRequest::UnregisterBroker(*id),
            Self::Endpoints { fenced } => AdminRequest::DescribeCluster { fenced: *fenced },
        })
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match (*self, answer) {
            (Self::Id, Ok(AdminResponse::Cluster(cluster))) => {
                out(cx, &format!("Cluster ID: {}", cluster.id));
                Step::Exit(0)
            }
            (Self::Endpoints { .. }, Ok(AdminResponse::Cluster(cluster))) => {
                endpoints(cx, &cluster);
                Step::Exit(0)
            }
            (Self::Unregister(id), Ok(_)) => {
                out(cx, &format!("Broker {id} is no longer registered."));
                Step::Exit(0)
            }
            (Self::Unregister(_), Err(error)) if error.code == ErrorCode::UNSUPPORTED_VERSION => {
                err(cx, "The target cluster does not support the broker unregistration API.");
                Step::Exit(1)
            }
            (Self::Unregister(id), Err(error)) => {
                if error.code != ErrorCode::REQUEST_TIMED_OUT {
                    let text = format!(
                        "[AdminClient clientId=adminclient-1] Unregister broker request for broker ID {id} failed: {error}"
                    );
                    log(cx, "ERROR", &text, "org.apache.kafka.clients.admin.KafkaAdminClient", "");
                }
                execution_failed(cx, &error)
            }
            (_, Ok(_)) => Step::Exit(1),
            (_, Err(error)) => execution_failed(cx, &error),
        }
    }
}

fn endpoints(cx: &mut Context<'_>, cluster: &ClusterDescription) {
    let brokers = &cluster.brokers;
    let host = brokers.iter().map(|broker| broker.endpoint.host.len()).max().unwrap_or(100);
    let racks = brokers.iter().filter_map(|broker| broker.rack.as_ref().map(|rack| rack.len()));
    let rack = racks.max().unwrap_or(10);
    let row = |id: &str, of: &str, port: &str, from: &str, state: &str, kind: &str| {
        format!("{id:<10} {of:<host$} {port:<10} {from:<rack$} {state:<10} {kind:<15}")
    };
    out(cx, &row("ID", "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE"));
    for broker in brokers {
        let state = if cluster.fenced.contains(&broker.id) { "fenced" } else { "unfenced" };
        let line = row(
            &broker.id.to_string(),
            &broker.endpoint.host,
            &broker.endpoint.port.to_string(),
            broker.rack.as_deref().unwrap_or("null"),
            state,
            "broker",
        );
        out(cx, &line);
    }
}
