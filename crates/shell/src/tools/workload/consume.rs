//! `workload consume`: a member of a group that takes its time. As a Java program does, it polls, processes what came,
//! one record after the other, commits, and polls again: heartbeats go on meanwhile, and nothing else does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use blumfeld_client::TopicPartition;
use blumfeld_client::consumer::{
    Assignor, CommitId, Consumer, ConsumerEvent, ConsumerRecord, OffsetAndMetadata,
};
use blumfeld_kernel::{ClientCounts, Context, Input, Instant, Node, Process};

use super::args::Args;
use super::{LONGEST_MS, SECOND, listed, say};
use crate::Environment;
use crate::clients::Working;
use crate::io::{INTERRUPTED, log_issues};
use crate::options::{Spec, flag, value};
use crate::tools::console_consumer::consumer_config;

/// The options.
pub const SPECS: &[Spec] = &[
    value("topic", "topic", "The topic (required)"),
    value("group", "group", "The group to join (required)"),
    value("name", "name", "Its client.id (default: consumer)"),
    value("processing-ms", "ms", "How long it works on each record, without polling (default: 0)"),
    value(
        "assignor",
        "name",
        "partition.assignment.strategy: range (default), roundrobin, sticky or cooperative-sticky",
    ),
    value("instance-id", "id", "group.instance.id: a static member"),
    value(
        "commit",
        "how",
        "auto (default), sync or async after everything that a poll gave is processed, or none",
    ),
    value("max-poll-records", "number", "max.poll.records (default: 500)"),
    flag("from-beginning", "Where the group has committed nothing, begin at the log start, not at the end"),
    value(
        "fail-at",
        "number",
        "This record, counted from 1, cannot be processed: the program closes its consumer and ends",
    ),
    value("num-records", "number", "End after so many records"),
    value("duration-ms", "ms", "End after so long"),
    value("command-property", "name=value…", "Settings of the consumer; an option goes before them"),
    value("bootstrap-server", "host:port", "Where the cluster listens (default: this one)"),
];

/// Reads the arguments.
pub fn prepare(words: &[String], env: &dyn Environment) -> Result<Box<dyn Process>, String> {
    let args = Args::parse("consume", SPECS, words)?;
    let (topic, group) = (args.required("topic")?, args.required("group")?);
    if let Some(assignor) = args.text("assignor")
        && Assignor::parse(assignor).is_none()
    {
        return Err(format!("the assignor {assignor} is not here"));
    }
    args.number("max-poll-records", 1, i32::MAX.unsigned_abs().into())?;
    let mut properties = args.properties(&[
        ("assignor", "partition.assignment.strategy"),
        ("instance-id", "group.instance.id"),
        ("max-poll-records", "max.poll.records"),
        ("name", "client.id"),
    ])?;
    let commit = match args.one_of("commit", &["auto", "sync", "async", "none"], "auto")? {
        "sync" => Commit::Sync,
        "async" => Commit::Async,
        "none" => Commit::None,
        _ => Commit::Auto,
    };
    properties.insert("enable.auto.commit".to_owned(), (commit == Commit::Auto).to_string());
    properties.entry("client.id".to_owned()).or_insert_with(|| "consumer".to_owned());
    if args.has("from-beginning") {
        properties.insert("auto.offset.reset".to_owned(), "earliest".to_owned());
    }
    let bootstrap = args.text("bootstrap-server").map_or_else(|| env.bootstrap().to_string(), str::to_owned);
    let config = consumer_config(&bootstrap, &properties, Some(group.to_owned()))?;
    Ok(Box::new(Consume {
        topic: topic.into(),
        group: group.to_owned(),
        client_id: config.client.client_id.clone(),
        max_poll_interval_ms: config.max_poll_interval_ms,
        consumer: Consumer::new(config),
        work: Duration::from_millis(args.number("processing-ms", 0, LONGEST_MS)?.unwrap_or(0)),
        commit,
        fail_at: args.number("fail-at", 1, u64::MAX)?,
        most: args.number("num-records", 1, u64::MAX)?,
        span: args.number("duration-ms", 1, LONGEST_MS)?.map(Duration::from_millis),
        begun: Instant::ZERO,
        stage: Stage::Polling,
        generation: -1,
        batch: VecDeque::new(),
        poll_by: None,
        look: None,
        unplaced: BTreeSet::new(),
        done: BTreeMap::new(),
        epochs: BTreeMap::new(),
        committed: BTreeMap::new(),
        window: Window::default(),
        processed: 0,
        repeated: 0,
        closing: None,
        over: false,
        now: Instant::ZERO,
    }))
}

