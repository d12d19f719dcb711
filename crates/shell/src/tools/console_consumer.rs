//! `kafka-console-consumer.sh` (org.apache.kafka.tools.consumer.ConsoleConsumer).
//!
//! Consumer groups are not here yet: without `--partition` it assigns itself every partition of its topics, and new
//! ones as they appear, which is what a group of one member comes to.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::{BufMut, BytesMut};

use blumfeld_client::consumer::{
    Assignor, Consumer, ConsumerConfig, ConsumerRecord, IsolationLevel, OffsetReset, TopicPattern,
};
use blumfeld_client::{ClientConfig, Serde, SerializationError, TopicPartition, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node};

use super::properties::{self, Properties, invalid, number};
use super::toolbox::{Launch, bootstrap_hint};
use super::topics::IncludeList;
use crate::io::{INTERRUPTED, Printed, err, log, log_issues, out};
use crate::java::parse_number;
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    not_yet("command-config", Argument::Required("file")),
    value("command-property", "name=value", "A setting of the consumer; may be repeated"),
    not_yet("consumer.config", Argument::Required("file")),
    value("consumer-property", "name=value", "Old name of --command-property"),
    flag("enable-systest-events", "Say `shutdown_complete` at the end"),
    value("formatter", "class", "How records are printed; only Kafka's default one is here"),
    not_yet("formatter-config", Argument::Required("file")),
    value(
        "formatter-property",
        "name=value",
        "What is printed: print.timestamp, print.partition, print.offset, print.headers, print.key, print.value (true or false), key.separator, line.separator, headers.separator, null.literal; may be repeated",
    ),
    flag("from-beginning", "Begin at the log start, not at the end"),
    value("group", "group", "The consumer group to join, whose offsets are committed (default: none)"),
    flag("help", "Show this"),
    value("include", "pattern", "The topics that fit this regular expression"),
    value("isolation-level", "level", "read_uncommitted (default) or read_committed"),
    value("key-deserializer", "class", "How keys are read: one of org.apache.kafka.common.serialization"),
    value("max-messages", "number", "End after so many records"),
    value("offset", "offset", "With --partition: earliest, latest (default) or a number"),
    value("partition", "number", "Only this partition"),
    value("property", "name=value", "Old name of --formatter-property"),
    flag("skip-message-on-error", "Go on after a record that cannot be printed"),
    value("timeout-ms", "ms", "End when no record came for so long"),
    value("topic", "topic", "The topic to read"),
    value("value-deserializer", "class", "How values are read: one of org.apache.kafka.common.serialization"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to read data from Kafka topics and outputs it to standard output.";
const LOGGER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const DEFAULT_FORMATTERS: [&str; 2] =
    ["org.apache.kafka.tools.consumer.DefaultMessageFormatter", "kafka.tools.DefaultMessageFormatter"];
/// What the Java consumer of Kafka 4.3 says to everyone who still joins by the classic protocol.
const REBALANCE_NOTICE: &str = "The consumer rebalance protocol (KIP-848) is production-ready! Set group.protocol=consumer to try it out. See https://kafka.apache.org/documentation/#consumer_rebalance_protocol";

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    let hint = bootstrap_hint(env);
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            let text = format!("{error}\n{}", usage(SPECS));
            return error.printed(&hint, text).into();
        }
    };
    if let Some(printed) = help_or_version(SPECS, &options, ABOUT) {
        return printed.into();
    }
    match prepare(&options) {
        Ok(process) => Launch::Run(process),
        Err(printed) => printed.into(),
    }
}

/// What to read.
#[derive(Clone, Debug)]
enum Source {
    /// Every partition of a topic.
    Topic(String),
    /// Every partition of the topics that fit.
    Include(IncludeList),
    /// One partition, from an offset; -1 is the end and -2 the log start, as in Kafka's requests.
    Partition(TopicPartition, i64),
}

