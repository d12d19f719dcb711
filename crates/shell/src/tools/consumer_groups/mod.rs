//! `kafka-consumer-groups.sh` (org.apache.kafka.tools.consumer.group.ConsumerGroupCommand).

mod delete;
mod describe;
mod failure;
mod list;
mod options;
mod plan;
mod reset;
mod time;

use blumfeld_client::admin::{AdminRequest, AdminResponse};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;

use super::admin::{AdminProcess, AdminTool, Step};
use super::file::{FromFile, launch};
use super::toolbox::{Launch, bootstrap_hint, client};
use crate::io::{Printed, out};
use crate::java::{hash_map_order, parse_number, split};
use crate::options::*;
use crate::{Environment, StdinSource};
use failure::Failure;
pub use options::SPECS;

/// What an action does next.
type Next = Result<Step, Failure>;
/// The answer to what it asked.
type Reply = Result<AdminResponse, ApiError>;

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, options::ABOUT).into();
    }
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            let text = format!("Exception in thread \"main\" {}", error.trace().trim_end());
            return error.printed(&bootstrap_hint(env), text).into();
        }
    };
    let warning = match options::check(&options) {
        Ok(warning) => warning,
        Err(printed) => return printed.into(),
    };
    let failed = |failure: Failure| {
        let printed = failure.printed();
        Launch::from(Printed { err: format!("{warning}{}", printed.err), ..printed })
    };
    if options.has("validate-regex") {
        return match options.value("validate-regex") {
            Ok(regex) => validate_regex(regex.unwrap_or_default()).into(),
            Err(error) => usage_error(SPECS, &error.to_string()).into(),
        };
    }
    let mut config = match prepare(&options, env) {
        Ok(config) => config,
        Err(failure) => return failed(failure),
    };
    match options.number::<i64>("timeout") {
        Ok(timeout) => config.default_api_timeout_ms = timeout.unwrap_or(30_000),
        Err(error) => return failed(error.into()),
    }
    let file = options.values("from-file").next().map(str::to_owned).filter(|_| options.has("reset-offsets"));
    let tool = ConsumerGroups { action: Action::new(&options), options, warning };
    if let Some(file) = file
        && let Some(launch) = launch(&config, &file, tool.clone(), env, stdin)
    {
        return launch;
    }
    Launch::Run(Box::new(AdminProcess::new(config, tool)))
}

/// What the tool looks at before it does anything.
fn prepare(options: &Options, env: &dyn Environment) -> Result<blumfeld_client::ClientConfig, Failure> {
    let bootstrap = options.value("bootstrap-server")?.unwrap_or_default();
    let config = client(bootstrap, "adminclient-1", env).map_err(|error| {
        let message = "Failed to create new KafkaAdminClient";
        Failure::Thrown {
            message: message.to_owned(),
            trace: format!(
                "org.apache.kafka.common.KafkaException: {message}\nCaused by: org.apache.kafka.common.config.ConfigException: {error}\n"
            ),
        }
    })?;
    for value in options.values("to-offset") {
        if parse_number::<i64>(value).is_none() {
            let (name, value) = ("to-offset".to_owned(), value.to_owned());
            return Err(OptionError::Conversion { name, value }.into());
        }
    }
    options.value("by-duration")?;
    options.number::<i64>("shift-by")?;
    Ok(config)
}

/// Kafka's tool compiles with RE2/J; whose words are told as far as they are known.
fn validate_regex(regex: &str) -> Printed {
    let Err(error) = regex_lite::Regex::new(regex) else {
        return Printed::output(format!("The regular expression `{regex}` is valid.\n"));
    };
    let text = error.to_string();
    let why = match () {
        () if text.contains("unclosed group") || text.contains("found open group") => "missing closing )",
        () if text.contains("unopened group") => "unexpected )",
        () if text.contains("repetition operator") => "missing argument to repetition operator",
        () if text.contains("bracketed class") => "missing closing ]",
        () => &text,
    };
    Printed::output(format!("The regular expression `{regex}` is invalid: {why}.\n"))
}

#[derive(Clone, Debug)]
enum Action {
    List(list::List),
    Describe(describe::Describe),
    Delete(delete::Delete),
    DeleteOffsets(delete::DeleteOffsets),
    Reset(reset::Reset),
}

