//! `kafka-consumer-perf-test.sh` (org.apache.kafka.tools.ConsumerPerformance), in virtual time.

use std::collections::BTreeSet;
use std::time::Duration;

use blumfeld_client::consumer::{Consumer, ConsumerConfig, ConsumerEvent, TopicPattern};
use blumfeld_client::{ClientConfig, TopicPartition, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node};

use super::console_consumer::consumer_config;
use super::properties::{self, Properties};
use super::toolbox::{Launch, bootstrap_hint};
use crate::io::{INTERRUPTED, Printed, date, err, log_issues, out};
use crate::java::fixed;
use crate::options::*;
use crate::{Environment, StdinSource};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens (required)"),
    not_yet("command-config", Argument::Required("file")),
    value("command-property", "name=value", "A setting of the consumer; may be repeated"),
    not_yet("consumer.config", Argument::Required("file")),
    not_yet("date-format", Argument::Required("format")),
    value("fetch-size", "bytes", "How much one fetch may give of a partition (default: 1048576)"),
    flag("from-latest", "Begin at the end where the group has no offsets"),
    value("group", "group", "The group (default: one of a made-up name)"),
    flag("help", "Show this"),
    flag("hide-header", "Leave out the names of the columns"),
    value("include", "pattern", "Read the topics that fit this regular expression"),
    value("messages", "number", "Old name of --num-records"),
    value("num-records", "number", "How many records to read (required)"),
    not_yet("print-metrics", Argument::None),
    value("reporting-interval", "ms", "How often to tell how it goes (default: 5000)"),
    flag("show-detailed-stats", "Tell how it goes, instead of a line at the end"),
    value("socket-buffer-size", "bytes", "Accepted for Kafka's sake; there are no sockets"),
    optional("timeout", "ms", "End when no record came for longer (default: 10000)"),
    value("topic", "topic", "The topic to read"),
    flag("version", "Show the release of Kafka whose tool this is"),
];

const ABOUT: &str = "This tool is used to verify the consumer performance.";
const MB: f64 = 1024.0 * 1024.0;

/// Reads the arguments.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    let options = match Options::parse(SPECS, arguments) {
        Ok(options) => options,
        Err(error) => {
            let text = format!("{error}\n{}", usage(SPECS));
            return error.printed(&bootstrap_hint(env), text).into();
        }
    };
    if arguments.is_empty() {
        return usage_error(SPECS, ABOUT).into();
    }
    if let Some(printed) = help_or_version(SPECS, &options, ABOUT)
        .or_else(|| missing(SPECS, &options, &["bootstrap-server"]))
        .or_else(|| one_of(&options, "topic", "include"))
        .or_else(|| one_of(&options, "messages", "num-records"))
    {
        return printed.into();
    }
    Launch::Run(Box::new(ConsumerPerf {
        consumer: Consumer::new(ConsumerConfig::new(ClientConfig::new(Vec::new(), ""))),
        options,
        label: String::new(),
        records: 0,
        interval: 0,
        timeout: 0,
        begun: Instant::ZERO,
        begun_unix_ms: 0,
        read: Read::default(),
        reported: Read::default(),
        reported_at: Instant::ZERO,
        consumed_at: Instant::ZERO,
        assigned: BTreeSet::new(),
        join_begun: Instant::ZERO,
        join_ms: 0,
        round_ms: 0,
        closing: false,
        over: false,
        now: Instant::ZERO,
    }))
}

/// CommandLineUtils.checkOneOfArgs
fn one_of(options: &Options, a: &str, b: &str) -> Option<Printed> {
    let text = format!("Exactly one of the following arguments is required: [{a}], [{b}]");
    (options.has(a) == options.has(b)).then(|| usage_error(SPECS, &text))
}

/// Something that Java's tool throws: its message and its stack trace.
struct Thrown {
    message: String,
    trace: String,
}

impl From<OptionError> for Thrown {
    fn from(error: OptionError) -> Thrown {
        Thrown { message: error.to_string(), trace: error.trace() }
    }
}

impl Thrown {
    fn new(class: &str, message: &str) -> Thrown {
        Thrown { message: message.to_owned(), trace: format!("{class}: {message}\n") }
    }
}

/// Records that were read, and the bytes of their keys and values.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    records: i64,
    bytes: i64,
}

/// The running tool.
#[derive(Clone, Debug)]
pub struct ConsumerPerf {
    options: Options,
    consumer: Consumer,
    /// How Java's log calls the consumer.
    label: String,
    records: i64,
    interval: i64,
    timeout: i64,
    begun: Instant,
    begun_unix_ms: i64,
    read: Read,
    /// What had been read when it was last told, and when that was.
    reported: Read,
    reported_at: Instant,
    consumed_at: Instant,
    assigned: BTreeSet<TopicPartition>,
    join_begun: Instant,
    /// How long the group was joined, in all and since it was last told.
    join_ms: i64,
    round_ms: i64,
    closing: bool,
    over: bool,
    now: Instant,
}