fn prepare(options: &Options) -> Result<Box<ConsoleConsumer>, Printed> {
    let plain = |error: OptionError| {
        Printed::error(format!("Exception in thread \"main\" {}", error.trace().trim_end()))
    };
    let refuse = |text: &str| Err(usage_error(SPECS, text));
    let topic = options.value("topic").map_err(plain)?;
    let include = options.value("include").map_err(plain)?;
    if let Some(printed) = missing(SPECS, options, &["bootstrap-server"]) {
        return Err(printed);
    }
    if topic.is_some() == include.is_some() {
        return refuse("Exactly one of the following arguments is required: [topic], [include]");
    }
    let partition = options.number::<i32>("partition").map_err(plain)?;
    if partition.is_some() {
        if topic.is_none() {
            return refuse("The topic is required when partition is specified.");
        }
        if options.has("from-beginning") && options.has("offset") {
            return refuse("Options from-beginning and offset cannot be specified together.");
        }
    } else if options.has("offset") {
        return refuse("The partition is required when offset is specified.");
    }
    let from_beginning = options.has("from-beginning");
    let offset = match options.value("offset").map_err(plain)? {
        None if from_beginning => -2,
        None => -1,
        Some(text) => match (text.to_lowercase().as_str(), parse_number::<i64>(text)) {
            ("earliest", _) => -2,
            ("latest", _) => -1,
            (_, Some(offset)) if offset >= 0 => offset,
            _ => {
                return refuse(&format!(
                    "The provided offset value '{text}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long."
                ));
            }
        },
    };
    let mut notice = String::new();
    for (old, new) in [("consumer-property", "command-property"), ("property", "formatter-property")] {
        if options.has(old) && options.has(new) {
            return refuse(&format!("Options --{old} and --{new} cannot be specified together."));
        }
        if options.has(old) {
            notice.push_str(&format!(
                "Option --{old} is deprecated and will be removed in a future version. Use --{new} instead.\n"
            ));
        }
    }
    if let Some(class) = options.value("formatter").map_err(plain)?
        && !DEFAULT_FORMATTERS.contains(&class)
    {
        return refuse(class);
    }
    let mut config =
        properties::parse(options.values("consumer-property").chain(options.values("command-property")));
    let (by_option, by_property) = (options.value("group").map_err(plain)?, config.get("group.id"));
    if let (Some(a), Some(b)) = (by_property, by_option)
        && a != b
    {
        return refuse(&format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: '{a}', '{b}'"
        ));
    }
    if by_option.is_some() && partition.is_some() {
        return refuse("Options group and partition cannot be specified together.");
    }
    let group = by_option.map(str::to_owned).or_else(|| by_property.cloned()).filter(|_| partition.is_none());
    if let (true, Some(reset)) = (from_beginning, config.get("auto.offset.reset"))
        && reset != "earliest"
    {
        let text = format!(
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option"
        );
        return Err(Printed::error(text).after(&notice));
    }
    config
        .entry("auto.offset.reset".to_owned())
        .or_insert_with(|| if from_beginning { "earliest" } else { "latest" }.to_owned());
    if let Some(level) = options.value("isolation-level").map_err(plain)? {
        config.insert("isolation.level".to_owned(), level.to_owned());
    }
    let bootstrap = options.value("bootstrap-server").map_err(plain)?.unwrap_or_default();
    let mut formatter_properties =
        properties::parse(options.values("property").chain(options.values("formatter-property")));
    for part in ["key", "value"] {
        if let Some(class) = options.value(&format!("{part}-deserializer")).map_err(plain)? {
            formatter_properties.insert(format!("{part}.deserializer"), class.to_owned());
        }
    }
    let formatter = Formatter::new(&formatter_properties).map_err(Printed::error)?;
    let source = match (topic, include, partition) {
        (Some(topic), _, Some(partition)) => Source::Partition(TopicPartition::new(topic, partition), offset),
        (Some(topic), ..) => Source::Topic(topic.to_owned()),
        (None, pattern, _) => match IncludeList::new(pattern.unwrap_or_default()) {
            Ok(include) => Source::Include(include),
            Err(text) => return Err(Printed::error(text)),
        },
    };
    let config = match consumer_config(bootstrap, &config, group.clone()) {
        Ok(config) => config,
        Err(text) => return Ok(Box::new(ConsoleConsumer::broken(notice, &text, formatter))),
    };
    Ok(Box::new(ConsoleConsumer {
        consumer: Consumer::new(config),
        source,
        formatter,
        notice,
        in_group: group.is_some(),
        group: group.unwrap_or_default(),
        broken: None,
        max_messages: options.number::<i64>("max-messages").map_err(|error| error.trace()),
        timeout_ms: options.number::<i64>("timeout-ms").map_err(plain)?,
        systest: options.has("enable-systest-events"),
        skip_on_error: options.has("skip-message-on-error"),
        thrown: None,
        count: 0,
        deadline: None,
        seen: None,
        closing: None,
        over: false,
        now: Instant::ZERO,
    }))
}

