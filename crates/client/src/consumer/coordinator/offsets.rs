//! Offsets of a group: commits, and what was committed.

use std::collections::BTreeMap;

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use blumfeld_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use blumfeld_protocol::messages::{
    GroupId, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, TopicName,
};

use super::super::subscription::Position;
use super::super::{CommitId, ConsumerConfig, ConsumerEvent, OffsetAndMetadata, OffsetReset};
use super::{ConsumerCoordinator, MemberState, Parts, Prepare, text};
use crate::{ApiError, Completed, TopicPartition, offset_fetch};

/// What Kafka says to a member that commits for a generation that is over (CommitFailedException).
pub(in super::super) const COMMIT_FAILED: &str = "Commit cannot be completed since the group has already rebalanced and assigned the partitions to another member. This means that the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms, which typically implies that the poll loop is spending too much time message processing. You can address this either by increasing max.poll.interval.ms or by reducing the maximum size of batches returned in poll() with max.poll.records.";
const NOT_A_MEMBER: &str = "Offset commit cannot be completed since the consumer is not part of an active group for auto partition assignment; it is likely that the consumer was kicked out of the group.";
const REBALANCING: &str = "Offset commit cannot be completed since the consumer is undergoing a rebalance for auto partition assignment. You can try completing the rebalance by calling poll() and then retry the operation.";
const REBALANCE_BEGUN: &str = "Offset commit cannot be completed since the consumer group is executing a rebalance at the moment. You can try completing the rebalance by calling poll() and then retry commit again";

/// Who wants a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum CommitKind {
    /// The program, which waits: what can be tried again is.
    Sync,
    /// The program, which does not wait.
    Async,
    /// The clock.
    Auto,
    /// A rebalance.
    Prepare,
    /// The end.
    Close,
}

/// A commit that waits or is under way.
#[derive(Clone, Debug)]
pub(in super::super) struct Commit {
    id: CommitId,
    offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    kind: CommitKind,
    deadline: Instant,
    not_before: Instant,
    attempts: u32,
    /// The generation that it is sent for.
    generation: i32,
}

impl Commit {
    pub fn not_before(&self) -> Instant {
        self.not_before
    }
}

/// A question for committed offsets: of the program if it has an id, else for positions.
#[derive(Clone, Debug)]
pub(super) struct Fetching {
    id: Option<CommitId>,
    partitions: Vec<TopicPartition>,
}

type Found = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

impl ConsumerCoordinator {
    /// Takes a commit; it leaves with the next `background`.
    pub fn enqueue(
        &mut self,
        cx: &Context<'_>,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        kind: CommitKind,
        config: &ConsumerConfig,
    ) -> CommitId {
        let id = self.next_id();
        let deadline = cx.after_ms(config.client.default_api_timeout_ms);
        let commit = Commit { id, offsets, kind, deadline, not_before: cx.now, attempts: 0, generation: -1 };
        self.waiting.push_back(commit);
        id
    }

    /// A number for what the program asks.
    pub fn next_id(&mut self) -> CommitId {
        self.last_commit += 1;
        CommitId(self.last_commit)
    }

    /// Asks for committed offsets on the program's behalf.
    pub fn ask_committed(&mut self, partitions: Vec<TopicPartition>) -> CommitId {
        let id = self.next_id();
        self.to_fetch.push_back(Fetching { id: Some(id), partitions });
        id
    }

    pub(super) fn has_commits_of_the_program(&self) -> bool {
        let of_program = |commit: &Commit| commit.kind == CommitKind::Sync;
        self.waiting.iter().chain(self.committing.values()).any(of_program)
    }

    /// Commits what was consumed, every `auto.commit.interval.ms`.
    pub(super) fn auto_commit(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if !parts.config.auto_commits() || self.next_auto_commit > cx.now {
            return;
        }
        let first = self.next_auto_commit == Instant::ZERO;
        self.next_auto_commit = cx.after_ms(parts.config.auto_commit_interval_ms);
        let under_way = |commit: &Commit| commit.kind == CommitKind::Auto;
        if first || self.waiting.iter().chain(self.committing.values()).any(under_way) {
            return;
        }
        let automatic = parts.subscription.subscription.is_automatic();
        let offsets = parts.subscription.all_consumed();
        if !offsets.is_empty() && (!automatic || self.state == MemberState::Stable) {
            self.enqueue(cx, offsets, CommitKind::Auto, parts.config);
        }
    }

