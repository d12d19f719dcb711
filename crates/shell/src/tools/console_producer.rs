//! `kafka-console-producer.sh` (org.apache.kafka.tools.ConsoleProducer).
//!
//! It streams: more input is asked for only once the accumulator took the last line, so a large file flows with bounded
//! memory.

use std::collections::BTreeMap;

use blumfeld_client::producer::{
    Acks, Delivery, MAX_IN_FLIGHT_FOR_IDEMPOTENCE, PartitionerClass, Producer, ProducerConfig,
    ProducerRecord, RecordId, Refused,
};
use blumfeld_client::{ApiError, ClientConfig, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node};
use blumfeld_protocol::{Compression, CompressionLevels};

use super::line_reader::{LineReader, Lines};
use super::properties::{self, Properties, invalid, number};
use super::toolbox::{Launch, bootstrap_hint};
use crate::io::{INTERRUPTED, Printed, err, log, log_issues};
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("batch-size", "bytes", "How much is gathered for a partition before it is sent (default: 16384)"),
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    not_yet("command-config", Argument::Required("file")),
    value("command-property", "name=value", "A setting of the producer; may be repeated"),
    optional("compression-codec", "codec", "none, gzip, snappy, lz4 or zstd; gzip if none is named"),
    flag("help", "Show this"),
    not_yet("line-reader", Argument::Required("class")),
    value("max-block-ms", "ms", "How long a record may wait for room or for the topic (default: 60000)"),
    value("max-memory-bytes", "bytes", "Room for records that wait (default: 33554432)"),
    value("max-partition-memory-bytes", "bytes", "Old name of --batch-size"),
    value("message-send-max-retries", "number", "How often a batch is sent again (default: 3)"),
    value("metadata-expiry-ms", "ms", "How old the picture of the cluster may become (default: 300000)"),
    value("producer-property", "name=value", "Old name of --command-property"),
    not_yet("producer.config", Argument::Required("file")),
    value("property", "name=value", "Old name of --reader-property"),
    not_yet("reader-config", Argument::Required("file")),
    value(
        "reader-property",
        "name=value",
        "How lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, null.marker, ignore.error; may be repeated",
    ),
    value("request-required-acks", "acks", "0, 1 or all (default: -1, which is all)"),
    value("request-timeout-ms", "ms", "How long a request may take (default: 1500)"),
    value("retry-backoff-ms", "ms", "How long to wait before sending again (default: 100)"),
    value("socket-buffer-size", "bytes", "Accepted for Kafka's sake; there are no sockets here"),
    flag("sync", "Send one record at a time"),
    value("timeout", "ms", "How long records are gathered for a batch (default: 1000)"),
    value("topic", "topic", "The topic to write to (required)"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool helps to read data from standard input and publish it to Kafka.";

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    // Java's System.console(): a prompt only where a person sees it.
    let prompt = *stdin == StdinSource::Terminal;
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
        Ok((notice, config, reader)) => Launch::Run(Box::new(ConsoleProducer {
            producer: Producer::new(config),
            reader,
            notice,
            prompt,
            prompted: false,
            sync: options.has("sync"),
            lines: Lines::default(),
            asked: false,
            ended: false,
            over: false,
            code: 0,
            refused: None,
            sizes: BTreeMap::new(),
            now: Instant::ZERO,
        })),
        Err(printed) => printed.into(),
    }
}

type Prepared = (String, ProducerConfig, LineReader);