/// Milliseconds between two moments, each a whole number of them as Java's clock gives it.
fn between(from: Instant, to: Instant) -> i64 {
    let ms = |at: Instant| i64::try_from(at.since(Instant::ZERO).as_millis()).unwrap_or(i64::MAX);
    ms(to) - ms(from)
}

/// Java's `dd HH:mm:ss:SSS`.
fn time(unix_ms: i64) -> String {
    date(unix_ms).replace(',', ":")
}

impl ConsumerPerf {
    /// Its consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl Node for ConsumerPerf {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => {
                if let Err(thrown) = self.begin(cx) {
                    return self.fail(cx, &thrown);
                }
            }
            // Kafka's tool ends at once and leaves its group without a word.
            Input::Interrupt => return self.exit(cx, INTERRUPTED),
            _ => {}
        }
        self.consumer.handle(cx, &input);
        if self.closing {
            if self.consumer.is_closed() {
                self.exit(cx, 0);
            }
            return;
        }
        let issues = self.consumer.metadata_mut().take_issues();
        log_issues(cx, &self.label, issues);
        self.poll(cx);
        if let Some(error) = self.consumer.take_errors().into_iter().next() {
            let class = format!("org.apache.kafka.common.errors.{}", error.exception());
            return self.fail(cx, &Thrown::new(&class, &error.to_string()));
        }
        if self.read.records >= self.records || self.deadline() <= cx.now {
            self.finish(cx);
        }
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(self.consumer().client_counts())
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let deadline = (!self.closing).then(|| self.deadline());
        self.consumer.next_timeout(self.now).into_iter().chain(deadline).min()
    }
}