    /// Sends commits and questions that wait, once the coordinator is there.
    pub(super) fn send_offsets(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some(mut commit) = waiting.pop_front() {
            if commit.deadline <= cx.now {
                let ms = parts.config.client.default_api_timeout_ms;
                let text = format!(
                    "Timeout of {ms}ms expired before successfully committing offsets {}",
                    offsets_text(&commit.offsets)
                );
                self.finish(cx, parts, commit, Err(ApiError::timeout(text)));
                continue;
            }
            let node = if commit.not_before > cx.now { None } else { self.ready(cx, parts) };
            let Some(node) = node else {
                self.waiting.push_back(commit);
                continue;
            };
            let automatic = parts.subscription.subscription.is_automatic();
            if automatic && self.state != MemberState::Stable {
                let rebalancing =
                    matches!(self.state, MemberState::PreparingRebalance | MemberState::CompletingRebalance);
                let (code, text) = match rebalancing {
                    true => (ErrorCode::REBALANCE_IN_PROGRESS, REBALANCING),
                    false => (ErrorCode::UNKNOWN_MEMBER_ID, NOT_A_MEMBER),
                };
                self.finish(cx, parts, commit, Err(ApiError::new(code, text)));
                continue;
            }
            commit.attempts += 1;
            commit.generation = if automatic { self.generation.id } else { -1 };
            match self.send_commit(cx, parts, node, &commit) {
                Ok(correlation_id) => {
                    self.committing.insert(correlation_id, commit);
                }
                Err(error) => self.finish(cx, parts, commit, Err(error)),
            }
        }
        self.fetch_committed(cx, parts);
    }

