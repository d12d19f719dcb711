//! `workload produce`: records at a rate, with keys of a distribution.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_client::producer::{
    Acks, Counts, Delivery, PartitionerClass, Producer, ProducerRecord, RecordId, Refused,
};
use blumfeld_client::{ClientConfig, Serde, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node, Process};

use super::args::Args;
use super::keys::{self, Keys};
use super::latencies::Latencies;
use super::{LONGEST_MS, SECOND, listed, made, say};
use crate::Environment;
use crate::io::{INTERRUPTED, log_issues};
use crate::options::{Spec, value};
use crate::tools::console_producer::{ConfigProblem, producer_config};

/// The options.
pub const SPECS: &[Spec] = &[
    value("topic", "topic", "The topic (required)"),
    value("name", "name", "Its client.id (default: producer)"),
    value("rate", "number", "Records a second (default: 10)"),
    value("keys", "number", "How many different keys there are, 0 for records without (default: 0)"),
    value(
        "distribution",
        "how",
        "How often each key comes: uniform (default), zipf, or a weight for each key, as 5,3,1",
    ),
    value("record-size", "bytes", "How large the values are, where their type allows it (default: 100)"),
    value(
        "key-serializer",
        "type",
        "What keys are: string (default), short, integer, long, float, double, boolean, uuid, bytes or json",
    ),
    value("value-serializer", "type", "What values are, of the same types"),
    value(
        "partitioner",
        "name",
        "default, round-robin, or uniform-sticky, which does not look at keys (as partitioner.ignore.keys)",
    ),
    value("acks", "acks", "0, 1 or all (default)"),
    value("linger-ms", "ms", "linger.ms (default: 5)"),
    value("batch-size", "bytes", "batch.size (default: 16384)"),
    value("num-records", "number", "End after so many records"),
    value("duration-ms", "ms", "End after so long"),
    value("command-property", "name=value…", "Settings of the producer; an option goes before them"),
    value("bootstrap-server", "host:port", "Where the cluster listens (default: this one)"),
];

/// So many records at most are handed over at one moment: a rate that memory does not allow is caught up with slowly.
const AT_ONCE: u32 = 1_000;
/// Records that are due within so long are handed over together, where a second has more than a thousand: a timer for
/// each would wake the whole client for one record, and its clock has no finer timestamps than milliseconds anyway.
const TICK_US: u64 = 1_000;
/// Of so many keys at most it is told where each went.
const TOLD: usize = 12;

/// Reads the arguments.
pub fn prepare(words: &[String], env: &dyn Environment) -> Result<Box<dyn Process>, String> {
    let args = Args::parse("produce", SPECS, words)?;
    let topic = args.required("topic")?;
    let keys = Keys::new(args.number("keys", 0, keys::MOST)?, args.text("distribution"))?;
    let size = args.number("record-size", 1, 10_000_000)?.unwrap_or(100);
    let key_serializer = made::serializer(&args, "key-serializer")?;
    let value_serializer = made::serializer(&args, "value-serializer")?;
    if args.has("record-size") && !made::has_any_size(value_serializer) {
        let name = args.text("value-serializer").unwrap_or_default();
        return Err(format!("--record-size is of string, bytes and json: a {name} has a size of its own"));
    }
    match (&keys, made::variety(key_serializer)) {
        (None, _) if args.has("key-serializer") => {
            return Err("--key-serializer is one of keys: how many there are, --keys says".to_owned());
        }
        (Some(keys), Some(most)) if keys.len() as u64 > most => {
            let name = args.text("key-serializer").unwrap_or_default();
            return Err(format!(
                "--keys is at most {most} if --key-serializer is {name}, not {}",
                keys.len()
            ));
        }
        _ => {}
    }
    args.one_of("acks", &["0", "1", "-1", "all"], "all")?;
    args.number("linger-ms", 0, LONGEST_MS)?;
    args.number("batch-size", 0, i32::MAX.unsigned_abs().into())?;
    let properties = args.properties(&[
        ("acks", "acks"),
        ("linger-ms", "linger.ms"),
        ("batch-size", "batch.size"),
        ("name", "client.id"),
    ])?;
    let bootstrap = args.text("bootstrap-server").map_or_else(|| env.bootstrap().to_string(), str::to_owned);
    let endpoints = parse_bootstrap(&bootstrap).map_err(|error| error.to_string())?;
    let client = ClientConfig::new(endpoints, "producer");
    let mut config = producer_config(client, &properties).map_err(|problem| match problem {
        ConfigProblem::Kafka(text) | ConfigProblem::NotYet(text) => text,
    })?;
    match args.one_of("partitioner", &["default", "round-robin", "uniform-sticky"], "default")? {
        "round-robin" => config.partitioner = PartitionerClass::RoundRobin,
        "uniform-sticky" => config.partitioner = PartitionerClass::UniformSticky,
        _ => {}
    }
    let by_key = !config.ignores_keys();
    Ok(Box::new(Produce {
        topic: topic.into(),
        client_id: config.client.client_id.clone(),
        memory: config.buffer_memory,
        answered: config.acks != Acks::None,
        producer: Producer::new(config),
        rate: args.number("rate", 1, 1_000_000)?.unwrap_or(10),
        last_seen: keys.as_ref().filter(|_| by_key).map_or_else(Vec::new, |keys| vec![None; keys.len()]),
        keys,
        size: usize::try_from(size).unwrap_or(100),
        key_serializer,
        value_serializer,
        most: args.number("num-records", 1, u64::MAX)?,
        span: args.number("duration-ms", 1, LONGEST_MS)?.map(Duration::from_millis),
        begun: Instant::ZERO,
        made: 0,
        refused: None,
        blocked: false,
        told: None,
        due: None,
        look: None,
        under_way: UnderWay::default(),
        window: Tally::default(),
        whole: Tally::default(),
        counted: Counts::default(),
        latencies: Latencies::default(),
        by_key: BTreeMap::new(),
        moved: VecDeque::new(),
        ending: None,
        over: false,
        now: Instant::ZERO,
    }))
}