impl ConsumerPerf {
    /// When it gives up: once more than the time has passed.
    fn deadline(&self) -> Instant {
        let ms = u64::try_from(self.timeout).unwrap_or(0).min(u64::from(u32::MAX));
        self.consumed_at + Duration::from_millis(ms + 1)
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Thrown> {
        let options = self.options.clone();
        if options.has("messages") {
            out(cx, "Warning: --messages is deprecated. Use --num-records instead.");
        }
        if !options.has("hide-header") {
            let first =
                if options.has("show-detailed-stats") { "time, threadId" } else { "start.time, end.time" };
            out(
                cx,
                &format!(
                    "{first}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
                ),
            );
        }
        let mut properties: Properties = properties::parse(options.values("command-property"));
        let group = match options.value("group")? {
            Some(group) => group.to_owned(),
            None => format!("perf-consumer-{}", cx.rng.below(100_000)),
        };
        let size = options.number::<i32>("fetch-size")?.unwrap_or(1024 * 1024);
        options.number::<i32>("socket-buffer-size")?;
        let reset = if options.has("from-latest") { "latest" } else { "earliest" };
        properties.insert("max.partition.fetch.bytes".to_owned(), size.to_string());
        properties.insert("auto.offset.reset".to_owned(), reset.to_owned());
        properties.entry("client.id".to_owned()).or_insert_with(|| "perf-consumer-client".to_owned());
        let bootstrap = options.value("bootstrap-server")?.unwrap_or_default();
        let exception = "org.apache.kafka.common.config.ConfigException";
        if let Err(error) = parse_bootstrap(bootstrap) {
            let message = "Failed to construct kafka consumer";
            return Err(Thrown {
                message: message.to_owned(),
                trace: format!(
                    "org.apache.kafka.common.KafkaException: {message}\nCaused by: {exception}: {error}\n"
                ),
            });
        }
        let config = consumer_config(bootstrap, &properties, Some(group.clone()))
            .map_err(|text| Thrown::new(exception, &text))?;
        self.label = format!("Consumer clientId={}, groupId={group}", config.client.client_id);
        self.consumer = Consumer::new(config);
        let name = if options.has("messages") { "messages" } else { "num-records" };
        self.records = options.number(name)?.unwrap_or(0);
        self.timeout = options.number("timeout")?.unwrap_or(10_000);
        self.interval = options.number("reporting-interval")?.unwrap_or(5_000);
        if self.interval <= 0 {
            let text = "Reporting interval must be greater than 0.";
            return Err(Thrown::new("java.lang.IllegalArgumentException", text));
        }
        match options.value("topic")? {
            Some(topic) => self.consumer.subscribe([topic.into()]),
            None => {
                let pattern = TopicPattern::new(options.value("include")?.unwrap_or_default());
                let pattern =
                    pattern.map_err(|text| Thrown::new("java.util.regex.PatternSyntaxException", &text))?;
                self.consumer.subscribe_pattern(pattern);
            }
        }
        (self.begun, self.begun_unix_ms) = (cx.now, cx.unix_ms());
        (self.reported_at, self.consumed_at, self.join_begun) = (cx.now, cx.now, cx.now);
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        while self.read.records < self.records {
            let records = self.consumer.poll(cx);
            let events = self.consumer.take_events();
            if records.is_empty() && events.is_empty() {
                return;
            }
            events.into_iter().for_each(|event| self.heard(cx, event));
            if !records.is_empty() {
                self.consumed_at = cx.now;
            }
            for record in records {
                let bytes = [record.key, record.value].iter().flatten().map(bytes::Bytes::len).sum::<usize>();
                self.read.records += 1;
                self.read.bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
                if between(self.reported_at, cx.now) >= self.interval {
                    self.report(cx);
                }
            }
        }
    }

    /// ConsumerPerformance.ConsumerPerfRebListener
    fn heard(&mut self, cx: &Context<'_>, event: ConsumerEvent) {
        match event {
            ConsumerEvent::PartitionsAssigned(partitions) => {
                if self.assigned.is_empty() {
                    let elapsed = between(self.join_begun, cx.now);
                    self.join_ms += elapsed;
                    self.round_ms += elapsed;
                }
                self.assigned.extend(partitions);
            }
            ConsumerEvent::PartitionsRevoked(partitions) | ConsumerEvent::PartitionsLost(partitions) => {
                self.assigned.retain(|of| !partitions.contains(of));
                if self.assigned.is_empty() {
                    self.join_begun = cx.now;
                }
            }
            _ => {}
        }
    }

    /// Tells how it goes, if that is wanted.
    #[allow(clippy::cast_precision_loss, reason = "these are Java's doubles too")]
    fn report(&mut self, cx: &mut Context<'_>) {
        if self.options.has("show-detailed-stats") {
            let elapsed = between(self.reported_at, cx.now);
            let fetching = elapsed - self.round_ms;
            let mb = (self.read.bytes - self.reported.bytes) as f64 / MB;
            let records = (self.read.records - self.reported.records) as f64;
            let while_fetching =
                |amount: f64| if fetching <= 0 { 0.0 } else { 1_000.0 * amount / fetching as f64 };
            let numbers = [
                time(cx.unix_ms()),
                "0".to_owned(),
                fixed(self.read.bytes as f64 / MB, 4),
                fixed(1_000.0 * mb / elapsed as f64, 4),
                self.read.records.to_string(),
                fixed(records / elapsed as f64 * 1_000.0, 4),
                self.round_ms.to_string(),
                fetching.to_string(),
                fixed(while_fetching(mb), 4),
                fixed(while_fetching(records), 4),
            ];
            out(cx, &numbers.join(", "));
        }
        self.round_ms = 0;
        self.reported = self.read;
        self.reported_at = cx.now;
    }

    /// Prints what came of it, and leaves the group.
    #[allow(clippy::cast_precision_loss, reason = "these are Java's doubles too")]
    fn finish(&mut self, cx: &mut Context<'_>) {
        if self.read.records < self.records {
            let text = format!(
                "WARNING: Exiting before consuming the expected number of records: timeout ({} ms) exceeded. You can use the --timeout option to increase the timeout.",
                self.timeout
            );
            out(cx, &text);
        }
        if !self.options.has("show-detailed-stats") {
            let elapsed = between(self.begun, cx.now);
            let fetching = elapsed - self.join_ms;
            let (mb, records) = (self.read.bytes as f64 / MB, self.read.records as f64);
            let rate = |amount: f64, ms: i64| fixed(amount / (ms as f64 / 1_000.0), 4);
            let numbers = [
                time(self.begun_unix_ms),
                time(cx.unix_ms()),
                fixed(mb, 4),
                rate(mb, elapsed),
                self.read.records.to_string(),
                rate(records, elapsed),
                self.join_ms.to_string(),
                fetching.to_string(),
                rate(mb, fetching),
                rate(records, fetching),
            ];
            out(cx, &numbers.join(", "));
        }
        self.closing = true;
        self.consumer.begin_close(cx);
        if self.consumer.is_closed() {
            self.exit(cx, 0);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, thrown: &Thrown) {
        err(cx, &thrown.message);
        err(cx, &thrown.trace);
        self.exit(cx, 1);
    }

    fn exit(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        self.consumer.close(cx);
        cx.out.exit(code);
    }
}