    fn send_commit(
        &mut self,
        cx: &mut Context<'_>,
        parts: &mut Parts<'_>,
        node: i32,
        commit: &Commit,
    ) -> Result<i32, ApiError> {
        let version = parts.net.version::<OffsetCommitRequest>(node)?;
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for (partition, offset) in &commit.offsets {
            let mut data = OffsetCommitRequestPartition::default()
                .with_partition_index(partition.partition)
                .with_committed_offset(offset.offset)
                .with_committed_metadata(Some(text(&offset.metadata)));
            if version >= 6 {
                data.committed_leader_epoch = offset.leader_epoch.unwrap_or(-1);
            }
            match topics.last_mut().filter(|topic| topic.name.as_str() == &*partition.topic) {
                Some(topic) => topic.partitions.push(data),
                None => topics.push(
                    OffsetCommitRequestTopic::default()
                        .with_name(TopicName(text(&partition.topic)))
                        .with_partitions(vec![data]),
                ),
            }
        }
        let automatic = parts.subscription.subscription.is_automatic();
        let mut request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(parts.config.group_id.as_deref().unwrap_or_default())))
            .with_generation_id_or_member_epoch(commit.generation)
            .with_member_id(text(if automatic { &self.generation.member_id } else { "" }))
            .with_topics(topics);
        if version <= 4 {
            request.retention_time_ms = -1;
        }
        if version >= 7 && automatic {
            request.group_instance_id = parts.config.group_instance_id.as_deref().map(text);
        }
        parts.net.send(cx, node, version, &request, true)
    }

    pub(super) fn offsets_answered(
        &mut self,
        cx: &mut Context<'_>,
        completed: &Completed,
        parts: &mut Parts<'_>,
    ) -> bool {
        if let Some(commit) = self.committing.remove(&completed.correlation_id) {
            let result = completed.decode::<OffsetCommitResponse>().and_then(|response| {
                let codes = response.topics.iter().flat_map(|topic| &topic.partitions);
                let failed =
                    codes.map(|partition| ErrorCode(partition.error_code)).find(|code| code.is_error());
                failed.map_or(Ok(()), |code| Err(code.into()))
            });
            match result {
                Ok(()) => self.finish(cx, parts, commit, Ok(())),
                Err(error) => self.commit_failed(cx, parts, commit, error),
            }
            return true;
        }
        let Some(fetching) = self.fetching.remove(&completed.correlation_id) else { return false };
        match read_committed(completed, &fetching.partitions) {
            Ok(found) => match fetching.id {
                Some(id) => parts.events.push(ConsumerEvent::Committed { id, result: Ok(found) }),
                None => self.initialize(parts, found),
            },
            Err(error) => {
                self.coordinator_moved(cx, parts, error.code);
                let retriable = error.code.is_retriable() || error.code == ErrorCode::UNSTABLE_OFFSET_COMMIT;
                match (retriable, fetching.id) {
                    (true, id) => {
                        let wait = parts.config.client.retry_backoff.backoff(1, cx.rng);
                        self.fetch_not_before = cx.after_ms(wait);
                        if id.is_some() {
                            self.to_fetch.push_back(fetching);
                        }
                    }
                    (false, Some(id)) => {
                        parts.events.push(ConsumerEvent::Committed { id, result: Err(error) })
                    }
                    (false, None) => self.fail(parts, error),
                }
            }
        }
        true
    }

    fn commit_failed(
        &mut self,
        cx: &mut Context<'_>,
        parts: &mut Parts<'_>,
        mut commit: Commit,
        error: ApiError,
    ) {
        let current = self.generation.id == commit.generation;
        let moved = self.coordinator_moved(cx, parts, error.code);
        let error = match error.code {
            ErrorCode::REBALANCE_IN_PROGRESS => {
                self.request_rejoin("offset commit failed since group is already rebalancing");
                ApiError::new(error.code, REBALANCE_BEGUN)
            }
            ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION => {
                if current && self.state == MemberState::Stable {
                    let reason = format!("encountered {} from OFFSET_COMMIT response", error.code.name());
                    self.reset_generation(&reason, error.code == ErrorCode::UNKNOWN_MEMBER_ID);
                }
                ApiError::new(error.code, COMMIT_FAILED)
            }
            ErrorCode::FENCED_INSTANCE_ID => {
                if current {
                    self.fail(parts, error.clone());
                }
                error
            }
            _ => error,
        };
        let retriable = error.code != ErrorCode::REBALANCE_IN_PROGRESS
            && (moved
                || error.code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
                || error.code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
                || error.code.is_retriable());
        let attempts = commit.attempts;
        let later = |cx: &mut Context<'_>| {
            let wait = parts.config.client.retry_backoff.backoff(attempts, cx.rng);
            cx.after_ms(wait)
        };
        match commit.kind {
            // The next one takes what is consumed by then: this one sent again might arrive behind a rebalance's
            // commit, and the group would go back (ConsumerCoordinator.autoCommitOffsetsAsync).
            CommitKind::Auto if retriable && !self.is_closing() => {
                self.next_auto_commit = later(cx);
            }
            CommitKind::Sync | CommitKind::Prepare | CommitKind::Close if retriable => {
                commit.not_before = later(cx);
                self.waiting.push_back(commit);
            }
            _ => self.finish(cx, parts, commit, Err(error)),
        }
    }

    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        parts: &mut Parts<'_>,
        commit: Commit,
        result: Result<(), ApiError>,
    ) {
        let _ = cx;
        if commit.kind == CommitKind::Prepare && self.prepare == Prepare::Committing {
            self.prepare = Prepare::Revoke;
        }
        let by_program = matches!(commit.kind, CommitKind::Sync | CommitKind::Async);
        let (id, offsets) = (commit.id, commit.offsets);
        parts.events.push(ConsumerEvent::Commit { id, by_program, offsets, result });
    }

    /// Asks where the group left off, for partitions that have no position yet and for the program.
    fn fetch_committed(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if self.fetch_not_before > cx.now || self.failed {
            return;
        }
        let asked = self.fetching.values().any(|fetching| fetching.id.is_none());
        let open: Vec<TopicPartition> = parts.subscription.uninitialized().cloned().collect();
        let for_positions = !asked && !open.is_empty();
        if !for_positions && self.to_fetch.is_empty() {
            return;
        }
        let Some(node) = self.ready(cx, parts) else { return };
        if for_positions {
            self.to_fetch.push_back(Fetching { id: None, partitions: open });
        }
        let Ok(version) = parts.net.version::<OffsetFetchRequest>(node) else { return };
        for fetching in std::mem::take(&mut self.to_fetch) {
            let request = offset_fetch_request(parts.config, version, &fetching.partitions);
            if let Ok(correlation_id) = parts.net.send(cx, node, version, &request, true) {
                self.fetching.insert(correlation_id, fetching);
            }
        }
    }

    /// Positions as committed, or by `auto.offset.reset` where nothing was.
    fn initialize(&mut self, parts: &mut Parts<'_>, found: Found) {
        let mut without = Vec::new();
        for (partition, committed) in found {
            if parts.subscription.position(&partition) != Some(Position::Committed) {
                continue;
            }
            match (committed, parts.config.auto_offset_reset) {
                (Some(at), _) => {
                    parts.metadata.note_epoch(&partition, at.leader_epoch.unwrap_or(-1));
                    parts.subscription.set_committed(&partition, at.offset, at.leader_epoch);
                }
                (None, OffsetReset::None) => {
                    parts.subscription.set(&partition, Position::Reset(OffsetReset::None));
                    without.push(partition.to_string());
                }
                (None, reset) => parts.subscription.set(&partition, Position::Reset(reset)),
            }
        }
        if !without.is_empty() {
            let text =
                format!("Undefined offset with no reset policy for partitions: [{}]", without.join(", "));
            parts.errors.push(ApiError::new(ErrorCode::OFFSET_OUT_OF_RANGE, text));
        }
    }
}