/// What is counted.
#[derive(Clone, Debug, Default)]
struct Tally {
    sent: u64,
    acknowledged: u64,
    failed: u64,
    partitions: BTreeMap<i32, u64>,
    why: BTreeMap<String, u64>,
}

/// A record under way: its key, and when `send` took it.
type Sent = (Option<usize>, Instant);

/// Records that were sent and not delivered. Their numbers go up one by one, and they are delivered
/// nearly in that order.
#[derive(Clone, Debug, Default)]
struct UnderWay {
    /// The number of the first.
    first: u64,
    records: VecDeque<Option<Sent>>,
}

impl UnderWay {
    fn insert(&mut self, id: RecordId, sent: Sent) {
        if self.records.is_empty() {
            self.first = id.0;
        }
        // What was refused has no number, so there is no gap; else what is in it is not under way.
        while self.first + (self.records.len() as u64) < id.0 {
            self.records.push_back(None);
        }
        self.records.push_back(Some(sent));
    }

    fn remove(&mut self, id: RecordId) -> Option<Sent> {
        let at = usize::try_from(id.0.checked_sub(self.first)?).ok()?;
        let sent = self.records.get_mut(at)?.take();
        while self.records.pop_front_if(|first| first.is_none()).is_some() {
            self.first += 1;
        }
        sent
    }
}

/// The running program.
#[derive(Clone, Debug)]
pub struct Produce {
    topic: Arc<str>,
    client_id: String,
    memory: usize,
    /// Whether acknowledgements were asked for.
    answered: bool,
    producer: Producer,
    rate: u64,
    keys: Option<Keys>,
    size: usize,
    key_serializer: Serde,
    value_serializer: Serde,
    most: Option<u64>,
    span: Option<Duration>,
    begun: Instant,
    /// Records that were made.
    made: u64,
    /// One that was made and not taken yet, with its key.
    refused: Option<(Box<ProducerRecord>, Option<usize>)>,
    /// Whether it is told that `send` waits.
    blocked: bool,
    /// When that was last told, or that it went on: in the same second it is not told again.
    told: Option<Instant>,
    /// When the next record is due.
    due: Option<Instant>,
    /// When the second is over.
    look: Option<Instant>,
    under_way: UnderWay,
    window: Tally,
    whole: Tally,
    /// What the producer had sent at the end of the last second.
    counted: Counts,
    /// How long it took from `send` to the acknowledgement.
    latencies: Latencies,
    by_key: BTreeMap<usize, BTreeMap<i32, u64>>,
    /// Where each key last went, where that is the same for all its records.
    last_seen: Vec<Option<i32>>,
    moved: VecDeque<String>,
    /// The exit code, while what is under way is awaited.
    ending: Option<i32>,
    over: bool,
    now: Instant,
}

