//! `workload transform`: reads from one topic and writes to another, exactly once. What a poll gave is one transaction,
//! with the group's offsets in it (KIP-98, KIP-447), as a Java program does it that consumes, transforms and produces.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_client::consumer::{Consumer, ConsumerEvent, ConsumerRecord, OffsetAndMetadata};
use blumfeld_client::producer::{
    Delivery, Producer, ProducerRecord, Refused, TransactionError, TransactionEvent, TransactionOperation,
    TransactionState,
};
use blumfeld_client::{ClientConfig, TopicPartition, parse_bootstrap};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node, Process};
use blumfeld_protocol::ErrorCode;
use bytes::Bytes;

use super::args::Args;
use super::{LONGEST_MS, SECOND, listed, say};
use crate::Environment;
use crate::io::{INTERRUPTED, log_issues};
use crate::options::{Spec, flag, value};
use crate::tools::console_consumer::consumer_config;
use crate::tools::console_producer::{ConfigProblem, producer_config};

/// The options.
pub const SPECS: &[Spec] = &[
    value("from", "topic", "The topic to read (required)"),
    value("to", "topic", "The topic to write to (required)"),
    value("group", "group", "The group to join (required)"),
    value("name", "name", "Its client.id (default: transformer)"),
    value("transactional-id", "id", "transactional.id (default: its name)"),
    value("transaction-timeout-ms", "ms", "transaction.timeout.ms (default: 60000)"),
    value("isolation-level", "level", "read_committed (default) or read_uncommitted"),
    value("rate", "number", "So many records a second at most (default: as many as come)"),
    value("max-poll-records", "number", "So many records a transaction has at most (default: 500)"),
    flag("from-beginning", "Where the group has committed nothing, begin at the log start, not at the end"),
    value(
        "abort-ratio",
        "share",
        "The share of transactions that it aborts and does again, from 0 (default) to 1",
    ),
    value(
        "fail-at",
        "number",
        "At this record, counted from 1, the program dies: its transaction stays open, and its group waits for it",
    ),
    value("num-records", "number", "End with the transaction that brings the records to so many"),
    value("duration-ms", "ms", "End after so long"),
    value("command-property", "name=value…", "Settings of both its clients; an option goes before them"),
    value("bootstrap-server", "host:port", "Where the cluster listens (default: this one)"),
];

/// Shares are counted in these.
const WHOLE: u64 = 1_000_000;

/// Reads the arguments.
pub fn prepare(words: &[String], env: &dyn Environment) -> Result<Box<dyn Process>, String> {
    let args = Args::parse("transform", SPECS, words)?;
    let (from, to, group) = (args.required("from")?, args.required("to")?, args.required("group")?);
    args.number("max-poll-records", 1, i32::MAX.unsigned_abs().into())?;
    args.number("transaction-timeout-ms", 1, LONGEST_MS)?;
    let level = args.one_of("isolation-level", &["read_committed", "read_uncommitted"], "read_committed")?;
    let mut properties = args.properties(&[
        ("transactional-id", "transactional.id"),
        ("transaction-timeout-ms", "transaction.timeout.ms"),
        ("max-poll-records", "max.poll.records"),
        ("name", "client.id"),
    ])?;
    let name = properties.entry("client.id".to_owned()).or_insert_with(|| "transformer".to_owned()).clone();
    properties.entry("transactional.id".to_owned()).or_insert(name);
    // Its transactions commit, and nothing else does.
    properties.insert("enable.auto.commit".to_owned(), "false".to_owned());
    properties.insert("isolation.level".to_owned(), level.to_owned());
    if args.has("from-beginning") {
        properties.insert("auto.offset.reset".to_owned(), "earliest".to_owned());
    }
    let bootstrap = args.text("bootstrap-server").map_or_else(|| env.bootstrap().to_string(), str::to_owned);
    let endpoints = parse_bootstrap(&bootstrap).map_err(|error| error.to_string())?;
    let config = consumer_config(&bootstrap, &properties, Some(group.to_owned()))?;
    let poll_interval_ms = config.max_poll_interval_ms;
    let producer =
        producer_config(ClientConfig::new(endpoints, "transformer"), &properties).map_err(|problem| {
            match problem {
                ConfigProblem::Kafka(text) | ConfigProblem::NotYet(text) => text,
            }
        })?;
    let rate = args.number("rate", 1, 1_000_000)?;
    Ok(Box::new(Transform {
        from: from.into(),
        to: to.into(),
        group: group.to_owned(),
        client_id: config.client.client_id.clone(),
        poll_interval: Duration::from_millis(u64::try_from(poll_interval_ms / 2).unwrap_or(0).max(1)),
        consumer: Consumer::new(config),
        producer: Producer::new(producer),
        work: rate.map_or(Duration::ZERO, |rate| Duration::from_micros(1_000_000 / rate)),
        abort: share(&args)?,
        fail_at: args.number("fail-at", 1, u64::MAX)?,
        most: args.number("num-records", 1, u64::MAX)?,
        span: args.number("duration-ms", 1, LONGEST_MS)?.map(Duration::from_millis),
        begun: Instant::ZERO,
        stage: Stage::Initializing,
        batch: VecDeque::new(),
        firsts: BTreeMap::new(),
        nexts: BTreeMap::new(),
        doomed: false,
        refused: None,
        in_transaction: 0,
        poll_by: None,
        look: None,
        window: Tally::default(),
        whole: Tally::default(),
        read: 0,
        ending: None,
        closing: None,
        over: false,
        now: Instant::ZERO,
    }))
}