/// The consumer's settings of its properties. Names that nobody knows are passed over, as in Kafka.
pub fn consumer_config(
    bootstrap: &str,
    properties: &Properties,
    group: Option<String>,
) -> Result<ConsumerConfig, String> {
    let endpoints = parse_bootstrap(bootstrap).map_err(|error| error.to_string())?;
    let mut config = ConsumerConfig::new(ClientConfig::new(endpoints, "console-consumer"));
    if let Some(id) = properties.get("client.id") {
        config.client.client_id.clone_from(id);
    }
    if let Some(level) = properties.get("isolation.level") {
        config.isolation_level = IsolationLevel::parse(level).ok_or_else(|| {
            invalid("isolation.level", level, "String must be one of: read_committed, read_uncommitted")
        })?;
    }
    config.auto_offset_reset = match properties.get("auto.offset.reset").map(String::as_str) {
        Some("earliest") => OffsetReset::Earliest,
        Some("none") => OffsetReset::None,
        Some("latest") | None => OffsetReset::Latest,
        Some(other) => {
            return Err(invalid(
                "auto.offset.reset",
                other,
                "Allowed values are earliest, latest, none, or by_duration:<duration>",
            ));
        }
    };
    config.group_id = group;
    group_config(&mut config, properties)?;
    number(properties, "fetch.min.bytes", "INT", &mut config.fetch_min_bytes)?;
    number(properties, "fetch.max.bytes", "INT", &mut config.fetch_max_bytes)?;
    number(properties, "fetch.max.wait.ms", "INT", &mut config.fetch_max_wait_ms)?;
    number(properties, "max.partition.fetch.bytes", "INT", &mut config.max_partition_fetch_bytes)?;
    number(properties, "max.poll.records", "INT", &mut config.max_poll_records)?;
    number(properties, "request.timeout.ms", "INT", &mut config.client.request_timeout_ms)?;
    number(properties, "metadata.max.age.ms", "LONG", &mut config.client.metadata_max_age_ms)?;
    number(properties, "retry.backoff.ms", "LONG", &mut config.client.retry_backoff.initial_ms)?;
    Ok(config)
}