impl Node for Produce {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => self.begin(cx),
            // A second Ctrl-C does not wait for what is under way.
            Input::Interrupt if self.ending.is_some() => return self.end(cx, INTERRUPTED),
            Input::Interrupt => self.ending = Some(INTERRUPTED),
            _ => {}
        }
        let delivered = self.producer.handle(cx, &input);
        let issues = self.producer.metadata_mut().take_issues();
        log_issues(cx, &format!("Producer clientId={}", self.client_id), issues);
        self.delivered(delivered);
        if self.span.is_some_and(|span| self.begun + span <= cx.now) {
            self.ending.get_or_insert(0);
        }
        self.pump(cx);
        if self.most == Some(self.made) && self.refused.is_none() {
            self.ending.get_or_insert(0);
        }
        if self.ending.is_some() {
            self.refused = None;
            self.due = None;
            self.producer.flush();
        }
        let delivered = self.producer.poll(cx);
        self.delivered(delivered);
        if self.look.is_some_and(|look| look <= cx.now) {
            self.second(cx);
        }
        if let Some(code) = self.ending
            && self.producer.pending() == 0
        {
            self.end(cx, code);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let span = self.span.filter(|_| self.ending.is_none()).map(|span| self.begun + span);
        [self.producer.next_timeout(self.now), self.due, self.look, span].into_iter().flatten().min()
    }

    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        self.producer().accumulated(client, topic, partition)
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(self.producer().client_counts())
    }
}

