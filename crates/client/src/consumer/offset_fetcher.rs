//! What a consumer asks leaders of their offsets (org.apache.kafka.clients.consumer.internals.OffsetFetcher): where it
//! begins, what the program wants to know, and whether what it has read is still there under a new leader (KIP-320).

use std::collections::{BTreeMap, VecDeque};

use blumfeld_kernel::{Context, Instant};
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use blumfeld_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use blumfeld_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use blumfeld_protocol::messages::{
    BrokerId, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, TopicName,
};
use blumfeld_protocol::wire::StrBytes;

use super::coordinator::Parts;
use super::subscription::Position;
use super::{CommitId, ConsumerEvent, OffsetReset};
use crate::{ApiError, Completed, Metadata, TopicPartition};

/// Which offset of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OffsetSpec {
    /// The log start (`beginningOffsets`).
    Earliest,
    /// The end: the high watermark, or the last stable offset for read_committed (`endOffsets`).
    Latest,
    /// Of the first record with this timestamp or a later one, in milliseconds since 1970-01-01 UTC
    /// (`offsetsForTimes`).
    At(i64),
}

impl OffsetSpec {
    fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::At(timestamp) => timestamp,
        }
    }
}

/// An offset that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetAndTimestamp {
    /// The offset.
    pub offset: i64,
    /// The record's timestamp; -1 for a log start or end.
    pub timestamp: i64,
    /// The epoch of the leader that appended it.
    pub leader_epoch: Option<i32>,
}

/// Offsets that were asked for; `None` where no record is so young.
pub type Offsets = BTreeMap<TopicPartition, Option<OffsetAndTimestamp>>;

/// A question of the program.
#[derive(Clone, Debug)]
struct Question {
    id: CommitId,
    open: BTreeMap<TopicPartition, OffsetSpec>,
    found: Offsets,
    deadline: Instant,
}

/// A request under way.
#[derive(Clone, Debug)]
enum Request {
    /// For positions.
    Positions(Vec<TopicPartition>),
    /// For a question.
    Question(CommitId, Vec<TopicPartition>),
    /// Whether what stands before the position is still there: the offset and epoch that were asked about.
    Validation(Vec<(TopicPartition, i64)>),
}

impl Request {
    fn partitions(&self) -> Box<dyn Iterator<Item = &TopicPartition> + '_> {
        match self {
            Self::Positions(partitions) => Box::new(partitions.iter()),
            Self::Validation(partitions) => Box::new(partitions.iter().map(|(of, _)| of)),
            Self::Question(..) => Box::new(std::iter::empty()),
        }
    }
}

/// What is asked, and what is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct OffsetFetcher {
    questions: VecDeque<Question>,
    in_flight: BTreeMap<i32, Request>,
    /// After a failure nothing is asked before this moment.
    not_before: Instant,
    /// The metadata whose leaders the positions know.
    metadata: u64,
}

impl OffsetFetcher {
    /// Asks for offsets on the program's behalf.
    pub fn ask(
        &mut self,
        cx: &Context<'_>,
        id: CommitId,
        open: BTreeMap<TopicPartition, OffsetSpec>,
        timeout_ms: i64,
    ) {
        let deadline = cx.after_ms(timeout_ms);
        self.questions.push_back(Question { id, open, found: Offsets::new(), deadline });
    }

    /// Sends what can be sent, and ends the questions that are over.
    pub fn poll(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        if self.metadata != parts.metadata.version() {
            self.metadata = parts.metadata.version();
            let metadata = &*parts.metadata;
            parts.subscription.note_leaders(|of| metadata.partition(of).map_or(-1, |of| of.leader_epoch));
        }
        let timeout_ms = parts.config.client.default_api_timeout_ms;
        self.questions.retain_mut(|question| {
            let over = question.deadline <= cx.now;
            if over || question.open.is_empty() {
                let text = format!("Failed to get offsets by times in {timeout_ms}ms");
                let late = Err(ApiError::new(ErrorCode::REQUEST_TIMED_OUT, text));
                let found = std::mem::take(&mut question.found);
                let result = if question.open.is_empty() { Ok(found) } else { late };
                parts.events.push(ConsumerEvent::Offsets { id: question.id, result });
                return false;
            }
            true
        });
        if self.not_before > cx.now {
            return;
        }
        self.poll_positions(cx, parts);
        self.poll_questions(cx, parts);
        self.poll_validations(cx, parts);
    }