/// `--abort-ratio`, in millionths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to a million")]
fn share(args: &Args) -> Result<u64, String> {
    let Some(text) = args.text("abort-ratio") else { return Ok(0) };
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share
        .map(|share| (share * 1e6).round() as u64)
        .ok_or_else(|| format!("--abort-ratio is a number from 0 to 1, not {text}"))
}

/// What the program is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// `initTransactions`
    Initializing,
    Polling,
    /// The first record of the batch is done then.
    Processing(Instant),
    /// What was sent is to stand in the topic before the transaction is given up: else nothing would be seen of it.
    Flushing(Then),
    /// `sendOffsetsToTransaction`
    SendingOffsets,
    /// `commitTransaction`
    Committing,
    /// `abortTransaction`
    Aborting,
}

/// How a transaction is given up on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Abort,
    Die,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    committed: u64,
    records: u64,
    aborted: u64,
}

/// The running program.
#[derive(Clone, Debug)]
pub struct Transform {
    from: Arc<str>,
    to: Arc<str>,
    group: String,
    client_id: String,
    poll_interval: Duration,
    consumer: Consumer,
    producer: Producer,
    work: Duration,
    /// How many of a million transactions are aborted on purpose.
    abort: u64,
    fail_at: Option<u64>,
    most: Option<u64>,
    span: Option<Duration>,
    begun: Instant,
    stage: Stage,
    /// Records that the last poll gave and that are not processed.
    batch: VecDeque<ConsumerRecord>,
    /// Where the transaction began in each partition.
    firsts: BTreeMap<TopicPartition, i64>,
    /// Where it ends.
    nexts: BTreeMap<TopicPartition, OffsetAndMetadata>,
    /// This transaction is to be aborted.
    doomed: bool,
    /// A record that was made and not taken yet.
    refused: Option<Box<ProducerRecord>>,
    in_transaction: u64,
    /// When it polls again though nothing has come.
    poll_by: Option<Instant>,
    /// When the next line is due.
    look: Option<Instant>,
    window: Tally,
    whole: Tally,
    /// Records that were processed, those of aborted transactions as well.
    read: u64,
    /// The exit code, once the transaction is to be the last.
    ending: Option<i32>,
    /// The same, while the group is left.
    closing: Option<i32>,
    over: bool,
    now: Instant,
}