impl Produce {
    /// How long records took from `send` to their acknowledgement.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Its producer.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        self.begun = cx.now;
        self.look = Some(cx.now + SECOND);
        let keys = match &self.keys {
            None => "without keys".to_owned(),
            Some(keys) => format!("with {} keys", keys.len()),
        };
        let (topic, rate) = (&self.topic, self.rate);
        say(cx, &format!("{} sends {rate} records a second to {topic}, {keys}", self.client_id));
    }

    fn scheduled(&self, record: u64) -> Instant {
        // Each record asks, and a division of 128 bits costs as much as the rest of it in wasm.
        let us = match record.checked_mul(1_000_000) {
            Some(us) => us / self.rate,
            None => (record / self.rate).saturating_mul(1_000_000).min(u64::MAX / 2),
        };
        self.begun + Duration::from_micros(us)
    }

    /// When a record is handed over that is due then: at once, or with all of its tick at the end of that.
    fn woken(&self, scheduled: Instant) -> Instant {
        if self.rate <= 1_000 {
            return scheduled;
        }
        let us = scheduled.as_micros().saturating_sub(self.begun.as_micros());
        self.begun + Duration::from_micros(us.div_ceil(TICK_US).saturating_mul(TICK_US))
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        if self.ending.is_some() {
            return;
        }
        self.due = None;
        for _ in 0..AT_ONCE {
            if let Some((record, key)) = self.refused.take() {
                self.send(cx, *record, key);
                if self.refused.is_some() {
                    return;
                }
            }
            if self.most == Some(self.made) {
                return;
            }
            let scheduled = self.scheduled(self.made);
            if scheduled > cx.now {
                self.due = Some(self.woken(scheduled));
                return;
            }
            let key = self.keys.as_ref().map(|keys| keys.draw(cx.rng));
            let record = ProducerRecord {
                topic: self.topic.clone(),
                partition: None,
                timestamp: None,
                key: key.map(|key| made::key(self.key_serializer, key as u64)),
                value: Some(made::value(self.value_serializer, self.made, self.size)),
                headers: Vec::new(),
            };
            self.made += 1;
            self.send(cx, record, key);
            if self.refused.is_some() {
                return;
            }
        }
        self.due = Some(cx.now + Duration::from_micros(TICK_US));
    }

    fn send(&mut self, cx: &mut Context<'_>, record: ProducerRecord, key: Option<usize>) {
        match self.producer.send(cx, record) {
            Ok(id) => {
                if self.blocked {
                    self.blocked = false;
                    self.told = Some(cx.now);
                    say(cx, "send goes on");
                }
                self.window.sent += 1;
                self.whole.sent += 1;
                self.under_way.insert(id, (key, cx.now));
            }
            Err(Refused::Wait(record)) => {
                let known = self.producer.metadata().topic(&self.topic).is_some();
                let recent = self.told.is_some_and(|told| told + SECOND > cx.now);
                if known && !self.blocked && !recent {
                    self.blocked = true;
                    self.told = Some(cx.now);
                    let memory = self.memory;
                    say(cx, &format!("send blocks: buffer.memory ({memory} bytes) has no room for a batch"));
                }
                self.refused = Some((record, key));
            }
            Err(Refused::Failed(error)) => {
                let text = error.to_string();
                say(cx, &format!("send failed: {text}"));
                self.blocked = false;
                self.failed(None);
            }
        }
    }

    /// Counts a record that failed; why it did is told with the second if it is not told yet.
    fn failed(&mut self, why: Option<String>) {
        self.window.failed += 1;
        self.whole.failed += 1;
        if let Some(why) = why {
            *self.window.why.entry(why).or_default() += 1;
        }
    }

    fn delivered(&mut self, deliveries: Vec<Delivery>) {
        // A batch's records come together: they are counted at once.
        let mut run: (i32, u64) = (-1, 0);
        for delivery in deliveries {
            let Some((key, sent)) = self.under_way.remove(delivery.id) else { continue };
            if let Err(error) = delivery.result {
                self.failed(Some(error.to_string()));
                continue;
            }
            if self.answered {
                self.latencies.note(self.now - sent);
            }
            let partition = delivery.partition.partition;
            if run.0 != partition {
                self.acknowledged(run);
                run = (partition, 0);
            }
            run.1 += 1;
            let Some(key) = key else { continue };
            *self.by_key.entry(key).or_default().entry(partition).or_default() += 1;
            if let Some(last) = self.last_seen.get_mut(key) {
                if let Some(before) = last.filter(|before| *before != partition) {
                    let topic = &self.topic;
                    self.moved.push_back(format!("key-{key} from {topic}-{before} to {topic}-{partition}"));
                }
                *last = Some(partition);
            }
        }
        self.acknowledged(run);
    }

    fn acknowledged(&mut self, (partition, records): (i32, u64)) {
        if records > 0 {
            for tally in [&mut self.window, &mut self.whole] {
                tally.acknowledged += records;
                *tally.partitions.entry(partition).or_default() += records;
            }
        }
    }

    fn counts(&self, tally: &Tally) -> String {
        let acknowledged = if self.answered { "acknowledged" } else { "sent without acknowledgement" };
        let Tally { sent, acknowledged: number, failed, .. } = tally;
        let failed = if *failed == 0 { String::new() } else { format!(", failed {failed}") };
        format!("sent {sent}, {acknowledged} {number}{failed}")
    }

    fn partitions(&self, of: &BTreeMap<i32, u64>) -> String {
        let topic = &self.topic;
        listed(of.iter().map(|(partition, number)| format!("{topic}-{partition} {number}")))
    }

    /// A second is over.
    fn second(&mut self, cx: &mut Context<'_>) {
        self.look = Some(cx.now + SECOND);
        let tally = std::mem::take(&mut self.window);
        let (now, before) = (self.producer.counts(), self.counted);
        self.counted = now;
        let mut text = self.counts(&tally);
        let (batches, requests) = (now.batches - before.batches, now.requests - before.requests);
        text += &format!("; {batches} batches in {requests} requests");
        if now.retries > before.retries {
            text += &format!(", {} of them again", now.retries - before.retries);
        }
        if !tally.partitions.is_empty() {
            text += &format!("; {}", self.partitions(&tally.partitions));
        }
        say(cx, &text);
        for (why, number) in &tally.why {
            say(cx, &format!("failed {number}: {why}"));
        }
        let (moved, told) = (std::mem::take(&mut self.moved), TOLD);
        for text in moved.iter().take(told) {
            say(cx, &format!("moved {text}"));
        }
        if moved.len() > told {
            say(cx, &format!("moved {} keys more", moved.len() - told));
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "an average of counts")]
    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        let counts = self.producer.counts();
        let first = counts.batches - counts.retries;
        let mut text = format!("in all {}", self.counts(&self.whole));
        text += &format!("; {first} batches in {} requests", counts.requests);
        if first > 0 {
            let (records, bytes) = (counts.records as f64 / first as f64, counts.bytes as f64 / first as f64);
            text += &format!(", {records:.1} records and {bytes:.0} bytes a batch");
        }
        if counts.retries > 0 {
            text += &format!(", {} sent again", counts.retries);
        }
        say(cx, &text);
        if !self.whole.partitions.is_empty() {
            say(cx, &format!("partitions: {}", self.partitions(&self.whole.partitions)));
        }
        let told = self.keys.as_ref().is_some_and(|keys| keys.len() <= TOLD);
        for (key, partitions) in self.by_key.iter().filter(|_| told) {
            say(cx, &format!("key-{key}: {}", self.partitions(partitions)));
        }
        let lost = self.producer.pending();
        if lost > 0 {
            say(cx, &format!("{lost} records are given up"));
        }
        self.producer.close(cx);
        cx.out.exit(code);
    }
}