    fn is_asked(&self, partition: &TopicPartition) -> bool {
        self.in_flight.values().any(|request| request.partitions().any(|of| of == partition))
    }

    fn poll_positions(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let now_ms = cx.unix_ms();
        let wanted: Vec<(TopicPartition, OffsetSpec)> = (parts.subscription.to_reset())
            .filter(|(of, reset)| *reset != OffsetReset::None && !self.is_asked(of))
            .map(|(of, reset)| {
                let spec = match reset {
                    OffsetReset::Earliest => OffsetSpec::Earliest,
                    OffsetReset::ByDuration(ms) => OffsetSpec::At(now_ms.saturating_sub(ms)),
                    OffsetReset::Latest | OffsetReset::None => OffsetSpec::Latest,
                };
                (of.clone(), spec)
            })
            .collect();
        self.list_offsets(cx, parts, wanted, Request::Positions);
    }

    fn poll_questions(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let questions: Vec<(CommitId, Vec<(TopicPartition, OffsetSpec)>)> = (self.questions.iter())
            .filter(|question| {
                let asked =
                    |request: &Request| matches!(request, Request::Question(id, _) if *id == question.id);
                !self.in_flight.values().any(asked)
            })
            .map(|question| {
                (question.id, question.open.iter().map(|(of, spec)| (of.clone(), *spec)).collect())
            })
            .collect();
        for (id, wanted) in questions {
            self.list_offsets(cx, parts, wanted, |partitions| Request::Question(id, partitions));
        }
    }