fn prepare(options: &Options) -> Result<Prepared, Printed> {
    let plain = |error: OptionError| Printed::error(error.to_string());
    if let Some(printed) = missing(SPECS, options, &["topic"]) {
        return Err(printed);
    }
    let bootstrap = options.value("bootstrap-server").map_err(plain)?.unwrap_or_default();
    // ToolsUtils.validateBootstrapServer
    if bootstrap.is_empty() {
        return Err(usage_error(SPECS, "Error while validating the bootstrap address\n"));
    }
    let endpoints = parse_bootstrap(bootstrap)
        .map_err(|_| usage_error(SPECS, "Please provide valid host:port like host1:9091,host2:9092\n"))?;
    let mut notice = String::new();
    for (old, new) in [("property", "reader-property"), ("producer-property", "command-property")] {
        if options.has(old) && options.has(new) {
            let text = format!("Options --{new} and --{old} cannot be specified together.");
            return Err(usage_error(SPECS, &text));
        }
        if options.has(old) {
            notice.push_str(&format!(
                "Warning: --{old} is deprecated and will be removed in a future version. Use --{new} instead.\n"
            ));
        }
    }
    let reader_properties =
        properties::parse(options.values("property").chain(options.values("reader-property")));
    let mut config =
        properties::parse(options.values("producer-property").chain(options.values("command-property")));
    let topic = options.value("topic").map_err(plain)?.unwrap_or_default();
    for (name, option, default) in [
        ("linger.ms", "timeout", "1000"),
        ("acks", "request-required-acks", "-1"),
        ("request.timeout.ms", "request-timeout-ms", "1500"),
        ("retries", "message-send-max-retries", "3"),
        ("retry.backoff.ms", "retry-backoff-ms", "100"),
        ("buffer.memory", "max-memory-bytes", "33554432"),
        ("batch.size", "batch-size", "16384"),
        ("batch.size", "max-partition-memory-bytes", ""),
        ("metadata.max.age.ms", "metadata-expiry-ms", "300000"),
        ("max.block.ms", "max-block-ms", "60000"),
    ] {
        if default.is_empty() && !options.has(option) {
            continue;
        }
        // The numbers are Kafka's options' own: what is none is said without the overview.
        if options.has(option) && option != "request-required-acks" {
            options.number::<i64>(option).map_err(plain)?;
        }
        properties::merge(&mut config, name, options, option, default).map_err(plain)?;
    }
    if options.has("compression-codec") {
        let codec = options.value("compression-codec").map_err(plain)?;
        let codec = codec.filter(|codec| !codec.is_empty()).unwrap_or("gzip");
        config.insert("compression.type".to_owned(), codec.to_owned());
    }
    let failed = |class: &str, text: &str| {
        Printed::error(format!("org.apache.kafka.common.{class}: {text}")).after(&notice)
    };
    let client = ClientConfig::new(endpoints, "console-producer");
    let reader =
        LineReader::new(topic, &reader_properties).map_err(|text| failed("KafkaException", &text))?;
    match producer_config(client, &config) {
        Ok(config) => Ok((notice, config, reader)),
        Err(ConfigProblem::Kafka(text)) => Err(failed("config.ConfigException", &text)),
        Err(ConfigProblem::NotYet(text)) => Err(Printed::error(format!("blumfeld: {text}")).after(&notice)),
    }
}

/// What is wrong with a producer's settings.
pub enum ConfigProblem {
    /// In Kafka's words.
    Kafka(
        /// These.
        String,
    ),
    /// In ours.
    NotYet(
        /// These.
        String,
    ),
}

impl From<String> for ConfigProblem {
    fn from(text: String) -> ConfigProblem {
        ConfigProblem::Kafka(text)
    }
}

/// The producer's settings of its properties. Names that nobody knows are passed over, as in Kafka.
pub fn producer_config(
    client: ClientConfig,
    properties: &Properties,
) -> Result<ProducerConfig, ConfigProblem> {
    let mut config = ProducerConfig::new(client);
    if properties.contains_key("interceptor.classes") {
        return Err(ConfigProblem::NotYet("the producer's interceptor.classes is not here yet".to_owned()));
    }
    if let Some(id) = properties.get("client.id") {
        config.client.client_id.clone_from(id);
    }
    number(properties, "linger.ms", "LONG", &mut config.linger_ms)?;
    number(properties, "batch.size", "INT", &mut config.batch_size)?;
    number(properties, "buffer.memory", "LONG", &mut config.buffer_memory)?;
    number(properties, "max.block.ms", "LONG", &mut config.max_block_ms)?;
    number(properties, "max.request.size", "INT", &mut config.max_request_size)?;
    number(properties, "retries", "INT", &mut config.retries)?;
    number(properties, "delivery.timeout.ms", "INT", &mut config.delivery_timeout_ms)?;
    number(properties, "request.timeout.ms", "INT", &mut config.client.request_timeout_ms)?;
    number(properties, "retry.backoff.ms", "LONG", &mut config.client.retry_backoff.initial_ms)?;
    number(properties, "retry.backoff.max.ms", "LONG", &mut config.client.retry_backoff.max_ms)?;
    number(properties, "reconnect.backoff.ms", "LONG", &mut config.client.reconnect_backoff.initial_ms)?;
    number(properties, "reconnect.backoff.max.ms", "LONG", &mut config.client.reconnect_backoff.max_ms)?;
    number(properties, "metadata.max.age.ms", "LONG", &mut config.client.metadata_max_age_ms)?;
    let mut max_in_flight = i32::try_from(config.client.max_in_flight).unwrap_or(5);
    let name = "max.in.flight.requests.per.connection";
    number(properties, name, "INT", &mut max_in_flight)?;
    config.client.max_in_flight = usize::try_from(max_in_flight)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| invalid(name, &max_in_flight.to_string(), "Value must be at least 1"))?;
    if let Some(acks) = properties.get("acks") {
        config.acks =
            Acks::parse(acks).ok_or_else(|| invalid("acks", acks, "String must be one of: all, -1, 0, 1"))?;
    }
    idempotence(&mut config, properties)?;
    transactions(&mut config, properties)?;
    partitioner(&mut config, properties)?;
    if let Some(codec) = properties.get("compression.type") {
        config.compression = codec.parse::<Compression>().map_err(|_| {
            invalid("compression.type", codec, "String must be one of: none, gzip, snappy, lz4, zstd")
        })?;
    }
    let CompressionLevels { gzip, lz4, zstd } = &mut config.compression_levels;
    for (codec, level) in [(Compression::Gzip, gzip), (Compression::Lz4, lz4), (Compression::Zstd, zstd)] {
        let name = format!("compression.{codec}.level");
        number(properties, &name, "INT", level)?;
        codec.check_level(*level).map_err(|why| invalid(&name, &level.to_string(), &why))?;
    }
    if config.delivery_timeout_ms < config.linger_ms.saturating_add(config.client.request_timeout_ms) {
        if properties.contains_key("delivery.timeout.ms") {
            return Err(ConfigProblem::Kafka(
                "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
                    .to_owned(),
            ));
        }
        config.delivery_timeout_ms = config.linger_ms.saturating_add(config.client.request_timeout_ms);
    }
    Ok(config)
}

