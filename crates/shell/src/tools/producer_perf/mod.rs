//! `kafka-producer-perf-test.sh` (org.apache.kafka.tools.ProducerPerformance), in virtual time.

mod stats;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use blumfeld_client::producer::{
    Delivery, Producer, ProducerConfig, ProducerRecord, RecordId, Refused, TransactionError,
    TransactionOperation,
};
use blumfeld_client::{ApiError, ClientConfig, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node};
use blumfeld_protocol::uuid_text;

use super::console_producer::{ConfigProblem, producer_config};
use super::properties::Properties;
use super::toolbox::Launch;
use crate::argparse::{Command, Parsed};
use crate::io::{INTERRUPTED, Printed, err, log_issues};
use crate::java::{SplittableRandom, parse_number, split};
use crate::options::*;
use crate::{Environment, StdinSource};
use stats::{Stats, ms};

/// The tool's options.
pub const SPECS: &[Spec] = &[
    value("bootstrap-server", "host:port", "Where the cluster listens"),
    value("topic", "topic", "The topic (required)"),
    value("num-records", "number", "How many records (required)"),
    value("record-size", "bytes", "How large each is: random letters"),
    not_yet("payload-file", Argument::Required("file")),
    flag("payload-monotonic", "Records are the numbers from 0, instead of --record-size"),
    not_yet("payload-delimiter", Argument::Required("text")),
    value("throughput", "number", "About how many records a second, -1 for all that goes (required)"),
    value("producer-props", "name=value…", "Old name of --command-property"),
    value("command-property", "name=value…", "Settings of the producer"),
    not_yet("producer.config", Argument::Required("file")),
    not_yet("command-config", Argument::Required("file")),
    not_yet("print-metrics", Argument::None),
    value("transactional-id", "id", "Write in transactions of this transactional.id"),
    value("transaction-duration-ms", "ms", "Write in transactions that take so long at most (default: 3000)"),
    value("warmup-records", "number", "So many records do not count for the line of the steady state"),
    value("reporting-interval", "ms", "How often to tell how it goes (default: 5000)"),
];

static COMMAND: Command = Command {
    name: "kafka-producer-perf-test",
    about: "How fast records are written",
    specs: SPECS,
    short: &[],
    one_of: &["record-size", "payload-file", "payload-monotonic"],
    several: &["producer-props", "command-property"],
    required: &["topic", "num-records", "throughput"],
    commands: &[],
};

/// So many records at most are handed over in a millisecond: a machine needs time for them too.
const RECORDS_A_MS: u32 = 1_000;
/// The largest record in bytes: no broker takes a request beyond (`socket.request.max.bytes`).
const LARGEST: i32 = 100 * 1024 * 1024;

/// What a `transactional.id` begins with that nobody gave; a random number follows.
const UNNAMED: &str = "performance-producer-";
/// How long transactions take if nobody says, in milliseconds.
const TRANSACTION_MS: u64 = 3_000;

/// Reads the arguments.
pub fn start(arguments: &[String], _: &dyn Environment, _: &StdinSource) -> Launch {
    if arguments.is_empty() {
        return Printed::output(format!("usage: {}\n\n{}\n", COMMAND.name, usage(SPECS))).into();
    }
    match COMMAND.parse(arguments).and_then(|parsed| prepare(&parsed)) {
        Ok(process) => Launch::Run(process),
        Err(printed) => printed.into(),
    }
}

fn refuse(message: &str) -> Printed {
    COMMAND.error(COMMAND.name, message)
}

/// An option's number.
fn number<T: std::str::FromStr>(parsed: &Parsed, name: &str, kind: &str) -> Result<Option<T>, Printed> {
    let Some(text) = parsed.value(name) else { return Ok(None) };
    let double = |text: &str| {
        let plain = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        text.chars().all(plain) || ["NaN", "Infinity", "-Infinity"].contains(&text)
    };
    let number = match kind {
        "Double" => Some(text.trim()).filter(|text| double(text)).and_then(|text| text.parse().ok()),
        _ => parse_number(text),
    };
    number.map(Some).ok_or_else(|| {
        refuse(&format!(
            "argument --{name}: could not convert '{text}' to {kind} (For input string: \"{text}\")"
        ))
    })
}

