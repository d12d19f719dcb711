//! The consumer (org.apache.kafka.clients.consumer.KafkaConsumer): partitions that the program assigns, or that a group
//! does.

mod assignor;
mod config;
mod coordinator;
mod fetch_session;
mod fetcher;
mod offset_fetcher;
pub(crate) mod protocol;
mod subscription;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use blumfeld_kernel::{Context, Input, Instant};
use blumfeld_protocol::record_batch::{Header, TimestampType};

use crate::{ApiError, Metadata, NetworkClient, TopicPartition};
use coordinator::{CommitKind, ConsumerCoordinator, Parts};
use fetcher::Fetcher;
use offset_fetcher::OffsetFetcher;
use subscription::{Position, Subscription, SubscriptionState};

pub use assignor::{
    Assignment, AssignmentError, Assignor, MemberSubscription, PartitionAssignor, RebalanceProtocol,
    TopicRacks,
};
pub use config::{ConsumerConfig, IsolationLevel, OffsetReset};
pub use coordinator::MemberStep;
pub use offset_fetcher::{OffsetAndTimestamp, OffsetSpec, Offsets};
pub use view::{ConsumerView, PartitionPosition};

/// A committed offset, with what was committed beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetAndMetadata {
    /// The offset to go on at.
    pub offset: i64,
    /// The leader epoch of the record before it.
    pub leader_epoch: Option<i32>,
    /// Text of the program's own.
    pub metadata: String,
}

/// As Java prints it.
impl std::fmt::Display for OffsetAndMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let epoch = self.leader_epoch.map_or_else(|| "null".to_owned(), |epoch| epoch.to_string());
        let Self { offset, metadata, .. } = self;
        write!(f, "OffsetAndMetadata{{offset={offset}, leaderEpoch={epoch}, metadata='{metadata}'}}")
    }
}

/// A group and who one is in it (ConsumerGroupMetadata): a transaction's offsets are committed for that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGroupMetadata {
    /// `group.id`
    pub group_id: String,
    /// The group's generation; -1 for nobody's.
    pub generation_id: i32,
    /// The member's id; empty for nobody's.
    pub member_id: String,
    /// `group.instance.id`
    pub group_instance_id: Option<String>,
}

impl ConsumerGroupMetadata {
    /// The group alone, without a member.
    pub fn new(group_id: &str) -> ConsumerGroupMetadata {
        ConsumerGroupMetadata {
            group_id: group_id.to_owned(),
            generation_id: -1,
            member_id: String::new(),
            group_instance_id: None,
        }
    }

    /// Whether it is more than the group alone.
    pub fn is_member(&self) -> bool {
        self.generation_id != -1 || !self.member_id.is_empty() || self.group_instance_id.is_some()
    }
}

/// As Java prints it.
impl std::fmt::Display for ConsumerGroupMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { group_id, generation_id, member_id, group_instance_id } = self;
        let instance = group_instance_id.as_deref().unwrap_or_default();
        write!(
            f,
            "GroupMetadata(groupId = {group_id}, generationId = {generation_id}, memberId = {member_id}, groupInstanceId = {instance})"
        )
    }
}

/// A commit's or a question's number at its consumer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CommitId(u64);

/// Committed offsets by partition; `None` where nothing was committed.
pub type Committed = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

/// Something that Java tells a rebalance listener or a commit's callback.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsumerEvent {
    /// These partitions are its own now, beside those that it has (onPartitionsAssigned).
    PartitionsAssigned(
        /// The partition.
        Vec<TopicPartition>,
    ),
    /// These are about to be another's (onPartitionsRevoked).
    PartitionsRevoked(
        /// The partition.
        Vec<TopicPartition>,
    ),
    /// These are another's already, perhaps (onPartitionsLost).
    PartitionsLost(
        /// The partition.
        Vec<TopicPartition>,
    ),
    /// The program did not poll for `max.poll.interval.ms`: the member leaves.
    PollTimeout,
    /// A commit is over.
    Commit {
        /// The commit's id.
        id: CommitId,
        /// Whether the program asked for it, and not the clock or a rebalance.
        by_program: bool,
        /// What was committed.
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        /// What became of it.
        result: Result<(), ApiError>,
    },
    /// Offsets that the program asked for.
    Offsets {
        /// Which question.
        id: CommitId,
        /// The answer.
        result: Result<Offsets, ApiError>,
    },
    /// Committed offsets that the program asked for.
    Committed {
        /// Which question.
        id: CommitId,
        /// The answer.
        result: Result<Committed, ApiError>,
    },
}