/// What a member of a group obeys.
fn group_config(config: &mut ConsumerConfig, properties: &Properties) -> Result<(), String> {
    if let Some(protocol) =
        properties.get("group.protocol").filter(|name| !name.eq_ignore_ascii_case("classic"))
    {
        return Err(format!(
            "blumfeld: group.protocol={protocol} is not here yet: groups are of the classic protocol"
        ));
    }
    number(properties, "session.timeout.ms", "INT", &mut config.session_timeout_ms)?;
    number(properties, "heartbeat.interval.ms", "INT", &mut config.heartbeat_interval_ms)?;
    number(properties, "max.poll.interval.ms", "INT", &mut config.max_poll_interval_ms)?;
    number(properties, "auto.commit.interval.ms", "INT", &mut config.auto_commit_interval_ms)?;
    config.group_instance_id = properties.get("group.instance.id").cloned();
    if let Some(value) = properties.get("enable.auto.commit") {
        config.enable_auto_commit = match value.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                return Err(invalid(
                    "enable.auto.commit",
                    value,
                    "Expected value to be either true or false",
                ));
            }
        };
    }
    if let Some(names) = properties.get("partition.assignment.strategy") {
        let assignor = |name: &str| {
            Assignor::parse(name).ok_or_else(|| format!("blumfeld: the assignor {name} is not here yet"))
        };
        config.assignors = names.split(',').map(assignor).collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// How a record is printed (org.apache.kafka.tools.consumer.DefaultMessageFormatter).
#[derive(Clone, PartialEq, Eq, Debug)]
struct Formatter {
    timestamp: bool,
    partition: bool,
    offset: bool,
    delivery: bool,
    epoch: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: String,
    line_separator: String,
    headers_separator: String,
    null_literal: String,
    /// Of headers, keys and values.
    deserializers: [Option<Serde>; 3],
    /// Classes that are none of Kafka's: bytes stay what they are.
    unknown: Vec<String>,
}

impl Formatter {
    fn new(properties: &Properties) -> Result<Formatter, String> {
        let mut unknown = Vec::new();
        let mut deserializer = |part: &str| match properties.get(&format!("{part}.deserializer")) {
            None => Ok(None),
            Some(class) => match Serde::of_class(class) {
                None if class.starts_with("org.apache.kafka.") => {
                    Err(format!("blumfeld: the deserializer {class} is not here yet"))
                }
                None => {
                    unknown.push(class.clone());
                    Ok(None)
                }
                found => Ok(found),
            },
        };
        let deserializers = [deserializer("headers")?, deserializer("key")?, deserializer("value")?];
        let flag = |name: &str, default: bool| {
            properties.get(name).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"))
        };
        let text =
            |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).to_owned();
        Ok(Formatter {
            timestamp: flag("print.timestamp", false),
            partition: flag("print.partition", false),
            offset: flag("print.offset", false),
            delivery: flag("print.delivery", false),
            epoch: flag("print.epoch", false),
            headers: flag("print.headers", false),
            key: flag("print.key", false),
            value: flag("print.value", true),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null_literal: text("null.literal", "null"),
            deserializers,
            unknown,
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// A part of it is not what its deserializer reads; what stands before it is written.
    fn write(&self, record: &ConsumerRecord, to: &mut BytesMut) -> Result<(), SerializationError> {
        let part = |bytes: Option<&[u8]>, deserializer: usize, to: &mut BytesMut| {
            let bytes = bytes.unwrap_or(self.null_literal.as_bytes());
            match self.deserializers.get(deserializer).copied().flatten() {
                Some(serde) => to.put_slice(serde.deserialize(bytes)?.as_bytes()),
                None => to.put_slice(bytes),
            }
            Ok(())
        };
        let mut parts = 0;
        let mut begin = |to: &mut BytesMut| {
            if parts > 0 {
                to.put_slice(self.key_separator.as_bytes());
            }
            parts += 1;
        };
        if self.timestamp {
            begin(to);
            to.put_slice(format!("{}:{}", record.timestamp_type.name(), record.timestamp).as_bytes());
        }
        if self.partition {
            begin(to);
            to.put_slice(format!("Partition:{}", record.partition.partition).as_bytes());
        }
        if self.offset {
            begin(to);
            to.put_slice(format!("Offset:{}", record.offset).as_bytes());
        }
        // Kafka's tool hands its formatter a record without these two.
        if self.delivery {
            begin(to);
            to.put_slice(b"Delivery:NOT_PRESENT");
        }
        if self.epoch {
            begin(to);
            to.put_slice(b"Epoch:NOT_PRESENT");
        }
        if self.headers {
            begin(to);
            if record.headers.is_empty() {
                to.put_slice(b"NO_HEADERS");
            }
            for (index, header) in record.headers.iter().enumerate() {
                if index > 0 {
                    to.put_slice(self.headers_separator.as_bytes());
                }
                to.put_slice(&header.key);
                to.put_slice(b":");
                part(header.value.as_deref(), 0, to)?;
            }
        }
        if self.key {
            begin(to);
            part(record.key.as_deref(), 1, to)?;
        }
        if self.value {
            begin(to);
            part(record.value.as_deref(), 2, to)?;
        }
        if parts > 0 {
            to.put_slice(self.line_separator.as_bytes());
        }
        Ok(())
    }
}

/// The running tool.
#[derive(Clone, Debug)]
pub struct ConsoleConsumer {
    consumer: Consumer,
    source: Source,
    formatter: Formatter,
    notice: String,
    /// The group, or the name that Kafka's tool makes up for one.
    group: String,
    /// Whether a group was named.
    in_group: bool,
    /// Settings that cannot be used: the stack trace to be logged.
    broken: Option<String>,
    /// An error is a stack trace: Kafka looks at this option only when it runs.
    max_messages: Result<Option<i64>, String>,
    timeout_ms: Option<i64>,
    systest: bool,
    skip_on_error: bool,
    /// What could not be read: the stack trace to be logged at the end.
    thrown: Option<String>,
    count: i64,
    deadline: Option<Instant>,
    /// The metadata that the assignment was last made from.
    seen: Option<u64>,
    /// The exit code, while the group is left.
    closing: Option<i32>,
    over: bool,
    now: Instant,
}

impl ConsoleConsumer {
    /// Its consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl Node for ConsoleConsumer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => self.begin(cx),
            // A second Ctrl-C does not wait for the group.
            Input::Interrupt if self.closing.is_some() => return self.end(cx, INTERRUPTED),
            Input::Interrupt => return self.exit(cx, INTERRUPTED),
            _ => {}
        }
        if self.over {
            return;
        }
        self.consumer.handle(cx, &input);
        if let Some(code) = self.closing {
            if self.consumer.is_closed() {
                self.end(cx, code);
            }
            return;
        }
        let issues = self.consumer.metadata_mut().take_issues();
        log_issues(cx, &format!("Consumer clientId=console-consumer, groupId={}", self.group), issues);
        if self.assign() {
            self.consumer.handle(cx, &Input::Timeout);
        }
        self.print(cx);
        if self.over || self.closing.is_some() {
            return;
        }
        if let Some(error) = self.consumer.take_errors().into_iter().next() {
            return self
                .fail(cx, &format!("org.apache.kafka.common.errors.{}: {error}\n", error.exception()));
        }
        if self.deadline.is_some_and(|deadline| deadline <= cx.now) {
            self.fail(cx, "org.apache.kafka.common.errors.TimeoutException\n");
        }
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(self.consumer().client_counts())
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let deadline = self.deadline.filter(|_| self.closing.is_none());
        self.consumer.next_timeout(self.now).into_iter().chain(deadline).min()
    }
}

impl ConsoleConsumer {
    /// One that only says what is wrong with its settings.
    fn broken(notice: String, what: &str, formatter: Formatter) -> ConsoleConsumer {
        ConsoleConsumer {
            consumer: Consumer::new(ConsumerConfig::new(ClientConfig::new(Vec::new(), ""))),
            source: Source::Topic(String::new()),
            formatter,
            notice,
            group: String::new(),
            in_group: false,
            broken: Some(format!("org.apache.kafka.common.config.ConfigException: {what}\n")),
            max_messages: Ok(None),
            timeout_ms: None,
            systest: false,
            skip_on_error: false,
            thrown: None,
            count: 0,
            deadline: None,
            seen: None,
            closing: None,
            over: false,
            now: Instant::ZERO,
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        if !self.notice.is_empty() {
            cx.out.stdout(self.notice.clone());
        }
        if let Some(trace) = &self.broken {
            log(cx, "ERROR", "Unknown error when running consumer: ", LOGGER, trace);
            self.over = true;
            return cx.out.exit(1);
        }
        for class in &self.formatter.unknown {
            let text = format!("Unable to instantiate a deserializer from {class}");
            let thrown = format!("java.lang.ClassNotFoundException: {class}\n");
            log(cx, "ERROR", &text, "org.apache.kafka.tools.consumer.DefaultMessageFormatter", &thrown);
        }
        if self.group.is_empty() {
            self.group = format!("console-consumer-{}", cx.rng.below(100_000));
        }
        if !matches!(self.source, Source::Partition(..)) {
            err(cx, REBALANCE_NOTICE);
        }
        match self.max_messages.clone() {
            Err(trace) => {
                err(cx, "Processed a total of 0 messages");
                log(cx, "ERROR", "Unknown error when running consumer: ", LOGGER, &trace);
                self.over = true;
                return cx.out.exit(1);
            }
            Ok(Some(0)) => return self.exit(cx, 0),
            Ok(_) => {}
        }
        match self.source.clone() {
            Source::Topic(topic) if self.in_group => self.consumer.subscribe([topic.as_str().into()]),
            Source::Topic(topic) => self.consumer.metadata_mut().add_topic(&topic.as_str().into()),
            Source::Include(include) if self.in_group => match TopicPattern::new(include.expression()) {
                Ok(pattern) => self.consumer.subscribe_pattern(pattern),
                Err(text) => return self.fail(cx, &format!("{text}\n")),
            },
            Source::Include(_) => self.consumer.metadata_mut().add_all_topics(),
            Source::Partition(partition, offset) => {
                self.consumer.assign([partition.clone()]);
                match offset {
                    -2 => self.consumer.seek_to_beginning(&partition),
                    -1 => self.consumer.seek_to_end(&partition),
                    offset => self.consumer.seek(&partition, offset),
                }
            }
        }
        self.wait(cx);
    }

    /// Begins to wait for the next record.
    fn wait(&mut self, cx: &Context<'_>) {
        self.deadline = self.timeout_ms.filter(|ms| *ms >= 0).map(|ms| {
            // Kafka gives up once more than the time has passed.
            cx.after_ms(ms) + Duration::from_millis(1)
        });
    }

    /// Follows the topics' partitions; gives whether they changed.
    fn assign(&mut self) -> bool {
        let metadata = self.consumer.metadata();
        if self.in_group
            || matches!(self.source, Source::Partition(..))
            || self.seen == Some(metadata.version())
        {
            return false;
        }
        self.seen = Some(metadata.version());
        let wanted = |name: &str, internal: bool| match &self.source {
            Source::Topic(topic) => topic == name,
            Source::Include(include) => include.matches(name) && !internal,
            Source::Partition(..) => false,
        };
        let partitions: BTreeSet<TopicPartition> = metadata
            .topics()
            .values()
            .filter(|topic| wanted(&topic.name, topic.internal))
            .flat_map(|topic| {
                topic
                    .partitions
                    .keys()
                    .map(|&partition| TopicPartition { topic: topic.name.clone(), partition })
            })
            .collect();
        // A topic that vanishes from one answer is kept: it may be in the next.
        let before: BTreeSet<TopicPartition> = self.consumer.assignment().cloned().collect();
        if partitions.is_subset(&before) {
            return false;
        }
        self.consumer.assign(partitions.union(&before).cloned());
        true
    }

    fn print(&mut self, cx: &mut Context<'_>) {
        let max = self.max_messages.clone().ok().flatten().filter(|max| *max >= 0);
        loop {
            let records = self.consumer.poll(cx);
            // What the group says is no business of this tool; joins go on with the next poll.
            let heard = !self.consumer.take_events().is_empty();
            if records.is_empty() && !heard {
                return;
            }
            if records.is_empty() {
                continue;
            }
            let mut text = BytesMut::new();
            let mut done = false;
            for (at, record) in records.iter().enumerate() {
                self.count += 1;
                if let Err(error) = self.formatter.write(record, &mut text) {
                    let cause = error.cause.iter().map(|cause| format!("Caused by: {cause}\n"));
                    let thrown = format!(
                        "org.apache.kafka.common.errors.SerializationException: {error}\n{}",
                        cause.collect::<String>()
                    );
                    if !self.skip_on_error {
                        self.reset_unconsumed(&records[at + 1..]);
                        cx.out.stdout(text.freeze());
                        self.thrown = Some(thrown);
                        return self.exit(cx, 1);
                    }
                    log(cx, "ERROR", "Error processing message, skipping this message: ", LOGGER, &thrown);
                }
                if Some(self.count) == max {
                    self.reset_unconsumed(&records[at + 1..]);
                    done = true;
                    break;
                }
            }
            cx.out.stdout(text.freeze());
            self.wait(cx);
            if done {
                return self.exit(cx, 0);
            }
        }
    }

    /// Goes back to before records that came and are not printed, so that none of them is committed
    /// (ConsoleConsumer.ConsumerWrapper.resetUnconsumedOffsets).
    fn reset_unconsumed(&mut self, records: &[ConsumerRecord]) {
        let mut seen = BTreeSet::new();
        for record in records {
            if seen.insert(&record.partition) {
                self.consumer.seek(&record.partition, record.offset);
            }
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, thrown: &str) {
        log(cx, "ERROR", "Error processing message, terminating consumer process: ", LOGGER, thrown);
        self.exit(cx, 0);
    }

    fn exit(&mut self, cx: &mut Context<'_>, code: i32) {
        self.consumer.begin_close(cx);
        if self.consumer.is_closed() {
            self.end(cx, code);
        } else {
            self.closing = Some(code);
        }
    }

    /// The group is left, or there is none, and no broker keeps a fetch session.
    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        err(cx, &format!("Processed a total of {} messages", self.count));
        if self.systest {
            out(cx, "shutdown_complete");
        }
        if let Some(thrown) = self.thrown.take() {
            log(cx, "ERROR", "Unknown error when running consumer: ", LOGGER, &thrown);
        }
        self.consumer.close(cx);
        cx.out.exit(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_protocol_that_is_not_here_is_refused_in_words() {
        for (protocol, refused) in
            [("classic", false), ("CLASSIC", false), ("consumer", true), ("Consumer", true)]
        {
            let properties = Properties::from([("group.protocol".to_owned(), protocol.to_owned())]);
            let config = consumer_config("localhost:9092", &properties, Some("billing".to_owned()));
            let says = config.err().unwrap_or_default();
            assert_eq!(
                says.contains(&format!("group.protocol={protocol} is not here yet")),
                refused,
                "{protocol}"
            );
        }
    }
}