    /// Asks each leader for these offsets of its partitions.
    fn list_offsets(
        &mut self,
        cx: &mut Context<'_>,
        parts: &mut Parts<'_>,
        wanted: Vec<(TopicPartition, OffsetSpec)>,
        request_of: impl Fn(Vec<TopicPartition>) -> Request,
    ) {
        for (node, wanted) in by_leader(cx, parts, wanted, |(of, _)| of) {
            let Ok(version) = parts.net.version::<ListOffsetsRequest>(node) else { continue };
            let mut topics: Vec<ListOffsetsTopic> = Vec::new();
            for (of, spec) in &wanted {
                let mut data = ListOffsetsPartition::default()
                    .with_partition_index(of.partition)
                    .with_timestamp(spec.timestamp());
                if version >= 4 {
                    data.current_leader_epoch = leader_epoch(parts.metadata, of);
                }
                let name = TopicName(StrBytes::from_string(of.topic.to_string()));
                match topics.iter_mut().find(|topic| topic.name == name) {
                    Some(topic) => topic.partitions.push(data),
                    None => {
                        topics.push(ListOffsetsTopic::default().with_name(name).with_partitions(vec![data]))
                    }
                }
            }
            let mut request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics);
            if version >= 2 {
                request.isolation_level = parts.config.isolation_level.id();
            }
            if version >= 10 {
                request.timeout_ms =
                    i32::try_from(parts.config.client.request_timeout_ms).unwrap_or(i32::MAX);
            }
            if let Ok(correlation_id) = parts.net.send(cx, node, version, &request, true) {
                let partitions = wanted.into_iter().map(|(of, _)| of).collect();
                self.in_flight.insert(correlation_id, request_of(partitions));
            }
        }
    }

    fn poll_validations(&mut self, cx: &mut Context<'_>, parts: &mut Parts<'_>) {
        let wanted: Vec<_> = (parts.subscription.to_validate())
            .filter(|(of, ..)| !self.is_asked(of))
            .map(|(of, offset, epoch)| (of.clone(), offset, epoch))
            .collect();
        for (node, wanted) in by_leader(cx, parts, wanted, |(of, ..)| of) {
            let version = match parts.net.version::<OffsetForLeaderEpochRequest>(node) {
                Ok(version) if version >= FIRST_VERSION_FOR_CLIENTS => version,
                // Such a broker cannot say it: the position counts
                // (NetworkClientUtils.hasUsableOffsetForLeaderEpochVersion).
                _ => {
                    wanted.iter().for_each(|(of, ..)| parts.subscription.validated(of));
                    continue;
                }
            };
            let mut topics: Vec<OffsetForLeaderTopic> = Vec::new();
            for (of, _, epoch) in &wanted {
                let data = OffsetForLeaderPartition::default()
                    .with_partition(of.partition)
                    .with_current_leader_epoch(leader_epoch(parts.metadata, of))
                    .with_leader_epoch(*epoch);
                let name = TopicName(StrBytes::from_string(of.topic.to_string()));
                match topics.iter_mut().find(|topic| topic.topic == name) {
                    Some(topic) => topic.partitions.push(data),
                    None => topics
                        .push(OffsetForLeaderTopic::default().with_topic(name).with_partitions(vec![data])),
                }
            }
            let request =
                OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics);
            if let Ok(correlation_id) = parts.net.send(cx, node, version, &request, true) {
                let partitions = wanted.into_iter().map(|(of, offset, _)| (of, offset)).collect();
                self.in_flight.insert(correlation_id, Request::Validation(partitions));
            }
        }
    }

    /// Takes a completed request; gives whether it was one of these.
    pub fn handle(&mut self, cx: &mut Context<'_>, completed: &Completed, parts: &mut Parts<'_>) -> bool {
        let Some(request) = self.in_flight.remove(&completed.correlation_id) else { return false };
        let again = match request {
            Request::Positions(partitions) => positions(parts, partitions, completed),
            Request::Question(id, partitions) => self.answered(parts, id, partitions, completed),
            Request::Validation(partitions) => validations(parts, partitions, completed),
        };
        if again {
            parts.metadata.request_update();
            let wait = parts.config.client.retry_backoff.backoff(1, cx.rng);
            self.not_before = cx.after_ms(wait);
        }
        true
    }

    fn answered(
        &mut self,
        parts: &mut Parts<'_>,
        id: CommitId,
        partitions: Vec<TopicPartition>,
        completed: &Completed,
    ) -> bool {
        let Some(at) = self.questions.iter().position(|question| question.id == id) else { return false };
        let response = completed.decode::<ListOffsetsResponse>();
        let mut again = false;
        for of in partitions {
            match offset_in(&response, &of) {
                Ok(Some(answer)) => {
                    let question = &mut self.questions[at];
                    question.open.remove(&of);
                    let found = (answer.offset >= 0).then_some(OffsetAndTimestamp {
                        offset: answer.offset,
                        timestamp: answer.timestamp,
                        leader_epoch: (answer.leader_epoch >= 0).then_some(answer.leader_epoch),
                    });
                    question.found.insert(of, found);
                }
                Err(error) if !error.code.is_retriable() => {
                    self.questions.remove(at);
                    parts.events.push(ConsumerEvent::Offsets { id, result: Err(error) });
                    return false;
                }
                Ok(None) | Err(_) => again = true,
            }
        }
        again
    }

    /// When `poll` is next wanted.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let retry = (self.not_before > now).then_some(self.not_before);
        self.questions.iter().map(|question| question.deadline).chain(retry).min()
    }
}

/// The first version of OffsetForLeaderEpoch that clients may use.
const FIRST_VERSION_FOR_CLIENTS: i16 = 3;

fn leader_epoch(metadata: &Metadata, of: &TopicPartition) -> i32 {
    metadata.partition(of).map_or(-1, |of| of.leader_epoch)
}