/// A pattern of topics: a name has to match as a whole.
#[derive(Clone, Debug)]
pub struct TopicPattern(regex_lite::Regex);

impl TopicPattern {
    /// The pattern of a regular expression.
    ///
    /// # Errors
    /// It is none; the text says why.
    pub fn new(expression: &str) -> Result<TopicPattern, String> {
        let whole = regex_lite::Regex::new(&format!("^(?:{expression})$"));
        whole.map(TopicPattern).map_err(|error| error.to_string())
    }

    fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// A record that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerRecord {
    /// Where it stands.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Whose clock that is.
    pub timestamp_type: TimestampType,
    /// Epoch of the leader that appended it.
    pub leader_epoch: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order and with duplicates.
    pub headers: Vec<Header>,
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    net: NetworkClient,
    metadata: Metadata,
    subscription: SubscriptionState,
    fetcher: Fetcher,
    coordinator: ConsumerCoordinator,
    events: Vec<ConsumerEvent>,
    offsets: OffsetFetcher,
    errors: Vec<ApiError>,
    /// Records that `poll` gave so far.
    polled: u64,
    /// Until when ending may take.
    closing_deadline: Instant,
}

impl Consumer {
    /// A consumer without connections or partitions.
    pub fn new(config: ConsumerConfig) -> Consumer {
        Consumer {
            net: NetworkClient::new(config.client.clone()),
            metadata: Metadata::new(&config.client, config.allow_auto_create_topics),
            subscription: SubscriptionState::default(),
            fetcher: Fetcher::default(),
            coordinator: ConsumerCoordinator::new(&config.assignors),
            events: Vec::new(),
            offsets: OffsetFetcher::default(),
            errors: Vec::new(),
            polled: 0,
            closing_deadline: Instant::ZERO,
            config,
        }
    }