/// `{orders-0=OffsetAndMetadata{offset=5, leaderEpoch=null, metadata=''}}`
fn offsets_text(offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>) -> String {
    let one = |(partition, offset): (&TopicPartition, &OffsetAndMetadata)| format!("{partition}={offset}");
    format!("{{{}}}", offsets.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn offset_fetch_request(
    config: &ConsumerConfig,
    version: i16,
    partitions: &[TopicPartition],
) -> OffsetFetchRequest {
    let mut by_topic: Vec<(&str, Vec<i32>)> = Vec::new();
    for partition in partitions {
        match by_topic.iter_mut().find(|(topic, _)| *topic == &*partition.topic) {
            Some((_, numbers)) => numbers.push(partition.partition),
            None => by_topic.push((&partition.topic, vec![partition.partition])),
        }
    }
    let group_id = GroupId(text(config.group_id.as_deref().unwrap_or_default()));
    let mut request = OffsetFetchRequest::default();
    request.require_stable = version >= 7;
    if version >= 8 {
        let topic = |(topic, numbers): (&str, Vec<i32>)| {
            OffsetFetchRequestTopics::default()
                .with_name(TopicName(text(topic)))
                .with_partition_indexes(numbers)
        };
        let mut group = OffsetFetchRequestGroup::default()
            .with_group_id(group_id)
            .with_topics(Some(by_topic.into_iter().map(topic).collect()));
        if version >= 9 {
            group.member_epoch = -1;
        }
        request.groups = vec![group];
    } else {
        let topic = |(topic, numbers): (&str, Vec<i32>)| {
            OffsetFetchRequestTopic::default()
                .with_name(TopicName(text(topic)))
                .with_partition_indexes(numbers)
        };
        request.group_id = group_id;
        request.topics = Some(by_topic.into_iter().map(topic).collect());
    }
    request
}

/// What an answer says of each partition that was asked about.
fn read_committed(completed: &Completed, asked: &[TopicPartition]) -> Result<Found, ApiError> {
    let mut found: Found = asked.iter().map(|partition| (partition.clone(), None)).collect();
    for (partition, committed) in offset_fetch::read(completed.decode()?)? {
        found.insert(partition, committed?);
    }
    Ok(found)
}