/// What is wanted, by the leaders that can be asked now.
fn by_leader<T>(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    wanted: Vec<T>,
    of: impl Fn(&T) -> &TopicPartition,
) -> BTreeMap<i32, Vec<T>> {
    let mut by_node: BTreeMap<i32, Vec<T>> = BTreeMap::new();
    for one in wanted {
        match parts.metadata.leader(of(&one)).map(|broker| (broker.id, broker.endpoint.clone())) {
            // There may be a leader by now (OffsetFetcher.groupListOffsetRequests).
            None => parts.metadata.request_update(),
            Some((node, endpoint)) => {
                if parts.net.ready(cx, node, &endpoint) {
                    by_node.entry(node).or_default().push(one);
                }
            }
        }
    }
    by_node
}

/// What a response says of a partition; `None` if nothing.
fn offset_in<'a>(
    response: &'a Result<ListOffsetsResponse, ApiError>,
    of: &TopicPartition,
) -> Result<Option<&'a ListOffsetsPartitionResponse>, ApiError> {
    let response = response.as_ref().map_err(ApiError::clone)?;
    let answer = (response.topics.iter())
        .filter(|topic| topic.name.as_str() == &*of.topic)
        .flat_map(|topic| &topic.partitions)
        .find(|answer| answer.partition_index == of.partition);
    match answer {
        Some(answer) if answer.error_code != 0 => Err(ErrorCode(answer.error_code).into()),
        found => Ok(found),
    }
}

/// Takes offsets as positions; gives whether some have to be asked for again.
fn positions(parts: &mut Parts<'_>, partitions: Vec<TopicPartition>, completed: &Completed) -> bool {
    let response = completed.decode::<ListOffsetsResponse>();
    let mut again = false;
    for of in partitions {
        match offset_in(&response, &of) {
            Ok(Some(answer)) => {
                if matches!(parts.subscription.position(&of), Some(Position::Reset(_))) {
                    // Nothing is as young as a duration asks for: then it begins at the end.
                    let end = Position::Reset(OffsetReset::Latest);
                    let found = if answer.offset < 0 { end } else { Position::At(answer.offset) };
                    parts.subscription.set(&of, found);
                }
            }
            Ok(None) => again = true,
            Err(error) => {
                again = true;
                if !error.code.is_retriable() {
                    parts.errors.push(error);
                }
            }
        }
    }
    again
}

/// Takes where epochs ended (SubscriptionState.maybeCompleteValidation); gives whether some have to be asked for again.
fn validations(parts: &mut Parts<'_>, partitions: Vec<(TopicPartition, i64)>, completed: &Completed) -> bool {
    let response = completed.decode::<OffsetForLeaderEpochResponse>();
    let mut again = false;
    for (of, offset) in partitions {
        let end = response.as_ref().ok().and_then(|response| {
            let topic = response.topics.iter().find(|topic| topic.topic.as_str() == &*of.topic)?;
            topic.partitions.iter().find(|end| end.partition == of.partition)
        });
        let Some(end) = end.filter(|end| end.error_code == 0) else {
            // What is wrong is what fetches are told too: whether that is for the program they say.
            again = true;
            continue;
        };
        // A position that was moved meanwhile is validated for itself.
        if parts.subscription.position(&of) != Some(Position::At(offset)) {
            continue;
        }
        let known = end.end_offset >= 0 && end.leader_epoch >= 0;
        if known && end.end_offset >= offset {
            parts.subscription.validated(&of);
            continue;
        }
        parts.fetcher.forget(&of);
        match parts.config.auto_offset_reset {
            OffsetReset::None => {
                let at = if known { end.end_offset.to_string() } else { "an unknown offset".to_owned() };
                let text = format!(
                    "Detected log truncation of partition {of}: position {offset}, diverging at {at}"
                );
                parts.errors.push(ApiError::new(ErrorCode::OFFSET_OUT_OF_RANGE, text));
                parts.subscription.set(&of, Position::Reset(OffsetReset::None));
            }
            _ if known => {
                parts.subscription.set_with_epoch(&of, end.end_offset, Some(end.leader_epoch));
                parts.subscription.validated(&of);
            }
            reset => parts.subscription.set(&of, Position::Reset(reset)),
        }
    }
    again
}
