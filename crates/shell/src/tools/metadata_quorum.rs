//! `kafka-metadata-quorum.sh` (org.apache.kafka.tools.MetadataQuorumCommand).

use blumfeld_client::ApiError;
use blumfeld_client::admin::{AdminRequest, AdminResponse, QuorumInfo, QuorumReplica};
use blumfeld_kernel::Context;
use blumfeld_protocol::uuid_text;

use super::admin::{AdminProcess, AdminTool, Step, execution_failed, no_client};
use super::toolbox::{Launch, client};
use crate::argparse::Command;
use crate::io::{Printed, out};
use crate::options::*;
use crate::{Environment, StdinSource};

/// The options of all its commands, for completion.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    not_yet("bootstrap-controller", Argument::Required("host:port")),
    COMMAND_CONFIG,
    flag("status", "With describe: the quorum as a whole"),
    flag("replication", "With describe: how far each voter is"),
    flag("human-readable", "With --replication: times as how long ago"),
];

/// The tool's commands.
pub static COMMAND: Command = Command {
    name: "kafka-metadata-quorum",
    about: "The quorum of controllers",
    specs: &[SPECS[0], SPECS[1], SPECS[2]],
    short: &[],
    one_of: &["bootstrap-server", "bootstrap-controller"],
    several: &[],
    required: &[],
    commands: &[
        Command {
            name: "describe",
            about: "Show the quorum",
            specs: &[SPECS[3], SPECS[4], SPECS[5]],
            short: &[],
            one_of: &[],
            several: &[],
            required: &[],
            commands: &[],
        },
        Command {
            name: "add-controller",
            about: "(Kafka has it; not here yet)",
            specs: &[],
            short: &[],
            one_of: &[],
            several: &[],
            required: &[],
            commands: &[],
        },
        Command {
            name: "remove-controller",
            about: "(Kafka has it; not here yet)",
            specs: &[],
            short: &[],
            one_of: &[],
            several: &[],
            required: &[],
            commands: &[],
        },
    ],
};

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    // The voters are static: whatever follows these words cannot be done.
    if let Some(word) =
        arguments.iter().find(|word| ["add-controller", "remove-controller"].contains(&&***word))
    {
        return Printed::error(format!("blumfeld: {word} is a command of Kafka's tool that is not here yet"))
            .into();
    }
    let parsed = match COMMAND.parse(arguments) {
        Ok(parsed) => parsed,
        // Of the two tools with commands, this one's help is no error.
        Err(printed) if !printed.out.is_empty() => return Printed { code: 0, ..printed }.into(),
        Err(printed) => return printed.into(),
    };
    let (status, replication) = (parsed.has("status"), parsed.has("replication"));
    let human = parsed.has("human-readable");
    let wrong = match (status, replication) {
        (true, true) => {
            Some("Only one of --status or --replication should be specified with describe sub-command")
        }
        (false, false) => {
            Some("One of --status or --replication must be specified with describe sub-command")
        }
        (true, false) if human => {
            Some("The option --human-readable is only supported along with --replication")
        }
        _ => None,
    };
    if let Some(text) = wrong {
        return Printed::error(text).into();
    }
    let tool = if status { Quorum::Status { cluster: None } } else { Quorum::Replication { human } };
    match client(parsed.value("bootstrap-server").unwrap_or_default(), "adminclient-1", env) {
        Ok(config) => Launch::Run(Box::new(AdminProcess::new(config, tool))),
        Err(error) => no_client(&error).into(),
    }
}

#[derive(Clone, Debug)]
enum Quorum {
    Status {
        /// The cluster's id, once it is known.
        cluster: Option<String>,
    },
    Replication {
        human: bool,
    },
}

impl AdminTool for Quorum {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(match self {
            Self::Status { .. } => AdminRequest::DescribeCluster { fenced: false },
            Self::Replication { .. } => AdminRequest::DescribeMetadataQuorum,
        })
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Result<AdminResponse, ApiError>) -> Step {
        match (self, answer) {
            (Self::Status { cluster }, Ok(AdminResponse::Cluster(description))) => {
                *cluster = Some(description.id.to_string());
                return Step::Ask(AdminRequest::DescribeMetadataQuorum);
            }
            (Self::Status { cluster }, Ok(AdminResponse::Quorum(quorum))) => {
                status(cx, cluster.as_deref().unwrap_or_default(), &quorum);
            }
            (Self::Replication { human }, Ok(AdminResponse::Quorum(quorum))) => {
                replication(cx, &quorum, *human);
            }
            (_, Ok(_)) => return Step::Exit(1),
            (_, Err(error)) => return execution_failed(cx, &error),
        }
        Step::Exit(0)
    }
}