/// `transactional.id`, which takes idempotence, and `transaction.timeout.ms`
fn transactions(config: &mut ProducerConfig, properties: &Properties) -> Result<(), ConfigProblem> {
    let name = "transaction.timeout.ms";
    number(properties, name, "INT", &mut config.transaction_timeout_ms)?;
    let Some(id) = properties.get("transactional.id") else { return Ok(()) };
    if id.is_empty() {
        return Err(invalid("transactional.id", id, "String must be non-empty").into());
    }
    if !config.enable_idempotence {
        let text = "Cannot set a transactional.id without also enabling idempotence.";
        return Err(ConfigProblem::Kafka(text.to_owned()));
    }
    config.transactional_id = Some(id.clone());
    Ok(())
}

/// `partitioner.class` and `partitioner.ignore.keys`
fn partitioner(config: &mut ProducerConfig, properties: &Properties) -> Result<(), ConfigProblem> {
    if let Some(class) = properties.get("partitioner.class") {
        config.partitioner = PartitionerClass::parse(class)
            .ok_or_else(|| ConfigProblem::NotYet(format!("the partitioner {class} is not here")))?;
    }
    let name = "partitioner.ignore.keys";
    if let Some(value) = properties.get(name) {
        config.partitioner_ignore_keys = match value.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(invalid(name, value, "Expected value to be either true or false").into()),
        };
    }
    Ok(())
}

/// `enable.idempotence`, and what does not go with it (ProducerConfig.postProcessAndValidateIdempotenceConfigs): asked
/// for, it is an error; else there is none then.
fn idempotence(config: &mut ProducerConfig, properties: &Properties) -> Result<(), ConfigProblem> {
    let name = "enable.idempotence";
    let asked = properties.get(name);
    if let Some(value) = asked {
        config.enable_idempotence = match value.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(invalid(name, value, "Expected value to be either true or false").into()),
        };
    }
    if !config.enable_idempotence {
        return Ok(());
    }
    let problem = if config.acks != Acks::All {
        Some(
            "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.",
        )
    } else if config.retries == 0 {
        Some("Must set retries to non-zero when using the idempotent producer.")
    } else {
        None
    };
    if let Some(text) = problem {
        if asked.is_some() {
            return Err(ConfigProblem::Kafka(text.to_owned()));
        }
        config.enable_idempotence = false;
    } else if config.client.max_in_flight > MAX_IN_FLIGHT_FOR_IDEMPOTENCE {
        let text =
            "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.";
        return Err(ConfigProblem::Kafka(text.to_owned()));
    }
    Ok(())
}