impl Node for Transform {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => self.begin(cx),
            // A second Ctrl-C waits for nobody.
            Input::Interrupt if self.ending.is_some() => return self.end(cx, INTERRUPTED),
            Input::Interrupt => self.ending = Some(INTERRUPTED),
            _ => {}
        }
        if self.span.is_some_and(|span| self.begun + span <= cx.now) {
            self.ending.get_or_insert(0);
        }
        let delivered = self.producer.handle(cx, &input);
        self.delivered(cx, delivered);
        self.consumer.handle(cx, &input);
        self.tell(cx);
        self.work(cx);
        if self.over {
            return;
        }
        if self.look.is_some_and(|look| look <= cx.now) {
            self.second(cx);
        }
        if let Some(code) = self.closing
            && self.consumer.is_closed()
        {
            self.end(cx, code);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let open = self.closing.is_none();
        let work = match self.stage {
            Stage::Polling => self.poll_by,
            // A record that waits for room or for the topic goes on with its producer, and not by time.
            Stage::Processing(until) if self.refused.is_none() => Some(until),
            Stage::Processing(_)
            | Stage::Initializing
            | Stage::Flushing(_)
            | Stage::SendingOffsets
            | Stage::Committing
            | Stage::Aborting => None,
        };
        let span = self.span.filter(|_| self.ending.is_none()).map(|span| self.begun + span);
        let clients = [self.consumer.next_timeout(self.now), self.producer.next_timeout(self.now)];
        clients.into_iter().chain([work.filter(|_| open), span, self.look]).flatten().min()
    }

    fn accumulated(&self, client: &str, topic: &str, partition: i32) -> Option<u64> {
        self.producer().accumulated(client, topic, partition)
    }

    fn counts(&self) -> Option<ClientCounts<'_>> {
        let received = self.consumer().client_counts().received;
        Some(ClientCounts { received, processed: self.processed(), ..self.producer().client_counts() })
    }
}

impl Transform {
    /// Its consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Its producer.
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Records that were written and committed.
    pub fn processed(&self) -> u64 {
        self.whole.records
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        self.begun = cx.now;
        let id = self.producer.transactional_id().unwrap_or_default().to_owned();
        let (name, from, to, group) = (&self.client_id, &self.from, &self.to, &self.group);
        say(cx, &format!("{name} reads {from} as a member of {group} and writes to {to} as {id}"));
        if let Err(error) = self.producer.init_transactions(cx) {
            self.fail(cx, &error);
        }
    }