/// ProducerPerformance.ConfigPostProcessor
fn prepare(parsed: &Parsed) -> Result<Box<ProducerPerf>, Printed> {
    let records = number::<i64>(parsed, "num-records", "Long")?.unwrap_or(0);
    let size = number::<i32>(parsed, "record-size", "Integer")?;
    let throughput = number::<f64>(parsed, "throughput", "Double")?.unwrap_or(-1.0);
    let warmup = number::<i64>(parsed, "warmup-records", "Long")?.unwrap_or(0).max(0);
    let interval = number::<i64>(parsed, "reporting-interval", "Long")?.unwrap_or(5_000);
    let duration = number::<i64>(parsed, "transaction-duration-ms", "Long")?;
    let checks = [
        (records <= 0, "--num-records should be greater than zero."),
        (
            warmup >= records,
            "The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.",
        ),
        (size.is_some_and(|size| size <= 0), "--record-size should be greater than zero."),
        (
            !["bootstrap-server", "command-property", "producer-props"].iter().any(|name| parsed.has(name)),
            "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.",
        ),
        (
            parsed.has("command-property") && parsed.has("producer-props"),
            "--command-property and --producer-props cannot be specified together.",
        ),
        (duration.is_some_and(|ms| ms <= 0), "--transaction-duration-ms should be greater than zero."),
        (interval <= 0, "--reporting-interval should be greater than zero."),
    ];
    if let Some((_, text)) = checks.iter().find(|(wrong, _)| *wrong) {
        return Err(refuse(text));
    }
    if size.is_some_and(|size| size > LARGEST) {
        return Err(Printed::error(format!("blumfeld: no record of more than {LARGEST} bytes is made here")));
    }
    let mut notice = String::new();
    let mut words = parsed.values("command-property");
    if parsed.has("producer-props") {
        notice.push_str("Option --producer-props has been deprecated and will be removed in a future version. Use --command-property instead.\n");
        words = parsed.values("producer-props");
    }
    let thrown = |text: &str| Printed::error(format!("Exception in thread \"main\" {text}")).after(&notice);
    let mut properties = Properties::new();
    for word in words {
        let [name, value] = split(word, "=")[..] else {
            return Err(thrown(&format!("java.lang.IllegalArgumentException: Invalid property: {word}")));
        };
        properties.insert(name.to_owned(), value.to_owned());
    }
    if let Some(id) = parsed.value("transactional-id") {
        properties.insert("transactional.id".to_owned(), id.to_owned());
    }
    let named = properties.contains_key("transactional.id");
    let in_transactions = named || duration.is_some();
    if !named && in_transactions {
        properties.insert("transactional.id".to_owned(), UNNAMED.to_owned());
    }
    let bootstrap = parsed.value("bootstrap-server").map(str::to_owned);
    let bootstrap = bootstrap.or_else(|| properties.get("bootstrap.servers").cloned()).unwrap_or_default();
    let exception = "org.apache.kafka.common.config.ConfigException";
    // Java looks at the settings before it makes the producer, and at the addresses then.
    let mut config = producer_config(ClientConfig::new(Vec::new(), "perf-producer-client"), &properties)
        .map_err(|problem| match problem {
            ConfigProblem::Kafka(text) => thrown(&format!("{exception}: {text}")),
            ConfigProblem::NotYet(text) => Printed::error(format!("blumfeld: {text}")).after(&notice),
        })?;
    config.client.bootstrap = parse_bootstrap(&bootstrap).map_err(|error| {
        let text = "org.apache.kafka.common.KafkaException: Failed to construct kafka producer";
        thrown(&format!("{text}\nCaused by: {exception}: {error}"))
    })?;
    if warmup > 0 {
        notice.push_str(&format!(
            "Warmup first {warmup} records. Steady state results will print after the complete test summary.\n"
        ));
    }
    let records = records.unsigned_abs();
    Ok(Box::new(ProducerPerf {
        client_id: config.client.client_id.clone().into(),
        transaction: in_transactions.then_some(Transaction::Initializing),
        transaction_ms: duration.map_or(TRANSACTION_MS, i64::unsigned_abs),
        unnamed: (in_transactions && !named).then(|| Box::new(config.clone())),
        producer: Producer::new(config),
        notice,
        topic: parsed.value("topic").unwrap_or_default().into(),
        records,
        size: size.and_then(|size| usize::try_from(size).ok()),
        throughput,
        warmup: warmup.unsigned_abs(),
        interval,
        random: SplittableRandom::new(0),
        begun: Instant::ZERO,
        sent: 0,
        refused: None,
        burst: (0, 0),
        due: None,
        under_way: BTreeMap::new(),
        stats: Stats::new(records, 0, false),
        steady: None,
        over: false,
        now: Instant::ZERO,
    }))
}