fn status(cx: &mut Context<'_>, cluster: &str, quorum: &QuorumInfo) {
    let leader = quorum.voters.iter().find(|voter| voter.id == quorum.leader);
    let slowest = quorum.voters.iter().min_by_key(|voter| voter.log_end_offset);
    let (lag, lag_ms) = match (leader, slowest) {
        (Some(leader), Some(slowest)) if leader.id != slowest.id => {
            let known = leader.last_caught_up_timestamp >= 0 && slowest.last_caught_up_timestamp >= 0;
            let ms = leader.last_caught_up_timestamp.saturating_sub(slowest.last_caught_up_timestamp);
            (leader.log_end_offset.saturating_sub(slowest.log_end_offset), if known { ms } else { -1 })
        }
        _ => (0, 0),
    };
    let mut line = |name: &str, value: &str| out(cx, &format!("{name:<24}{value}"));
    line("ClusterId:", cluster);
    line("LeaderId:", &quorum.leader.to_string());
    line("LeaderEpoch:", &quorum.leader_epoch.to_string());
    line("HighWatermark:", &quorum.high_watermark.to_string());
    line("MaxFollowerLag:", &lag.to_string());
    line("MaxFollowerLagTimeMs:", &lag_ms.to_string());
    line("CurrentVoters:", &nodes(quorum, &quorum.voters));
    line("CurrentObservers:", &nodes(quorum, &quorum.observers));
}

/// `[{"id": 1, "endpoints": ["CONTROLLER://localhost:9093"]}]`
fn nodes(quorum: &QuorumInfo, replicas: &[QuorumReplica]) -> String {
    let node = |replica: &QuorumReplica| {
        let mut parts = vec![format!("\"id\": {}", replica.id)];
        if !replica.directory.is_nil() {
            parts.push(format!("\"directoryId\": \"{}\"", uuid_text::to_text(replica.directory)));
        }
        let listeners = quorum.listeners.get(&replica.id).map(Vec::as_slice).unwrap_or_default();
        if !listeners.is_empty() {
            let listeners: Vec<String> =
                listeners.iter().map(|(name, endpoint)| format!("\"{name}://{endpoint}\"")).collect();
            parts.push(format!("\"endpoints\": [{}]", listeners.join(", ")));
        }
        format!("{{{}}}", parts.join(", "))
    };
    let nodes: Vec<String> = replicas.iter().map(node).collect();
    format!("[{}]", nodes.join(", "))
}

fn replication(cx: &mut Context<'_>, quorum: &QuorumInfo, human: bool) {
    let end = quorum.voters.iter().find(|voter| voter.id == quorum.leader).map_or(0, |of| of.log_end_offset);
    let now = cx.unix_ms();
    let time = |timestamp: i64| match timestamp {
        ..0 => "-1".to_owned(),
        _ if human => format!("{} ms ago", now.saturating_sub(timestamp)),
        _ => timestamp.to_string(),
    };
    let row = |replica: &QuorumReplica, status: &str| -> [String; 7] {
        [
            replica.id.to_string(),
            uuid_text::to_text(replica.directory),
            replica.log_end_offset.to_string(),
            end.saturating_sub(replica.log_end_offset).to_string(),
            time(replica.last_fetch_timestamp),
            time(replica.last_caught_up_timestamp),
            status.to_owned(),
        ]
    };
    let header = [
        "NodeId",
        "DirectoryId",
        "LogEndOffset",
        "Lag",
        "LastFetchTimestamp",
        "LastCaughtUpTimestamp",
        "Status",
    ];
    let mut rows = vec![header.map(str::to_owned)];
    let (leader, followers): (Vec<_>, Vec<_>) =
        quorum.voters.iter().partition(|voter| voter.id == quorum.leader);
    rows.extend(leader.into_iter().map(|of| row(of, "Leader")));
    rows.extend(followers.into_iter().map(|of| row(of, "Follower")));
    rows.extend(quorum.observers.iter().map(|of| row(of, "Observer")));
    for line in table(&rows) {
        out(cx, &line);
    }
}

/// Columns as wide as their widest value, each with a tab behind it (ToolsUtils.prettyPrintTable).
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        row.iter().zip(widths).map(|(value, width)| format!("{value:<width$}\t")).collect::<String>()
    };
    rows.iter().map(line).collect()
}