    /// Goes on as far as that goes now.
    fn work(&mut self, cx: &mut Context<'_>) {
        while self.closing.is_none() && !self.over {
            let delivered = self.producer.poll(cx);
            self.delivered(cx, delivered);
            let event = self.producer.take_transaction_events().pop();
            match (self.stage, event) {
                (_, Some(event)) => self.heard(cx, event),
                (Stage::Polling, None) => {
                    if let Some(code) = self.ending {
                        return self.close(cx, code);
                    }
                    if !self.poll(cx) {
                        return;
                    }
                }
                (Stage::Processing(_) | Stage::Flushing(_), None)
                    if self.ending.is_some() || self.is_broken() =>
                {
                    self.abort(cx);
                }
                (Stage::Processing(until), None) if until > cx.now => return,
                (Stage::Processing(until), None) => {
                    self.process(cx, until);
                    if self.refused.is_some() {
                        // The topic is asked for, which lets the record in.
                        let delivered = self.producer.poll(cx);
                        return self.delivered(cx, delivered);
                    }
                }
                (Stage::Flushing(_), None) if self.producer.pending() > 0 => return,
                (Stage::Flushing(Then::Abort), None) => self.abort(cx),
                (Stage::Flushing(Then::Die), None) => return self.end(cx, 1),
                // A program that is ended before it began has nothing to put in order.
                (Stage::Initializing, None) if let Some(code) = self.ending => return self.close(cx, code),
                (Stage::Initializing | Stage::SendingOffsets | Stage::Committing | Stage::Aborting, None) => {
                    return;
                }
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.producer.transaction_state().is_none_or(TransactionState::is_error)
    }

    /// A transactional method has come to its end.
    fn heard(&mut self, cx: &mut Context<'_>, event: TransactionEvent) {
        let TransactionEvent { operation, result } = event;
        match (operation, result) {
            (TransactionOperation::Init, Ok(())) => {
                if let Some(producer) = self.producer.producer_id() {
                    let (id, epoch) = (producer.id, producer.epoch);
                    say(cx, &format!("is producer {id} in epoch {epoch}"));
                }
                self.consumer.subscribe([self.from.clone()]);
                self.stage = Stage::Polling;
            }
            (TransactionOperation::SendOffsets, Ok(())) => {
                self.stage = Stage::Committing;
                let begun = self.producer.commit_transaction(cx);
                self.check(cx, begun);
            }
            (TransactionOperation::Commit, Ok(())) => {
                let records = std::mem::take(&mut self.in_transaction);
                for tally in [&mut self.window, &mut self.whole] {
                    tally.committed += 1;
                    tally.records += records;
                }
                self.look.get_or_insert(cx.now + SECOND);
                self.stage = Stage::Polling;
                if self.most.is_some_and(|most| most <= self.whole.records) {
                    self.ending.get_or_insert(0);
                }
            }
            (TransactionOperation::Abort, Ok(())) => {
                for tally in [&mut self.window, &mut self.whole] {
                    tally.aborted += 1;
                }
                self.look.get_or_insert(cx.now + SECOND);
                self.go_back();
                self.stage = Stage::Polling;
            }
            // What took too long is asked for again, as Kafka wants it.
            (operation, Err(error)) if error.is(ErrorCode::REQUEST_TIMED_OUT) && !self.is_broken() => {
                say(cx, &format!("{} goes on: {error}", operation.method()));
                let begun = match operation {
                    TransactionOperation::Init => self.producer.init_transactions(cx),
                    TransactionOperation::Commit => self.producer.commit_transaction(cx),
                    TransactionOperation::SendOffsets => return self.abort(cx),
                    TransactionOperation::Abort => self.producer.abort_transaction(cx),
                };
                self.check(cx, begun);
            }
            (_, Err(error)) => self.check(cx, Err(error)),
        }
    }

    /// An error of a transactional method ends the transaction, or the program.
    fn check(&mut self, cx: &mut Context<'_>, result: Result<(), TransactionError>) {
        let Err(error) = result else { return };
        if self.producer.transaction_state() == Some(TransactionState::AbortableError) {
            say(cx, &format!("aborts: {}: {error}", error.class()));
            self.abort(cx);
        } else {
            self.fail(cx, &error);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, error: &TransactionError) {
        say(cx, &format!("ends: {}: {error}", error.class()));
        if let Some(cause) = &error.cause {
            say(cx, &format!("caused by {}: {cause}", cause.class()));
        }
        self.ending = Some(1);
        self.close(cx, 1);
    }

    fn abort(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Aborting;
        self.batch.clear();
        self.refused = None;
        self.in_transaction = 0;
        if let Err(error) = self.producer.abort_transaction(cx) {
            self.fail(cx, &error);
        }
    }

    /// Reads again what an aborted transaction had read.
    fn go_back(&mut self) {
        let assigned: Vec<TopicPartition> = self.consumer.assignment().cloned().collect();
        for (of, first) in std::mem::take(&mut self.firsts) {
            if assigned.contains(&of) {
                self.consumer.seek(&of, first);
            }
        }
        self.nexts.clear();
    }

    /// Polls, and begins a transaction with what that gave. Gives whether there is more to do at once.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let records = self.consumer.poll(cx);
        let heard = self.tell(cx);
        if records.is_empty() {
            self.poll_by = Some(cx.now + SECOND.min(self.poll_interval));
            return heard;
        }
        self.poll_by = None;
        self.firsts.clear();
        self.nexts.clear();
        for record in &records {
            self.firsts.entry(record.partition.clone()).or_insert(record.offset);
        }
        // What a poll went past without giving it, aborted records and markers, is done with as well.
        for of in self.firsts.keys() {
            let last = records.iter().rev().find(|record| record.partition == *of);
            let leader_epoch = last.and_then(|record| record.leader_epoch);
            if let Some(offset) = self.consumer.position(of) {
                let metadata = String::new();
                self.nexts.insert(of.clone(), OffsetAndMetadata { offset, leader_epoch, metadata });
            }
        }
        self.batch = records.into();
        self.doomed = self.abort > 0 && cx.rng.below(WHOLE) < self.abort;
        self.stage = Stage::Processing(cx.now + self.work);
        let begun = self.producer.begin_transaction();
        self.check(cx, begun);
        true
    }

    /// Processes a record, or ends the transaction after the last one.
    fn process(&mut self, cx: &mut Context<'_>, until: Instant) {
        if let Some(record) = self.refused.take() {
            return self.send(cx, *record);
        }
        let Some(record) = self.batch.pop_front() else { return self.end_transaction(cx) };
        self.read += 1;
        if self.fail_at == Some(self.read) {
            let (of, offset) = (&record.partition, record.offset);
            say(cx, &format!("dies at {of}@{offset}, in the middle of its transaction"));
            return self.flush(Then::Die);
        }
        self.stage = Stage::Processing(until + self.work);
        self.send(
            cx,
            ProducerRecord {
                topic: self.to.clone(),
                partition: None,
                timestamp: None,
                key: record.key,
                value: record.value.map(transformed),
                headers: record.headers,
            },
        );
    }

    fn flush(&mut self, then: Then) {
        self.producer.flush();
        self.stage = Stage::Flushing(then);
    }

    fn send(&mut self, cx: &mut Context<'_>, record: ProducerRecord) {
        match self.producer.send(cx, record) {
            Ok(_) => self.in_transaction += 1,
            Err(Refused::Wait(record)) => self.refused = Some(record),
            Err(Refused::Failed(error)) => {
                say(cx, &format!("send failed: {error}"));
                self.abort(cx);
            }
        }
    }

    fn end_transaction(&mut self, cx: &mut Context<'_>) {
        if self.doomed {
            self.doomed = false;
            return self.flush(Then::Abort);
        }
        self.stage = Stage::SendingOffsets;
        let Some(group) = self.consumer.group_metadata() else { return };
        let sent = self.producer.send_offsets_to_transaction(cx, self.nexts.clone(), group);
        self.check(cx, sent);
    }

    fn delivered(&mut self, cx: &mut Context<'_>, delivered: Vec<Delivery>) {
        let issues = self.producer.metadata_mut().take_issues();
        log_issues(cx, &format!("Producer clientId={}", self.client_id), issues);
        // What an abort gave up is no news.
        let first = delivered.into_iter().find_map(|one| one.result.err());
        if let Some(error) = first.filter(|_| self.stage != Stage::Aborting) {
            say(cx, &format!("a record failed: {}: {error}", error.exception()));
        }
    }

    /// Tells what happened in the group. Gives whether anything did.
    fn tell(&mut self, cx: &mut Context<'_>) -> bool {
        let issues = self.consumer.metadata_mut().take_issues();
        log_issues(cx, &format!("Consumer clientId={}, groupId={}", self.client_id, self.group), issues);
        let events = self.consumer.take_events();
        let heard = !events.is_empty();
        let names = |of: &[TopicPartition]| match of {
            [] => "nothing".to_owned(),
            of => listed(of.iter().map(ToString::to_string)),
        };
        for event in events {
            match event {
                ConsumerEvent::PartitionsAssigned(new) => {
                    let generation = self.consumer.member().1;
                    say(cx, &format!("assigned {} in generation {generation}", names(&new)));
                }
                ConsumerEvent::PartitionsRevoked(old) => say(cx, &format!("revoked {}", names(&old))),
                ConsumerEvent::PartitionsLost(old) => {
                    say(cx, &format!("lost {}: others may have them already", names(&old)));
                }
                ConsumerEvent::PollTimeout => {
                    say(cx, "did not poll for max.poll.interval.ms and leaves the group");
                }
                ConsumerEvent::Commit { .. }
                | ConsumerEvent::Committed { .. }
                | ConsumerEvent::Offsets { .. } => {}
            }
        }
        if let Some(error) = self.consumer.take_errors().into_iter().next()
            && self.closing.is_none()
        {
            say(cx, &format!("ends: {}: {error}", error.exception()));
            self.ending = Some(1);
            self.close(cx, 1);
        }
        heard
    }

    /// A second is over in which something happened.
    fn second(&mut self, cx: &mut Context<'_>) {
        self.look = None;
        let tally = std::mem::take(&mut self.window);
        say(cx, &told(&tally));
    }

    /// Begins to leave the group.
    fn close(&mut self, cx: &mut Context<'_>, code: i32) {
        if self.closing.is_none() {
            self.closing = Some(code);
            self.consumer.begin_close(cx);
        }
    }

    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        if self.look.is_some() {
            self.second(cx);
        }
        say(cx, &format!("in all {}", told(&self.whole)));
        self.consumer.close(cx);
        self.producer.close(cx);
        cx.out.exit(code);
    }
}

fn told(tally: &Tally) -> String {
    let Tally { committed, records, aborted } = tally;
    let transactions = if *committed == 1 { "transaction" } else { "transactions" };
    let mut text = format!("committed {committed} {transactions} with {records} records");
    if *aborted > 0 {
        text += &format!(", aborted {aborted}");
    }
    text
}

/// What becomes of a value: text in capitals, and other bytes as they are.
fn transformed(value: Bytes) -> Bytes {
    match std::str::from_utf8(&value) {
        Ok(text) => Bytes::from(text.to_uppercase()),
        Err(_) => value,
    }
}
