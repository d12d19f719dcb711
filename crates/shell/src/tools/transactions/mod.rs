//! `kafka-transactions.sh` (org.apache.kafka.tools.TransactionsCommand).

mod abort;
mod find_hanging;
mod show;

use blumfeld_client::ApiError;
use blumfeld_client::admin::{AbortTransactionSpec, AdminRequest, AdminResponse, TransactionFilter};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::admin::{AdminProcess, AdminTool, Step};
use super::toolbox::{Launch, client};
use crate::argparse::{Command, Parsed};
use crate::io::{Printed, err, out};
use crate::java::parse_number;
use crate::options::*;
use crate::{Environment, StdinSource};
use abort::Abort;
use find_hanging::FindHanging;

/// The options of all its commands, for completion.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    COMMAND_CONFIG,
    value("duration-filter", "ms", "With list: only transactions that have been open for longer"),
    value("transactional-id-pattern", "expression", "With list: only ids that fit this regular expression"),
    value("transactional-id", "id", "With describe: the transactional id (required)"),
    value("topic", "topic", "The topic"),
    value("partition", "number", "The partition"),
    value(
        "broker-id",
        "id",
        "With describe-producers: the replica to ask; with find-hanging: where to search",
    ),
    value("start-offset", "offset", "With abort: where the transaction begins"),
    value("producer-id", "id", "With abort, for brokers before 3.0: whose transaction it is"),
    value("producer-epoch", "epoch", "The same: in which epoch"),
    value("coordinator-epoch", "epoch", "The same: the epoch of the coordinator"),
    value(
        "max-transaction-timeout",
        "minutes",
        "With find-hanging: what has been open for longer is looked at (default: 15)",
    ),
    value("transactionalId", "id", "With forceTerminateTransaction: the transactional id (required)"),
];

/// A command without options.
const BARE: Command = Command {
    name: "",
    about: "",
    specs: &[],
    short: &[],
    one_of: &[],
    several: &[],
    required: &[],
    commands: &[],
};

/// The tool's commands.
pub static COMMAND: Command = Command {
    name: "kafka-transactions.sh",
    about: "Transactions and their producers",
    specs: &[SPECS[0], SPECS[1]],
    short: &[],
    one_of: &[],
    several: &[],
    required: &["bootstrap-server"],
    commands: &[
        Command {
            name: "list",
            about: "Transactional ids of all coordinators",
            specs: &[SPECS[2], SPECS[3]],
            ..BARE
        },
        Command {
            name: "describe",
            about: "How a transactional id stands",
            specs: &[SPECS[4]],
            required: &["transactional-id"],
            ..BARE
        },
        Command {
            name: "describe-producers",
            about: "Which producers a partition knows",
            specs: &[SPECS[7], SPECS[5], SPECS[6]],
            required: &["topic", "partition"],
            ..BARE
        },
        Command {
            name: "abort",
            about: "End a transaction that its coordinator has forgotten",
            specs: &[SPECS[5], SPECS[6], SPECS[8], SPECS[9], SPECS[10], SPECS[11]],
            required: &["topic", "partition"],
            ..BARE
        },
        Command {
            name: "find-hanging",
            about: "Find transactions that their coordinators have forgotten",
            specs: &[SPECS[7], SPECS[12], SPECS[5], SPECS[6]],
            ..BARE
        },
        Command {
            name: "forceTerminateTransaction",
            about: "Fence off whoever has a transactional id, and abort what is open",
            specs: &[SPECS[13]],
            required: &["transactionalId"],
            ..BARE
        },
    ],
};

/// The tool's commands by name.
pub const COMMANDS: &[&str] =
    &["abort", "describe", "describe-producers", "find-hanging", "forceTerminateTransaction", "list"];

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments
        .iter()
        .take_while(|word| word.starts_with('-'))
        .any(|word| ["-v", "--version"].contains(&word.as_str()))
    {
        return Printed::output(format!("{KAFKA_VERSION}\n")).into();
    }
    let prepared = COMMAND.parse(arguments).and_then(|parsed| {
        let action = prepare(&parsed)?;
        Ok((parsed, action))
    });
    let (parsed, action) = match prepared {
        Ok(prepared) => prepared,
        Err(printed) => return printed.into(),
    };
    match client(parsed.value("bootstrap-server").unwrap_or_default(), "adminclient-1", env) {
        Ok(config) => Launch::Run(Box::new(AdminProcess::new(config, Transactions { action }))),
        Err(error) => {
            let text = "org.apache.kafka.common.KafkaException: Failed to create new KafkaAdminClient";
            let cause = "org.apache.kafka.common.config.ConfigException";
            Printed::error(format!("Exception in thread \"main\" {text}\nCaused by: {cause}: {error}")).into()
        }
    }
}