/// When offsets are committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Commit {
    /// By the consumer, every `auto.commit.interval.ms`.
    Auto,
    /// After each batch, and the program waits for the answer.
    Sync,
    /// After each batch, without waiting.
    Async,
    /// Never.
    None,
}

/// What the program is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Polling,
    /// The first record of the batch is done then.
    Processing(Instant),
    Committing(CommitId),
}

/// What happened since the last line.
#[derive(Clone, Debug, Default)]
struct Window {
    processed: u64,
    /// The last record of each partition.
    upto: BTreeMap<TopicPartition, i64>,
    /// What the program committed.
    committed: BTreeMap<TopicPartition, i64>,
}

/// The running program.
#[derive(Clone, Debug)]
pub struct Consume {
    topic: Arc<str>,
    group: String,
    client_id: String,
    max_poll_interval_ms: i32,
    consumer: Consumer,
    work: Duration,
    commit: Commit,
    fail_at: Option<u64>,
    most: Option<u64>,
    span: Option<Duration>,
    begun: Instant,
    stage: Stage,
    /// The generation that it last had a part of.
    generation: i32,
    /// Records that the last poll gave and that are not processed.
    batch: VecDeque<ConsumerRecord>,
    /// When it polls again though nothing has come.
    poll_by: Option<Instant>,
    /// When the next line is due.
    look: Option<Instant>,
    /// Assigned partitions of which it is not told yet where they go on.
    unplaced: BTreeSet<TopicPartition>,
    /// The first and the last offset that was processed of each partition.
    done: BTreeMap<TopicPartition, (i64, i64)>,
    /// The leader epoch of the last record of each partition.
    epochs: BTreeMap<TopicPartition, Option<i32>>,
    /// What was last committed.
    committed: BTreeMap<TopicPartition, i64>,
    window: Window,
    processed: u64,
    repeated: u64,
    /// The exit code, while the group is left.
    closing: Option<i32>,
    over: bool,
    now: Instant,
}

