//! What the Tab key offers.

use crate::Environment;
use crate::options::Argument;
use crate::tools::registry::{TOOLS, commands, find};
use crate::tools::workload;

/// Words that can follow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completions {
    /// Whole words that can stand in the place of `stem`, in order, quoted where they must be.
    pub words: Vec<String>,
    /// What was typed of the word so far, at the end of the line.
    pub stem: String,
}

/// Settings that the console clients take by `name=value`.
const READER_PROPERTIES: &[&str] = &[
    "headers.delimiter=",
    "headers.key.separator=",
    "headers.separator=",
    "ignore.error=true",
    "key.separator=",
    "null.marker=",
    "parse.headers=true",
    "parse.key=true",
];
const FORMATTER_PROPERTIES: &[&str] = &[
    "headers.separator=",
    "key.separator=",
    "line.separator=",
    "null.literal=",
    "print.headers=true",
    "print.key=true",
    "print.offset=true",
    "print.partition=true",
    "print.timestamp=true",
    "print.value=false",
];
/// Configurations of topics (org.apache.kafka.common.config.TopicConfig).
const TOPIC_CONFIGS: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// States of groups of consumers (org.apache.kafka.common.GroupState).
const GROUP_STATES: &[&str] =
    &["Assigning", "CompletingRebalance", "Dead", "Empty", "PreparingRebalance", "Reconciling", "Stable"];

/// What can complete the last word of a line.
pub fn complete(line: &str, env: &dyn Environment) -> Completions {
    let (head, stem) = match line.rsplit_once([' ', '\t']) {
        Some((head, stem)) => (head, stem),
        None => ("", line),
    };
    let words: Vec<&str> = head.split_whitespace().collect();
    // Behind a pipe a new command begins.
    let words = words.rsplit(|word| *word == "|").next().unwrap_or_default();
    let (candidates, stem) = candidates(words, stem, env);
    let mut fitting: Vec<String> =
        candidates.into_iter().filter(|word| word.starts_with(stem) && word != stem).map(quoted).collect();
    fitting.sort();
    fitting.dedup();
    Completions { words: fitting, stem: stem.to_owned() }
}

/// A word as it must be typed: in quotes if a line would not keep it whole.
fn quoted(word: String) -> String {
    let plain = |c: char| !c.is_whitespace() && !"'\"\\|<>;&`$()#".contains(c);
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// All words for a place, and the part of the typed word that they replace.
fn candidates<'a>(words: &[&str], stem: &'a str, env: &dyn Environment) -> (Vec<String>, &'a str) {
    let Some((command, arguments)) = words.split_first() else {
        return (TOOLS.iter().map(|tool| tool.name.to_owned()).collect(), stem);
    };
    if arguments.last() == Some(&"<") || *command == "cat" {
        return (env.dropped_files(), stem);
    }
    if *command == "help" {
        let names = TOOLS.iter().map(|tool| tool.name.to_owned());
        return (names.chain(["en".to_owned(), "ko".to_owned()]).collect(), stem);
    }
    if *command == "broker" {
        return (crate::tools::broker::candidates(arguments, env), stem);
    }
    if *command == "fault" {
        return (crate::tools::fault::candidates(arguments, env), stem);
    }
    if *command == "timeline" {
        let words = if arguments.is_empty() { owned(&crate::tools::timeline::WORDS) } else { Vec::new() };
        return (words, stem);
    }
    if *command == "until" || *command == "odds" {
        return (crate::tools::until::candidates(arguments), stem);
    }
    if *command == "why" {
        return (crate::tools::why::candidates(arguments), stem);
    }
    let Some(tool) = find(command) else { return (Vec::new(), stem) };
    let specs = match (tool.name, arguments) {
        ("workload", ["start"]) => return (owned(&["consume", "produce", "transform"]), stem),
        ("workload", ["log"]) => return (env.background_clients(), stem),
        ("workload", ["stop"]) => {
            return (env.background_clients().into_iter().chain(["all".to_owned()]).collect(), stem);
        }
        ("workload", ["start", command, ..] | [command, ..]) => workload::specs(command),
        _ => tool.specs,
    };
    let needs_value = |word: &str| {
        let name = word.trim_start_matches('-');
        specs
            .iter()
            .find(|spec| spec.name == name && word.starts_with('-'))
            .filter(|spec| spec.argument != Argument::None)
    };
    if let Some((option, value)) = stem.split_once('=')
        && let Some(spec) = needs_value(option)
    {
        return values(tool.name, spec.name, value, env);
    }
    if let Some(spec) = arguments.last().and_then(|word| needs_value(word)) {
        return values(tool.name, spec.name, stem, env);
    }
    let offered = specs.iter().filter(|spec| !spec.about.is_empty());
    let options = offered.map(|spec| format!("--{}", spec.name));
    let commands = commands(tool.name).iter().filter(|_| {
        // One of them, and one only.
        !commands(tool.name).iter().any(|command| arguments.contains(command))
    });
    (options.chain(commands.map(|command| (*command).to_owned())).collect(), stem)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Values of an option. Of a list only the part behind the last comma is completed.
fn values<'a>(tool: &str, option: &str, stem: &'a str, env: &dyn Environment) -> (Vec<String>, &'a str) {
    let last = stem.rsplit(',').next().unwrap_or(stem);
    let configs = || TOPIC_CONFIGS.iter().map(|name| format!("{name}=")).collect();
    match option {
        "bootstrap-server" => (vec![env.bootstrap().to_string()], stem),
        "topic" | "entity-name" => (env.topics(), stem),
        "from" | "to" if tool == "workload" => (env.topics(), stem),
        "group" => (env.groups(), stem),
        "topic-partitions" => (env.topics().into_iter().map(|topic| format!("{topic}:")).collect(), last),
        "files" => {
            let suffixes = [".log", ".index", ".timeindex"];
            let files = env.disk_files(last).into_iter();
            (files.filter(|file| suffixes.iter().any(|suffix| file.ends_with(suffix))).collect(), last)
        }
        "offset-json-file"
        | "path-to-json-file"
        | "reassignment-json-file"
        | "topics-to-move-json-file"
        | "add-config-file"
        | "command-config"
        | "from-file" => (env.dropped_files(), stem),
        "topic-list" => (env.topics(), last),
        "state" => (owned(GROUP_STATES), last),
        "type" => (owned(&["classic", "consumer"]), last),
        "election-type" => (owned(&["preferred", "unclean"]), stem),
        "config" => (configs(), stem),
        "add-config" => (configs(), last),
        "delete-config" => (owned(TOPIC_CONFIGS), last),
        "entity-type" => (owned(&["brokers", "topics"]), stem),
        "compression-codec" => (owned(&["gzip", "lz4", "none", "snappy", "zstd"]), stem),
        "request-required-acks" => (owned(&["0", "1", "all"]), stem),
        "reader-property" => (owned(READER_PROPERTIES), stem),
        "formatter-property" => (owned(FORMATTER_PROPERTIES), stem),
        "property" if tool == "kafka-console-producer.sh" => (owned(READER_PROPERTIES), stem),
        "property" => (owned(FORMATTER_PROPERTIES), stem),
        "offset" => (owned(&["earliest", "latest"]), stem),
        "time" => (owned(&["earliest", "latest", "max-timestamp"]), stem),
        "isolation-level" => (owned(&["read_committed", "read_uncommitted"]), stem),
        _ if tool == "workload" => (owned(workload::values(option)), stem),
        _ => (Vec::new(), stem),
    }
}