/// Where the transactions stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Transaction {
    Initializing,
    Closed,
    /// Since this millisecond.
    Open(u64),
    Committing,
}

/// A record under way.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    since: u64,
    bytes: u64,
    steady: bool,
}

/// The running tool.
#[derive(Clone, Debug)]
pub struct ProducerPerf {
    producer: Producer,
    /// Its transactions, if it writes in any.
    transaction: Option<Transaction>,
    transaction_ms: u64,
    /// The settings of a producer that is still to get a `transactional.id`.
    unnamed: Option<Box<ProducerConfig>>,
    client_id: Arc<str>,
    notice: String,
    topic: Arc<str>,
    records: u64,
    /// The size of records; without one they are numbers.
    size: Option<usize>,
    throughput: f64,
    warmup: u64,
    interval: i64,
    random: SplittableRandom,
    begun: Instant,
    /// Records that were made.
    sent: u64,
    /// One that was made and is not taken yet.
    refused: Option<(Box<ProducerRecord>, UnderWay)>,
    /// A millisecond, and how many records were handed over in it.
    burst: (u64, u32),
    /// When the next record is due.
    due: Option<Instant>,
    under_way: BTreeMap<RecordId, UnderWay>,
    stats: Stats,
    steady: Option<Stats>,
    over: bool,
    now: Instant,
}

impl ProducerPerf {
    /// Its producer.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }
}

impl Node for ProducerPerf {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => {
                if !self.notice.is_empty() {
                    cx.out.stdout(self.notice.clone());
                }
                self.begin(cx);
            }
            // Kafka's tool ends at once, and says nothing of what it has seen.
            Input::Interrupt => return self.exit(cx, INTERRUPTED),
            _ => {}
        }
        let delivered = self.producer.handle(cx, &input);
        let issues = self.producer.metadata_mut().take_issues();
        log_issues(cx, &format!("Producer clientId={}", self.client_id), issues);
        self.delivered(cx, delivered);
        if !self.transacted(cx) {
            return;
        }
        self.pump(cx);
        if self.over {
            return;
        }
        if self.is_done() {
            self.producer.flush();
            if matches!(self.transaction, Some(Transaction::Open(_))) && !self.commit(cx) {
                return;
            }
        }
        let delivered = self.producer.poll(cx);
        self.delivered(cx, delivered);
        if !self.transacted(cx) {
            return;
        }
        let closed = matches!(self.transaction, None | Some(Transaction::Closed));
        if self.is_done() && closed && self.producer.pending() == 0 {
            self.stats.print(cx);
            if let Some(steady) = &mut self.steady {
                steady.print(cx);
            }
            self.exit(cx, 0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        self.producer.next_timeout(self.now).into_iter().chain(self.due).min()
    }

    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        self.producer().accumulated(client, topic, partition)
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(self.producer().client_counts())
    }
}

impl ProducerPerf {
    fn begin(&mut self, cx: &mut Context<'_>) {
        self.begun = cx.now;
        self.stats = Stats::new(self.records, ms(cx.now), false);
        if let Some(mut config) = self.unnamed.take() {
            let id = uuid_text::random(|| cx.rng.bytes16());
            config.transactional_id = Some(format!("{UNNAMED}{}", uuid_text::to_text(id)));
            self.producer = Producer::new(*config);
        }
        if self.transaction.is_some()
            && let Err(error) = self.producer.init_transactions(cx)
        {
            self.thrown(cx, &error);
        }
    }

    /// Takes what became of transactional methods. An error ends the tool, as it does in Kafka.
    fn transacted(&mut self, cx: &mut Context<'_>) -> bool {
        for event in self.producer.take_transaction_events() {
            if let Err(error) = &event.result {
                self.thrown(cx, error);
                return false;
            }
            if event.operation == TransactionOperation::Init {
                // Java's clock starts once the producer has its id.
                self.begun = cx.now;
                self.stats = Stats::new(self.records, ms(cx.now), false);
            }
            self.transaction = Some(Transaction::Closed);
        }
        !self.over
    }

    fn commit(&mut self, cx: &mut Context<'_>) -> bool {
        if let Err(error) = self.producer.commit_transaction(cx) {
            self.thrown(cx, &error);
            return false;
        }
        self.transaction = Some(Transaction::Committing);
        true
    }