/// The running tool.
#[derive(Clone, Debug)]
pub struct ConsoleProducer {
    producer: Producer,
    reader: LineReader,
    notice: String,
    prompt: bool,
    prompted: bool,
    sync: bool,
    lines: Lines,
    /// Input was asked for and has not come.
    asked: bool,
    /// No more input comes, or none is wanted.
    ended: bool,
    over: bool,
    code: i32,
    refused: Option<Box<ProducerRecord>>,
    /// Key and value sizes of records under way, for what is said of those that fail.
    sizes: BTreeMap<RecordId, (Option<usize>, Option<usize>)>,
    now: Instant,
}

impl ConsoleProducer {
    /// Its producer.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }
}

impl Node for ConsoleProducer {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started if !self.notice.is_empty() => cx.out.stdout(self.notice.clone()),
            Input::Stdin { bytes } => {
                self.asked = false;
                self.lines.push(bytes);
            }
            Input::StdinClosed => self.ended = true,
            // Kafka's shutdown hook closes the producer, which sends what it has. A second Ctrl-C does not wait.
            Input::Interrupt if self.code == INTERRUPTED => return self.exit(cx),
            Input::Interrupt => {
                (self.ended, self.code) = (true, INTERRUPTED);
                self.lines = Lines::default();
                self.refused = None;
            }
            _ => {}
        }
        let delivered = self.producer.handle(cx, &input);
        let issues = self.producer.metadata_mut().take_issues();
        log_issues(cx, "Producer clientId=console-producer", issues);
        self.delivered(cx, delivered);
        self.pump(cx);
        if self.ended && self.refused.is_none() && !self.over {
            self.producer.flush();
        }
        let delivered = self.producer.poll(cx);
        self.delivered(cx, delivered);
        // With acks=0, or when one record at a time goes, a delivery makes room for the next line at once.
        if !self.ended && !self.asked {
            self.pump(cx);
        }
        if self.ended && self.refused.is_none() && self.producer.pending() == 0 {
            self.exit(cx);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over { None } else { self.producer.next_timeout(self.now) }
    }

    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        self.producer().accumulated(client, topic, partition)
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(self.producer().client_counts())
    }
}

impl ConsoleProducer {
    /// Sends lines until one is refused or none is left; then asks for more.
    fn pump(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some(record) = self.refused.take() {
                self.send(cx, *record);
                if self.refused.is_some() {
                    return;
                }
            }
            if self.sync && self.producer.pending() > 0 {
                return;
            }
            if self.prompt && !self.prompted && !self.ended {
                cx.out.stdout(">");
                self.prompted = true;
            }
            let line = if self.ended { self.lines.finish() } else { self.lines.next() };
            let Some(line) = line else { break };
            self.prompted = false;
            match self.reader.read(&line) {
                Ok(record) => self.send(cx, record),
                Err(text) => {
                    err(cx, &format!("org.apache.kafka.common.KafkaException: {text}"));
                    (self.ended, self.code) = (true, 1);
                    self.lines = Lines::default();
                    return;
                }
            }
        }
        if !self.ended && !self.asked {
            self.asked = true;
            cx.out.read_stdin();
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, record: ProducerRecord) {
        let size = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map(bytes::Bytes::len);
        let sizes = (size(&record.key), size(&record.value));
        let topic = record.topic.clone();
        match self.producer.send(cx, record) {
            Ok(id) => {
                self.sizes.insert(id, sizes);
            }
            Err(Refused::Wait(record)) => self.refused = Some(record),
            Err(Refused::Failed(error)) => failed(cx, &topic, sizes, &error),
        }
    }

    fn delivered(&mut self, cx: &mut Context<'_>, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let sizes = self.sizes.remove(&delivery.id).unwrap_or_default();
            if let Err(error) = delivery.result {
                failed(cx, &delivery.partition.topic, sizes, &error);
            }
        }
    }

    fn exit(&mut self, cx: &mut Context<'_>) {
        self.over = true;
        self.producer.close(cx);
        cx.out.exit(self.code);
    }
}

/// What Kafka logs of a record that failed (org.apache.kafka.clients.producer.internals.ErrorLoggingCallback).
fn failed(cx: &mut Context<'_>, topic: &str, sizes: (Option<usize>, Option<usize>), error: &ApiError) {
    let size = |size: Option<usize>| size.map_or("null".to_owned(), |size| format!("{size} bytes"));
    let text = format!(
        "Error when sending message to topic {topic} with key: {}, value: {} with error:",
        size(sizes.0),
        size(sizes.1)
    );
    let thrown = format!("org.apache.kafka.common.errors.{}: {error}\n", error.exception());
    log(cx, "ERROR", &text, "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback", &thrown);
}