/// An option's number of one of Java's types.
fn number<T: std::str::FromStr>(parsed: &Parsed, name: &str, kind: &str) -> Result<Option<T>, Printed> {
    let Some(text) = parsed.value(name) else { return Ok(None) };
    parse_number(text).map(Some).ok_or_else(|| {
        let why = format!("could not convert '{text}' to {kind} (For input string: \"{text}\")");
        COMMAND.error(COMMAND.name, &format!("argument --{name}: {why}"))
    })
}

fn prepare(parsed: &Parsed) -> Result<Action, Printed> {
    let text = |name: &str| parsed.value(name).unwrap_or_default().to_owned();
    let partition = number::<i32>(parsed, "partition", "Integer")?;
    let broker = number::<i32>(parsed, "broker-id", "Integer")?;
    let of = || blumfeld_client::TopicPartition::new(&text("topic"), partition.unwrap_or(0));
    Ok(match parsed.command {
        "list" => {
            // Below zero it filters nothing.
            let longer_than_ms = number::<i64>(parsed, "duration-filter", "Long")?.filter(|ms| *ms >= 0);
            let pattern = parsed.value("transactional-id-pattern").map(str::to_owned);
            Action::List(TransactionFilter { longer_than_ms, pattern, ..TransactionFilter::default() })
        }
        "describe" => Action::Describe(text("transactional-id")),
        "describe-producers" => Action::DescribeProducers { of: of(), broker },
        "abort" => Action::Abort(abort::prepare(parsed, of())?),
        "find-hanging" => Action::FindHanging(find_hanging::prepare(parsed, partition, broker)?),
        _ => Action::ForceTerminate(text("transactionalId")),
    })
}

#[derive(Clone, Debug)]
enum Action {
    List(TransactionFilter),
    Describe(String),
    DescribeProducers { of: blumfeld_client::TopicPartition, broker: Option<i32> },
    Abort(Abort),
    FindHanging(FindHanging),
    ForceTerminate(String),
}

#[derive(Clone, Debug)]
struct Transactions {
    action: Action,
}

/// A call's answer.
type Reply = Result<AdminResponse, ApiError>;

impl AdminTool for Transactions {
    fn begin(&mut self, _: &mut Context<'_>) -> Step {
        Step::Ask(match &mut self.action {
            Action::List(filter) => AdminRequest::ListTransactions(filter.clone()),
            Action::Describe(id) => AdminRequest::DescribeTransactions(vec![id.clone()]),
            Action::DescribeProducers { of, broker } => {
                AdminRequest::DescribeProducers { partitions: [of.clone()].into(), broker: *broker }
            }
            Action::Abort(abort) => abort.begin(),
            Action::FindHanging(search) => search.begin(),
            Action::ForceTerminate(id) => AdminRequest::FenceProducer(id.clone()),
        })
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Step {
        match &mut self.action {
            Action::List(_) => show::list(cx, answer),
            Action::Describe(id) => show::describe(cx, id, answer),
            Action::DescribeProducers { of, broker } => show::producers(cx, of, *broker, answer),
            Action::Abort(abort) => abort.answered(cx, answer),
            Action::FindHanging(search) => search.answered(cx, answer),
            Action::ForceTerminate(id) => {
                let result = match answer {
                    Ok(AdminResponse::ProducerFenced(result)) => result.map(|_| ()),
                    Ok(_) => Err(unexpected()),
                    Err(error) => Err(error),
                };
                ended(cx, result, &format!("Failed to force terminate transactionalId `{id}`"))
            }
        }
    }
}

/// The end of a command that prints nothing if all went well.
fn ended(cx: &mut Context<'_>, result: Result<(), ApiError>, failed: &str) -> Step {
    match result {
        Ok(()) => Step::Exit(0),
        Err(error) => fail(cx, failed, &error),
    }
}

/// TransactionsCommand.printErrorAndExit
fn fail(cx: &mut Context<'_>, what: &str, error: &ApiError) -> Step {
    err(cx, &format!("{what}: {error}. Enable debug logging for additional detail."));
    Step::Exit(1)
}

/// An answer that does not belong to the question, which cannot be.
fn unexpected() -> ApiError {
    ErrorCode::UNKNOWN_SERVER_ERROR.into()
}

/// The specification of an abort; Java prints it where that fails.
fn failed_abort(spec: &AbortTransactionSpec) -> String {
    format!("Failed to abort transaction {spec}")
}

/// A table as Java prints it (ToolsUtils.prettyPrintTable): a tab behind each column.
fn table<const COLUMNS: usize>(cx: &mut Context<'_>, headers: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headers[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut line = |cells: &[&str; COLUMNS]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            text.push_str(&format!("{cell:width$}\t"));
        }
        out(cx, &text);
    };
    line(&headers);
    for row in rows {
        line(&std::array::from_fn(|column| row[column].as_str()));
    }
}