    fn thrown(&mut self, cx: &mut Context<'_>, error: &TransactionError) {
        err(cx, &format!("Exception in thread \"main\" {}: {error}", error.class()));
        if let Some(cause) = &error.cause {
            err(cx, &format!("Caused by: {}: {cause}", cause.class()));
        }
        self.exit(cx, 1);
    }

    /// Whether every record was handed over.
    fn is_done(&self) -> bool {
        self.sent == self.records && self.refused.is_none()
    }

    /// When a record is to be sent at the throughput that was asked for.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is a double, and what is too large is never"
    )]
    fn scheduled(&self, record: u64) -> Instant {
        if self.throughput < 0.0 || self.throughput.is_nan() || record == 0 {
            return self.begun;
        }
        // With nothing a second the next one is due in a lifetime.
        let us = (record as f64 * 1e6 / self.throughput).min(1e15);
        self.begun + Duration::from_micros(us as u64)
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        self.due = None;
        let now = ms(cx.now);
        if self.burst.0 != now {
            self.burst = (now, 0);
        }
        loop {
            if matches!(self.transaction, Some(Transaction::Initializing | Transaction::Committing)) {
                return;
            }
            if let Some((record, under_way)) = self.refused.take() {
                self.send(cx, *record, under_way);
                if self.refused.is_some() || self.over {
                    return;
                }
                continue;
            }
            if self.sent == self.records {
                return;
            }
            let scheduled = self.scheduled(self.sent);
            if scheduled > cx.now {
                self.due = Some(scheduled);
                return;
            }
            if self.burst.1 >= RECORDS_A_MS {
                self.due = Some(Instant::ZERO + Duration::from_millis(now + 1));
                return;
            }
            self.burst.1 += 1;
            if self.transaction == Some(Transaction::Closed) {
                if let Err(error) = self.producer.begin_transaction() {
                    return self.thrown(cx, &error);
                }
                self.transaction = Some(Transaction::Open(now));
            }
            let value = self.payload();
            if self.warmup > 0 && self.sent == self.warmup {
                self.steady = Some(Stats::new(self.records - self.warmup, now, true));
                self.stats.silence();
            }
            self.sent += 1;
            let bytes = u64::try_from(value.len()).unwrap_or(u64::MAX);
            let under_way = UnderWay { since: now, bytes, steady: self.steady.is_some() };
            let record = ProducerRecord {
                topic: self.topic.clone(),
                partition: None,
                timestamp: None,
                key: None,
                value: Some(value),
                headers: Vec::new(),
            };
            self.send(cx, record, under_way);
            if self.refused.is_some() || self.over {
                return;
            }
        }
    }

    fn payload(&mut self) -> Bytes {
        match self.size {
            None => Bytes::from(self.sent.to_string()),
            Some(size) => {
                let letter = |_| b'A' + u8::try_from(self.random.below(26)).unwrap_or_default();
                (0..size).map(letter).collect()
            }
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, record: ProducerRecord, under_way: UnderWay) {
        match self.producer.send(cx, record) {
            Ok(id) => {
                let since = under_way.since;
                self.under_way.insert(id, under_way);
                if let Some(Transaction::Open(begun)) = self.transaction
                    && self.transaction_ms <= since.saturating_sub(begun)
                {
                    self.commit(cx);
                }
            }
            Err(Refused::Wait(record)) => self.refused = Some((record, under_way)),
            Err(Refused::Failed(error)) => failed(cx, &error),
        }
    }

    fn delivered(&mut self, cx: &mut Context<'_>, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let Some(of) = self.under_way.remove(&delivery.id) else { continue };
            if let Err(error) = delivery.result {
                failed(cx, &error);
                continue;
            }
            let latency = ms(cx.now) - of.since;
            self.stats.record(cx, latency, of.bytes, self.interval);
            if let Some(steady) = self.steady.as_mut().filter(|_| of.steady) {
                steady.record(cx, latency, of.bytes, self.interval);
            }
        }
    }

    fn exit(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        self.producer.close(cx);
        cx.out.exit(code);
    }
}

/// The stack trace of a record that failed.
fn failed(cx: &mut Context<'_>, error: &ApiError) {
    err(cx, &format!("org.apache.kafka.common.errors.{}: {error}", error.exception()));
}