impl Node for Consume {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        self.now = cx.now;
        if self.over {
            return;
        }
        match &input {
            Input::Started => self.begin(cx),
            // A second Ctrl-C does not wait for the group.
            Input::Interrupt if self.closing.is_some() => return self.end(cx, INTERRUPTED),
            Input::Interrupt => self.finish(cx, INTERRUPTED, true),
            _ => {}
        }
        // A program in `poll` is in time, whenever that is noticed.
        if self.stage == Stage::Polling
            && self.closing.is_none()
            && self.poll_by.is_some_and(|by| by <= cx.now)
        {
            self.work(cx);
        }
        self.consumer.handle(cx, &input);
        self.tell(cx);
        if self.closing.is_none() && self.span.is_some_and(|span| self.begun + span <= cx.now) {
            self.finish(cx, 0, true);
        }
        if self.closing.is_none() {
            self.work(cx);
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

    fn counts(&self) -> Option<ClientCounts<'_>> {
        Some(ClientCounts { processed: self.processed(), ..self.consumer().client_counts() })
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let open = self.closing.is_none();
        let work = match self.stage {
            Stage::Polling => self.poll_by,
            Stage::Processing(until) => Some(until),
            Stage::Committing(_) => None,
        };
        let span = self.span.map(|span| self.begun + span);
        [self.consumer.next_timeout(self.now), work.filter(|_| open), span.filter(|_| open), self.look]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Consume {
    /// Its consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Records that it has processed.
    pub fn processed(&self) -> u64 {
        self.processed
    }

    /// The record that it works on.
    pub fn working(&self) -> Option<Working> {
        let (Stage::Processing(until), Some(record)) = (self.stage, self.batch.front()) else { return None };
        let (partition, left) = (record.partition.clone(), self.batch.len() - 1);
        Some(Working { partition, offset: record.offset, until, left })
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        self.begun = cx.now;
        self.consumer.subscribe([self.topic.clone()]);
        let (name, topic, group) = (&self.client_id, &self.topic, &self.group);
        let ms = self.work.as_millis();
        say(cx, &format!("{name} joins group {group} for {topic} and needs {ms} ms for a record"));
    }

    /// Polls, processes and commits as far as that goes now.
    fn work(&mut self, cx: &mut Context<'_>) {
        while self.closing.is_none() {
            match self.stage {
                Stage::Polling => {
                    self.placed(cx);
                    let records = self.consumer.poll(cx);
                    let heard = self.tell(cx);
                    if records.is_empty() && !heard {
                        let half = u64::try_from(self.max_poll_interval_ms / 2).unwrap_or(0).max(1);
                        self.poll_by = Some(cx.now + SECOND.min(Duration::from_millis(half)));
                        return;
                    }
                    self.batch = records.into();
                    if !self.batch.is_empty() {
                        self.poll_by = None;
                        self.stage = Stage::Processing(cx.now + self.work);
                    }
                }
                Stage::Processing(until) if until > cx.now => return,
                Stage::Processing(until) => {
                    let Some(record) = self.batch.front() else {
                        self.batch_done(cx);
                        continue;
                    };
                    if self.fail_at == Some(self.processed + 1) {
                        let (of, offset) = (&record.partition, record.offset);
                        say(cx, &format!("cannot process {of}@{offset}, and closes its consumer"));
                        return self.finish(cx, 1, false);
                    }
                    self.process(cx);
                    if self.most == Some(self.processed) {
                        return self.finish(cx, 0, true);
                    }
                    if self.batch.is_empty() {
                        self.batch_done(cx);
                    } else {
                        self.stage = Stage::Processing(until + self.work);
                    }
                }
                Stage::Committing(_) => return,
            }
        }
    }

    fn process(&mut self, cx: &Context<'_>) {
        let Some(record) = self.batch.pop_front() else { return };
        let (partition, offset) = (record.partition, record.offset);
        self.processed += 1;
        self.window.processed += 1;
        self.window.upto.insert(partition.clone(), offset);
        self.epochs.insert(partition.clone(), record.leader_epoch);
        let done = self.done.entry(partition).or_insert((offset, offset - 1));
        if offset <= done.1 {
            self.repeated += 1;
        }
        *done = (done.0.min(offset), done.1.max(offset));
        self.look.get_or_insert(cx.now + SECOND);
    }

    /// Everything that a poll gave is processed.
    fn batch_done(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Polling;
        match self.commit {
            Commit::Sync => self.stage = Stage::Committing(self.consumer.commit(cx)),
            Commit::Async => {
                self.consumer.commit_offsets(cx, self.positions());
            }
            Commit::Auto | Commit::None => {}
        }
        if self.commit != Commit::Auto {
            // What was committed leaves at once, and not with the next input.
            self.consumer.handle(cx, &Input::Timeout);
            self.tell(cx);
        }
    }

    /// Where each assigned partition stands.
    fn positions(&self) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
        let position = |of: &TopicPartition| {
            let leader_epoch = self.epochs.get(of).copied().flatten();
            let offset = self.consumer.position(of)?;
            Some((of.clone(), OffsetAndMetadata { offset, leader_epoch, metadata: String::new() }))
        };
        self.consumer.assignment().filter_map(position).collect()
    }

    /// Tells where new partitions go on, once that is known of all.
    fn placed(&mut self, cx: &mut Context<'_>) {
        let places: Option<Vec<String>> =
            (self.unplaced.iter()).map(|of| Some(format!("{of}@{}", self.consumer.position(of)?))).collect();
        if let Some(places) = places.filter(|places| !places.is_empty()) {
            self.unplaced.clear();
            say(cx, &format!("reads on from {}", listed(places)));
        }
    }

    /// Tells what happened in the group. Gives whether anything did.
    fn tell(&mut self, cx: &mut Context<'_>) -> bool {
        let issues = self.consumer.metadata_mut().take_issues();
        log_issues(cx, &format!("Consumer clientId={}, groupId={}", self.client_id, self.group), issues);
        let events = self.consumer.take_events();
        let heard = !events.is_empty();
        for event in events {
            self.event(cx, event);
        }
        if let Some(error) = self.consumer.take_errors().into_iter().next()
            && self.closing.is_none()
        {
            say(cx, &format!("ends: {}: {error}", error.exception()));
            self.finish(cx, 1, false);
        }
        heard
    }

    fn event(&mut self, cx: &mut Context<'_>, event: ConsumerEvent) {
        let names = |of: &[TopicPartition]| listed(of.iter().map(ToString::to_string));
        match event {
            ConsumerEvent::PartitionsAssigned(new) => {
                self.generation = self.consumer.member().1;
                let generation = self.generation;
                let what = if new.is_empty() { "nothing".to_owned() } else { names(&new) };
                say(cx, &format!("assigned {what} in generation {generation}"));
                self.unplaced = new.into_iter().collect();
            }
            ConsumerEvent::PartitionsRevoked(old) => {
                say(cx, &format!("revoked {} of generation {}", names(&old), self.generation));
                self.unplaced.clear();
            }
            ConsumerEvent::PartitionsLost(old) => {
                say(cx, &format!("lost {}: others may have them already", names(&old)));
                self.unplaced.clear();
            }
            ConsumerEvent::PollTimeout => {
                let ms = self.max_poll_interval_ms;
                say(cx, &format!("did not poll for {ms} ms (max.poll.interval.ms) and leaves the group"));
            }
            ConsumerEvent::Commit { id, by_program, offsets, result } => {
                if self.stage == Stage::Committing(id) {
                    self.stage = Stage::Polling;
                }
                let offsets: BTreeMap<TopicPartition, i64> =
                    offsets.into_iter().map(|(of, at)| (of, at.offset)).collect();
                match result {
                    Err(error) => {
                        say(cx, &format!("commit of {} failed: {error}", places(&offsets)));
                    }
                    Ok(()) => {
                        let new: BTreeMap<_, _> = offsets
                            .into_iter()
                            .filter(|(of, at)| self.committed.get(of) != Some(at))
                            .collect();
                        self.committed.extend(new.clone());
                        if by_program {
                            self.window.committed.extend(new);
                            self.look.get_or_insert(cx.now + SECOND);
                        } else if !new.is_empty() {
                            say(cx, &format!("committed {}", places(&new)));
                        }
                    }
                }
            }
            ConsumerEvent::Committed { .. } | ConsumerEvent::Offsets { .. } => {}
        }
    }

    /// A second is over in which something happened.
    fn second(&mut self, cx: &mut Context<'_>) {
        self.look = None;
        let window = std::mem::take(&mut self.window);
        let mut parts = Vec::new();
        if window.processed > 0 {
            let upto = window.upto.iter().map(|(of, offset)| format!("{of} up to {offset}"));
            parts.push(format!("processed {}: {}", window.processed, listed(upto)));
        }
        if !window.committed.is_empty() {
            parts.push(format!("committed {}", places(&window.committed)));
        }
        if !parts.is_empty() {
            say(cx, &parts.join("; "));
        }
    }

    /// Begins to end. In order, it goes back to what is not processed and commits what is; else its consumer is closed
    /// as it is, and commits what was handed out if it does that by itself.
    fn finish(&mut self, cx: &mut Context<'_>, code: i32, in_order: bool) {
        self.closing = Some(code);
        if in_order {
            for record in self.batch.iter().rev() {
                self.consumer.seek(&record.partition, record.offset);
            }
            self.batch.clear();
            if matches!(self.commit, Commit::Sync | Commit::Async)
                && !matches!(self.stage, Stage::Committing(_))
            {
                self.consumer.commit(cx);
            }
        }
        self.consumer.begin_close(cx);
    }

    fn end(&mut self, cx: &mut Context<'_>, code: i32) {
        self.over = true;
        self.second(cx);
        let mut text = format!("in all processed {}", self.processed);
        if self.repeated > 0 {
            text += &format!(", {} of them again", self.repeated);
        }
        if !self.done.is_empty() {
            let done = self.done.iter().map(|(of, (first, last))| format!("{of} {first} to {last}"));
            text += &format!(": {}", listed(done));
        }
        say(cx, &text);
        if !self.committed.is_empty() {
            say(cx, &format!("last committed {}", places(&self.committed)));
        }
        let mut left: BTreeMap<TopicPartition, Vec<i64>> = BTreeMap::new();
        for record in &self.batch {
            left.entry(record.partition.clone()).or_default().push(record.offset);
        }
        for (of, offsets) in &left {
            if let [first, .., last] | [first @ last] = &offsets[..] {
                say(cx, &format!("was given {of} {first} to {last} and did not process it"));
            }
        }
        self.consumer.close(cx);
        cx.out.exit(code);
    }
}

/// `orders-0@5, orders-1@7`
fn places(of: &BTreeMap<TopicPartition, i64>) -> String {
    listed(of.iter().map(|(partition, offset)| format!("{partition}@{offset}")))
}