    /// What the consumer knows of the cluster.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The same, to ask for topics that are not assigned yet.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Reads these partitions from now on. Those that were assigned before go on where they were; others begin where
    /// the group left off, if there is one, or where `auto.offset.reset` says.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        let reset = Position::Reset(self.config.auto_offset_reset);
        let position = if self.config.group_id.is_some() { Position::Committed } else { reset };
        self.subscription.subscription = Subscription::Assigned;
        self.subscription.assign(partitions, position);
        let topics: Vec<_> = self.subscription.assignment().map(|of| of.topic.clone()).collect();
        for topic in topics {
            self.metadata.add_topic(&topic);
        }
    }

    /// Reads what the group gives it of these topics. Joins with the next [`poll`](Self::poll).
    pub fn subscribe(&mut self, topics: impl IntoIterator<Item = Arc<str>>) {
        let topics: BTreeSet<Arc<str>> = topics.into_iter().collect();
        topics.iter().for_each(|topic| self.metadata.add_topic(topic));
        self.subscription.subscription = Subscription::Topics(topics);
        self.coordinator.subscribed(&self.config);
    }

    /// The same of all topics that fit a pattern, now and later.
    pub fn subscribe_pattern(&mut self, pattern: TopicPattern) {
        self.metadata.add_all_topics();
        self.subscription.subscription = Subscription::Pattern(pattern, BTreeSet::new());
        self.coordinator.subscribed(&self.config);
    }

    /// Reads nothing any more, and leaves the group.
    pub fn unsubscribe(&mut self, cx: &mut Context<'_>) {
        let (coordinator, mut parts) = self.parts();
        coordinator.unsubscribe(cx, &mut parts);
        self.subscription.subscription = Subscription::None;
        self.subscription.assign([], Position::Committed);
    }

    /// The member's id and generation in its group; empty and -1 while it has none.
    pub fn member(&self) -> (&str, i32) {
        self.coordinator.member()
    }

    /// The group and as whom it got its partitions there (`groupMetadata`); nothing without a group.
    pub fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        let (member_id, generation_id) = self.coordinator.joined_as();
        Some(ConsumerGroupMetadata {
            group_id: self.config.group_id.clone()?,
            generation_id,
            member_id: member_id.to_owned(),
            group_instance_id: self.config.group_instance_id.clone(),
        })
    }

    /// Whether it has its part of a stable generation of its group.
    pub fn is_stable(&self) -> bool {
        self.coordinator.is_stable()
    }

    /// Reads nothing of a partition until it is resumed; it stays assigned.
    pub fn pause(&mut self, partition: &TopicPartition) {
        self.subscription.pause(partition, true);
    }

    /// Reads a paused partition on.
    pub fn resume(&mut self, partition: &TopicPartition) {
        self.subscription.pause(partition, false);
    }

    /// Partitions that are paused.
    pub fn paused(&self) -> impl Iterator<Item = &TopicPartition> {
        self.subscription.paused()
    }

    /// Commits everything that was given out so far, and tries again what can be (`commitSync`). What became of it is a
    /// [`ConsumerEvent::Commit`].
    pub fn commit(&mut self, cx: &mut Context<'_>) -> CommitId {
        let offsets = self.subscription.all_consumed();
        self.coordinator.enqueue(cx, offsets, CommitKind::Sync, &self.config)
    }

    /// Commits these offsets, once (`commitAsync`).
    pub fn commit_offsets(
        &mut self,
        cx: &mut Context<'_>,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    ) -> CommitId {
        self.coordinator.enqueue(cx, offsets, CommitKind::Async, &self.config)
    }

    /// Asks for the group's committed offsets; the answer is a [`ConsumerEvent::Committed`].
    pub fn ask_committed(&mut self, partitions: Vec<TopicPartition>) -> CommitId {
        self.coordinator.ask_committed(partitions)
    }

    /// Asks for offsets of partitions, assigned or not (`beginningOffsets`, `endOffsets`, `offsetsForTimes`); the
    /// answer is a [`ConsumerEvent::Offsets`], `default.api.timeout.ms` later at the latest.
    pub fn ask_offsets(
        &mut self,
        cx: &Context<'_>,
        offsets: BTreeMap<TopicPartition, OffsetSpec>,
    ) -> CommitId {
        offsets.keys().for_each(|of| self.metadata.add_topic(&of.topic));
        let id = self.coordinator.next_id();
        self.offsets.ask(cx, id, offsets, self.config.client.default_api_timeout_ms);
        id
    }

    /// What happened in the group since the last call. Poll again after it.
    pub fn take_events(&mut self) -> Vec<ConsumerEvent> {
        std::mem::take(&mut self.events)
    }

    fn parts(&mut self) -> (&mut ConsumerCoordinator, Parts<'_>) {
        let parts = Parts {
            config: &self.config,
            subscription: &mut self.subscription,
            metadata: &mut self.metadata,
            net: &mut self.net,
            fetcher: &mut self.fetcher,
            events: &mut self.events,
            errors: &mut self.errors,
        };
        (&mut self.coordinator, parts)
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.subscription.assignment()
    }

    /// Goes on at an offset.
    pub fn seek(&mut self, partition: &TopicPartition, offset: i64) {
        self.move_to(partition, Position::At(offset));
    }

    /// Goes on at the log start.
    pub fn seek_to_beginning(&mut self, partition: &TopicPartition) {
        self.move_to(partition, Position::Reset(OffsetReset::Earliest));
    }

    /// Goes on at the end.
    pub fn seek_to_end(&mut self, partition: &TopicPartition) {
        self.move_to(partition, Position::Reset(OffsetReset::Latest));
    }

    fn move_to(&mut self, partition: &TopicPartition, position: Position) {
        self.fetcher.forget(partition);
        self.subscription.set(partition, position);
    }

    /// The next offset that `poll` will give of a partition; `None` if it is not assigned or not known yet.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        match self.subscription.position(partition)? {
            Position::At(offset) => Some(offset),
            Position::Reset(_) | Position::Committed => None,
        }
    }

    /// The high watermark as the last fetch told it.
    pub fn high_watermark(&self, partition: &TopicPartition) -> Option<i64> {
        self.fetcher.high_watermark(partition)
    }

    /// Takes an input. Records that came with it are given by [`poll`](Self::poll).
    pub fn handle(&mut self, cx: &mut Context<'_>, input: &Input) {
        let mut completed = self.net.handle(cx, input);
        while !completed.is_empty() {
            for one in &completed {
                let (coordinator, mut parts) = self.parts();
                let done = parts.metadata.handle(cx, parts.net, one)
                    || coordinator.handle(cx, one, &mut parts)
                    || self.fetcher.handle(
                        cx,
                        &self.config,
                        one,
                        &mut self.subscription,
                        &mut self.metadata,
                        &mut self.errors,
                    );
                if !done {
                    let mut offsets = std::mem::take(&mut self.offsets);
                    offsets.handle(cx, one, &mut self.parts().1);
                    self.offsets = offsets;
                }
            }
            completed = self.net.take_completed();
        }
        self.drive(cx);
    }

    /// Gives up to `max.poll.records` records, in order within each partition, and fetches ahead. Call it after
    /// `handle`, and again while it gives records.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Vec<ConsumerRecord> {
        let (coordinator, mut parts) = self.parts();
        coordinator.poll(cx, &mut parts);
        let max = self.config.max_poll_records;
        let records = self.fetcher.drain(max, &mut self.subscription, &mut self.errors);
        self.polled += records.len() as u64;
        self.drive(cx);
        records
    }

    /// Whether `poll` would give records at once.
    pub fn has_records(&self) -> bool {
        self.fetcher.has_records()
    }

    /// Errors that only the program can settle, since the last call.
    pub fn take_errors(&mut self) -> Vec<ApiError> {
        std::mem::take(&mut self.errors)
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        let (coordinator, mut parts) = self.parts();
        coordinator.background(cx, &mut parts);
        let mut offsets = std::mem::take(&mut self.offsets);
        offsets.poll(cx, &mut self.parts().1);
        self.offsets = offsets;
        if self.coordinator.is_closing() {
            self.close_sessions(cx);
        } else {
            self.fetcher.poll(cx, &self.config, &self.subscription, &mut self.metadata, &mut self.net);
        }
        self.metadata.poll(cx, &mut self.net);
    }

    /// Closes the fetch sessions once the group is left.
    fn close_sessions(&mut self, cx: &mut Context<'_>) {
        if self.coordinator.is_closed() && !self.fetcher.is_closing() {
            self.fetcher.begin_close(cx, &self.config, &mut self.net, self.closing_deadline);
        }
        self.fetcher.close_on(cx.now);
    }

    /// When `handle` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let lookup = self.offsets.next_timeout(now);
        let group = self.coordinator.next_timeout(now, &self.config, &self.subscription.subscription);
        let (net, metadata) = (self.net.next_timeout(now), self.metadata.next_timeout(now));
        [net, metadata, self.fetcher.next_timeout(now), lookup, group].into_iter().flatten().min()
    }

    /// Begins to end: offsets are committed if that is automatic, the group is left, then the fetch sessions are
    /// closed. Go on with `handle` until [`is_closed`](Self::is_closed), which takes `request.timeout.ms` at most.
    pub fn begin_close(&mut self, cx: &mut Context<'_>) {
        if self.coordinator.is_closing() {
            return;
        }
        self.closing_deadline = cx.after_ms(self.config.client.request_timeout_ms);
        let (coordinator, mut parts) = self.parts();
        coordinator.begin_close(cx, &mut parts);
        self.close_sessions(cx);
    }

    /// Whether ending has come to its end.
    pub fn is_closed(&self) -> bool {
        self.coordinator.is_closed() && self.fetcher.is_closed()
    }

    /// Closes the connections, and nothing else: that is for a consumer that has ended, or is given up.
    pub fn close(&mut self, cx: &mut Context<'_>) {
        self.net.close(cx);
    }
}