impl Action {
    fn new(options: &Options) -> Action {
        if options.has("list") {
            Action::List(list::List::new(options))
        } else if options.has("describe") {
            Action::Describe(describe::Describe::new(options))
        } else if options.has("delete") {
            Action::Delete(delete::Delete::new(options))
        } else if options.has("delete-offsets") {
            Action::DeleteOffsets(delete::DeleteOffsets::default())
        } else {
            Action::Reset(reset::Reset::new(options))
        }
    }
}

/// The tool.
#[derive(Clone, Debug)]
struct ConsumerGroups {
    options: Options,
    action: Action,
    warning: &'static str,
}

/// With a file of offsets.
impl FromFile for ConsumerGroups {
    type Tool = ConsumerGroups;

    fn read(&self, bytes: &[u8]) -> Result<ConsumerGroups, Printed> {
        let mut tool = self.clone();
        if let Action::Reset(reset) = &mut tool.action {
            reset.file = Some(String::from_utf8_lossy(bytes).into_owned());
        }
        Ok(tool)
    }
}

impl AdminTool for ConsumerGroups {
    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        if !self.warning.is_empty() {
            cx.out.stderr(self.warning);
        }
        let next = match &mut self.action {
            Action::List(list) => list.begin(&self.options),
            Action::Describe(describe) => describe.begin(),
            Action::Delete(delete) => Ok(delete.begin()),
            Action::DeleteOffsets(delete) => delete.begin(&self.options),
            Action::Reset(reset) => reset.begin(),
        };
        next.unwrap_or_else(|failure| failure.end(cx))
    }

    fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Step {
        let next = match &mut self.action {
            Action::List(list) => list.answered(cx, answer),
            Action::Describe(describe) => describe.answered(cx, answer),
            Action::Delete(delete) => delete.answered(cx, answer),
            Action::DeleteOffsets(delete) => delete.answered(cx, answer),
            Action::Reset(reset) => reset.answered(cx, &self.options, answer),
        };
        next.unwrap_or_else(|failure| failure.end(cx))
    }
}

/// The groups that a command is about.
#[derive(Clone, Debug)]
enum Selection {
    All,
    Named(Vec<String>),
}

impl Selection {
    fn new(options: &Options) -> Selection {
        if options.has("all-groups") {
            Selection::All
        } else {
            Selection::Named(options.values("group").map(str::to_owned).collect())
        }
    }
}

/// Asks for all groups of consumers (ConsumerGroupService.listConsumerGroups).
fn list_all() -> Step {
    let types = vec!["Classic".to_owned(), "Consumer".to_owned()];
    Step::Ask(AdminRequest::ListGroups { states: Vec::new(), types })
}

/// Names of the groups in an answer, in Java's order.
fn names(answer: Reply) -> Result<Vec<String>, Failure> {
    match answer {
        Ok(AdminResponse::Groups(groups)) => {
            let names = groups.into_iter().map(|group| group.id).collect();
            Ok(hash_map_order(names, None, |name: &String| name))
        }
        Ok(_) => Err(unexpected()),
        Err(error) => Err(Failure::runtime_of(&no_brokers(&error))),
    }
}

/// What Java throws when groups could not be listed: without brokers, that it found none. The causes, the outermost
/// first.
fn no_brokers(error: &ApiError) -> Vec<String> {
    let mut causes = vec![failure::cause(error)];
    if error.to_string().ends_with("findAllBrokers") {
        let text = "org.apache.kafka.common.KafkaException: Failed to find brokers to send ListGroups";
        causes.insert(0, text.to_owned());
    }
    causes
}

/// An answer that does not belong to the question, which cannot be.
fn unexpected() -> Failure {
    Failure::thrown("java.lang.IllegalStateException", "Unexpected response")
}

/// A complaint that does not end the tool (ConsumerGroupCommand.printError).
fn complain(cx: &mut Context<'_>, text: &str) {
    out(cx, &format!("\nError: {text}"));
}

/// `topic:0,1` (OffsetsUtils.parseTopicsWithPartitions).
fn topic_partitions(argument: &str) -> Result<Vec<TopicPartition>, Failure> {
    let [topic, numbers] = split(argument, ":")[..] else {
        let text = format!("Invalid topic arg '{argument}', expected topic name and partitions");
        return Err(Failure::Usage(text));
    };
    let partition = |number: &str| match parse_number(number) {
        Some(number) => Ok(TopicPartition::new(topic, number)),
        None => {
            let text = format!("Invalid partition '{number}' specified in topic arg '{argument}''");
            Err(Failure::Usage(text))
        }
    };
    split(numbers, ",").into_iter().map(partition).collect()
}
